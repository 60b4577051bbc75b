"""Options of an inversion over cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from numpy.typing import ArrayLike
from simpeg.data_misfit import BaseDataMisfit, L2DataMisfit

Strategy = Literal["simultaneous", "separate", "sequential", "cooperative"]


@dataclass(frozen=True, eq=False)
class CellOptions:
    """Options of an inversion over cells that starts from a prediction.

    They are the arguments of :func:`create_joint_inversion` of the same names. Defaults are those that make the
    smallest smooth change of the prediction: no sensitivity weights, which would measure a change in another norm than
    that of the cells.

    Parameters
    ----------
    bounds : dict of str to (lower, upper), or None
        Bounds by property. Susceptibility is not negative unless its bounds say otherwise, or `bounds` is None.
    reference_models : dict of str to float or (n_active,) array_like, optional
        Reference models in place of the prediction, or of its mixture with sparse inversions.
    starting_models : dict of str to float or (n_active,) array_like, optional
        Starting models in place of the prediction.
    fixed_models : dict of str to (n_active,) array_like, optional
        Models that stay as they are and take part in the couplings.
    norms : sequence of 4 float, or dict of str to such, optional
        Norms of smallness and of the gradients along x, y and z; all 2 if not given.
    alpha_s : float
        Weight of smallness against smoothness.
    sensitivity_weights : bool
        Whether the regularization of a cell is weighted by the sensitivity of the data to it.
    strategy : {"simultaneous", "separate", "sequential", "cooperative"}
        Order in which properties are inverted for.
    couple_when : {"structure", "fitted", "settled"}, optional
        When couplings begin.
    max_iterations, cg_iterations : int
        Largest number of Gauss-Newton iterations, and of conjugate-gradient steps in each.
    preconditioner : {"jacobi", "data-space"}
        Preconditioner of the conjugate gradients.
    misfit : type
        Class of the data misfits, called as ``misfit(data=..., simulation=...)``.

    Examples
    --------
    >>> from simpeg_jointdl.recipes import CellOptions
    >>> CellOptions(bounds={"density": (-1.0, 1.0)}, norms=(0, 1, 1, 1)).max_iterations
    60
    """

    bounds: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = field(default_factory=dict)
    reference_models: Mapping[str, ArrayLike] | None = None
    starting_models: Mapping[str, ArrayLike] | None = None
    fixed_models: Mapping[str, ArrayLike] | None = None
    norms: Sequence[float] | Mapping[str, Sequence[float]] | None = None
    alpha_s: float = 3.0
    sensitivity_weights: bool = False
    strategy: Strategy = "simultaneous"
    couple_when: Literal["structure", "fitted", "settled"] | None = None
    max_iterations: int = 60
    cg_iterations: int = 150
    preconditioner: Literal["jacobi", "data-space"] = "jacobi"
    misfit: type[BaseDataMisfit] = L2DataMisfit
