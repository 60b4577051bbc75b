"""Magnetics: SimPEG's integral simulation over faster engines, and the rest of SimPEG's magnetics as it is."""

from __future__ import annotations

import numpy as np
from simpeg.potential_fields import magnetics as _simpeg
from simpeg.potential_fields.magnetics import (
    Point,
    Simulation3DDifferential,
    SimulationEquivalentSourceLayer,
    Survey,
    UniformBackgroundField,
    analytics,
    receivers,
    sources,
    survey,
)

from ..kernels import field_direction, magnetic_terms, magnetizations
from ._simulation import EngineSimulation

__all__ = [
    "Simulation3DIntegral",
    # SimPEG's own, so that a script changes one import
    "Point",
    "Simulation3DDifferential",
    "SimulationEquivalentSourceLayer",
    "UniformBackgroundField",
    "Survey",
    "analytics",
    "receivers",
    "sources",
    "survey",
]

_AMPLITUDE = ["bx", "by", "bz"]


class Simulation3DIntegral(EngineSimulation, _simpeg.Simulation3DIntegral):
    r"""Magnetics of right rectangular prisms, on a CPU or a GPU.

    .. math::
        \mathbf b = \frac{1}{4\pi} \, \boldsymbol\nabla \boldsymbol\nabla
        \int \frac{\chi \mathbf M}{|\mathbf r_i - \mathbf r|} \, dV

    with the inducing field :math:`\mathbf M`, in nT, without demagnetization. A drop-in for
    :class:`simpeg.potential_fields.magnetics.Simulation3DIntegral`: the same survey, units (SI; nT, nT/m), components.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        In 3-D.
    chi : array_like, optional
        Susceptibilities of a simulation without a model.
    chiMap : simpeg.maps.IdentityMap, optional
        From the model to susceptibilities of the active cells.
    model_type : {"scalar", "vector"}
        Susceptibilities, (n_active,); or effective susceptibilities along x, y and z, (3 n_active,).
    is_amplitude_data : bool
        Data are the amplitudes of the anomalous field; receivers then have components bx, by, bz, in this order.
    engine : {"auto", "dense", "toeplitz", "blocked"}
        How the matrix is multiplied by. ``"dense"`` stores it; ``"toeplitz"`` stores one kernel per component and
        layer, for receivers on a regular grid over cells of equal widths; ``"blocked"`` stores nothing. ``"auto"``
        takes Toeplitz where it can, dense where that fits into memory, blocked elsewhere, and logs which and why.
    device : str or torch.device, optional
        Torch's current default device if not given.
    active_cells, survey, store_sensitivities, sensitivity_dtype, **kwargs
        As in :class:`simpeg_jointdl.potential_fields.gravity.Simulation3DIntegral`.

    Attributes
    ----------
    M : (n_active, 3) numpy.ndarray
        Inducing field of each cell, nT, where it can be set to another one, as in SimPEG: remanence.
        None for ``"vector"``.

    Raises
    ------
    ValueError
        For no active cells, cells without volume, locations that are not finite, a mesh that is not 3-D, amplitudes of
        other components, an unknown engine, or one that cannot serve (see ``engine``).
    MemoryError
        If ``engine="dense"`` is asked for and does not fit; says how much it wants and how much is free.
    TypeError
        For another `sensitivity_dtype`.

    References
    ----------
    Bhattacharyya, B. K. (1964). Magnetic anomalies due to prism-shaped bodies with arbitrary polarization. Geophysics,
    29, 517-531. https://doi.org/10.1190/1.1439386
    """

    _property = "chi"

    def __init__(
        self,
        mesh,
        chi=None,
        chiMap=None,
        model_type="scalar",
        is_amplitude_data=False,
        engine="auto",
        device=None,
        **kwargs,
    ):
        self.model_type = model_type
        self._begin(mesh, engine=engine, device=device, **kwargs)
        self.chi = chi
        self.chiMap = chiMap
        self._M = None
        self.is_amplitude_data = is_amplitude_data
        self.modelMap = self.chiMap

    @property
    def M(self):
        """Inducing field of each cell, (n_active, 3) in nT; None if the model is the magnetization."""
        if self.model_type == "vector":
            return None
        if self._M is None:
            return np.tile(self.survey.source_field.b0, (self.nC, 1))
        return self._M

    @M.setter
    def M(self, value):
        if self.model_type == "vector":
            msg = "magnetics.Simulation3DIntegral.M: the model is the magnetization; set M with model_type='scalar'."
            raise ValueError(msg)
        value = np.array(value, dtype=float)
        if value.size != 3 * self.nC or not np.isfinite(value).all():
            msg = f"magnetics.Simulation3DIntegral.M: got shape {value.shape}, wanted ({self.nC}, 3) finite numbers."
            raise ValueError(msg)
        self._M = value.reshape(self.nC, 3)
        self._built, self._squares = None, {}

    def _magnetization(self):
        return None if self._M is None else np.ascontiguousarray(self._M.T)

    def _terms(self, receiver):
        if self.is_amplitude_data and list(receiver.components) != _AMPLITUDE:
            msg = (
                f"magnetics.Simulation3DIntegral.survey: amplitudes of components {receiver.components}; "
                f"wanted {_AMPLITUDE}, in this order."
            )
            raise ValueError(msg)
        field = self.survey.source_field
        direction = field_direction(field.inclination, field.declination)
        # magnetized along x, y and z by one nT where cells have their own
        units = (
            magnetizations(self.model_type, field.amplitude, field.inclination, field.declination)
            if self._M is None
            else list(np.eye(3))
        )
        return [[magnetic_terms(component, direction, unit) for unit in units] for component in receiver.components]
