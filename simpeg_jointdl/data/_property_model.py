"""A property model with its name, unit and colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core import validation as check


@dataclass(frozen=True, eq=False)
class PropertyModel:
    """A property on the active cells, with name, unit and colours for figures.

    Parameters
    ----------
    name, unit : str
        Name and unit, for titles and colourbars.
    values : (n_active,) array_like
        Values of the property; cells with nan stay blank.
    signed : bool
        Whether to use diverging colours, symmetric about zero.
    log : bool
        Whether to use logarithmic colours and axes, as for a resistivity.
    color_limits : tuple of float, optional
        Values of the lowest and highest colour; by default from all models in the figure with the same unit, `signed`
        and `log`.

    Raises
    ------
    ValueError
        If values have more than one dimension, are infinite or all nan; with `log`, if they are not above zero or
        `signed` is True.

    Examples
    --------
    >>> from simpeg_jointdl.data import PropertyModel
    >>> PropertyModel("Density contrast", "g/cc", [0.0, 0.3, -0.1], signed=True).values
    array([ 0. ,  0.3, -0.1])
    """

    name: str
    unit: str
    values: np.ndarray
    signed: bool = False
    log: bool = False
    color_limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        who = f"PropertyModel {self.name!r}"
        values = check.gappy_array(f"{who}.values", self.values, (np.size(self.values),))
        if np.isnan(values).all():
            msg = f"{who}.values: got only nan, wanted at least one value."
            raise ValueError(msg)
        object.__setattr__(self, "values", values)
        if self.log and (self.signed or np.nanmin(values) <= 0):
            msg = f"{who}: log=True with signed={self.signed}, least value {np.nanmin(values):g}; wanted > 0."
            raise ValueError(msg)
