"""A property model with its name, unit and mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.plot_checks import checked_array


@dataclass(frozen=True, eq=False)
class PropertyModel:
    """One property on the active cells, and how to show it.

    Parameters
    ----------
    name, unit : str
        For titles and colourbars.
    values : (n_active,) array_like
        Cells with nan stay blank.
    signed : bool
        Diverging colours, symmetric about zero.
    log : bool
        Logarithmic colours and axes, as for a resistivity.
    color_limits : tuple of float, optional
        Lowest and highest colour. Default: from what is shown of all models alike in unit, sign and log.

    Raises
    ------
    ValueError
        For values in more than one dimension, infinite or nan throughout, and with `log` for those that are not above
        zero, and for `signed`.
    """

    name: str
    unit: str
    values: np.ndarray
    signed: bool = False
    log: bool = False
    color_limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        who = f"PropertyModel {self.name!r}"
        values = checked_array(f"{who}.values", self.values, (np.size(self.values),), blanks=True)
        object.__setattr__(self, "values", values)
        if self.log and (self.signed or np.nanmin(values) <= 0):
            msg = f"{who}: log=True with signed={self.signed}, least value {np.nanmin(values):g}; wanted > 0."
            raise ValueError(msg)
