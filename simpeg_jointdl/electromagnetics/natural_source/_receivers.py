"""A receiver for the determinant of the impedance tensor, which SimPEG does not have."""

from __future__ import annotations

from typing import Any, Literal, NoReturn

from numpy.typing import ArrayLike
from simpeg.electromagnetics.natural_source.receivers import Impedance


class DeterminantImpedance(Impedance):
    r"""Receiver of the determinant of the impedance tensor.

    .. math::
        Z_\mathrm{det} = \sqrt{Z_{xx} Z_{yy} - Z_{xy} Z_{yx}}

    The determinant does not change when the axes are rotated, which is why most 1-D interpretations use it. Over layers
    it equals :math:`Z_{xy}` up to the sign of the root; here it has the sign, and thus the quadrant, of :math:`Z_{xy}`.

    Parameters
    ----------
    locations_e, locations_h : (n_loc, n_dim) array_like
        Locations as in :class:`simpeg.electromagnetics.natural_source.receivers.Impedance`.
    component : {'real', 'imag', 'apparent_resistivity', 'phase'}
        Component of the data, in ohm, ohm, ohm m and degrees.
    storeProjections : bool
        As in SimPEG.

    Raises
    ------
    TypeError
        If locations are not numbers or the component is not a str, and in simulations on meshes.
    ValueError
        If the component is another one, `locations_h` and `locations_e` differ in shape, or `orientation` is set.

    Notes
    -----
    :class:`Simulation1DStitched` and SimPEG's ``Simulation1DRecursive`` evaluate it; simulations on meshes cannot.

    References
    ----------
    Pedersen, L. B. and Engels, M. (2005). Routine 2D inversion of magnetotelluric data using the determinant of the
    impedance tensor. Geophysics, 70(2), G33-G41. https://doi.org/10.1190/1.1897032
    """

    def __init__(
        self,
        locations_e: ArrayLike,
        locations_h: ArrayLike | None = None,
        component: Literal["real", "imag", "apparent_resistivity", "phase"] = "apparent_resistivity",
        storeProjections: bool = False,
    ):
        super().__init__(locations_e, locations_h, "det", component, storeProjections)

    @property
    def orientation(self) -> str:
        """Orientation of the receiver, always 'det'."""
        return "det"

    @orientation.setter
    def orientation(self, value: str) -> None:
        if value != "det":
            msg = f"DeterminantImpedance.orientation: got {value!r}; it has none but 'det'. Use Impedance for elements."
            raise ValueError(msg)

    def eval(self, src: Any, mesh: Any, f: Any) -> NoReturn:
        """Raise TypeError: simulations on meshes cannot evaluate the determinant."""
        msg = "DeterminantImpedance: for layered simulations only; use Impedance with simulations on a mesh."
        raise TypeError(msg)

    def evalDeriv(
        self, src: Any, mesh: Any, f: Any, du_dm_v: Any = None, v: Any = None, adjoint: bool = False
    ) -> NoReturn:
        """Raise TypeError, as :meth:`eval` does."""
        return self.eval(src, mesh, f)
