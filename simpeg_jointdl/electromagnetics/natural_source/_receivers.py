"""A receiver SimPEG does not have."""

from __future__ import annotations

from simpeg.electromagnetics.natural_source.receivers import Impedance


class DeterminantImpedance(Impedance):
    r"""Determinant of the impedance tensor, :math:`Z_\mathrm{det} = \sqrt{Z_{xx} Z_{yy} - Z_{xy} Z_{yx}}`.

    It does not change when the axes turn, which makes it what most 1-D interpretations use. Over layers it is
    :math:`Z_{xy}` up to the sign of the root; here it has that of :math:`Z_{xy}`, and so its quadrant.

    Parameters
    ----------
    locations_e, locations_h : (n_loc, n_dim) array_like
        As of SimPEG's :class:`~simpeg.electromagnetics.natural_source.receivers.Impedance`.
    component : {'real', 'imag', 'apparent_resistivity', 'phase'}
        Ohm, ohm, ohm m, degrees.
    storeProjections : bool
        As of SimPEG's.

    Raises
    ------
    TypeError
        For locations that are no numbers, a component that is no str, and in simulations on meshes.
    ValueError
        For another component, `locations_h` of another shape than `locations_e`, and another `orientation` than 'det'.

    Notes
    -----
    For :class:`Simulation1DStitched` and SimPEG's ``Simulation1DRecursive``; simulations on meshes cannot evaluate it.

    References
    ----------
    Pedersen, L. B. and Engels, M. (2005). Routine 2D inversion of magnetotelluric data using the determinant of the
    impedance tensor. Geophysics, 70(2), G33-G41. https://doi.org/10.1190/1.1897032
    """

    def __init__(self, locations_e, locations_h=None, component="apparent_resistivity", storeProjections=False):
        super().__init__(locations_e, locations_h, "det", component, storeProjections)

    @property
    def orientation(self) -> str:
        """'det'."""
        return "det"

    @orientation.setter
    def orientation(self, value):
        if value != "det":
            msg = f"DeterminantImpedance.orientation: got {value!r}; it has none but 'det'. Use Impedance for elements."
            raise ValueError(msg)

    def eval(self, src, mesh, f):
        """Refused: fields on a mesh have a whole tensor, whose elements this class does not ask for."""
        msg = "DeterminantImpedance: for layered simulations only; use Impedance with simulations on a mesh."
        raise TypeError(msg)

    def evalDeriv(self, src, mesh, f, du_dm_v=None, v=None, adjoint=False):
        """Refused, as :meth:`eval`."""
        return self.eval(src, mesh, f)
