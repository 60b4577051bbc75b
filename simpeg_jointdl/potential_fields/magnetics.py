"""Magnetics: SimPEG's integral simulation with faster engines, and the rest of SimPEG's magnetics unchanged."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap
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
from simpeg.utils import Counter

from ..kernels import field_direction, magnetic_terms, magnetizations
from ._simulation import EngineSimulation

__all__ = [
    "Simulation3DIntegral",
    # SimPEG's own objects, so that a script needs to change only one import
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
    r"""Magnetic field of right rectangular prisms, computed on a CPU or a GPU.

    .. math::
        \mathbf b = \frac{1}{4\pi} \, \boldsymbol\nabla \boldsymbol\nabla \cdot
        \int \frac{\chi \mathbf M}{|\mathbf r_i - \mathbf r|} \, dV

    with the inducing field :math:`\mathbf M` in nT, without demagnetization. It replaces
    :class:`simpeg.potential_fields.magnetics.Simulation3DIntegral` with the same survey, units (SI; nT, nT/m) and
    components.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 3-D.
    chi : array_like, optional
        Susceptibilities in SI, for a simulation without a model.
    chiMap : simpeg.maps.IdentityMap, optional
        Map from the model to the susceptibilities of the active cells.
    model_type : {"scalar", "vector"}
        Susceptibilities, (n_active,), or effective susceptibilities along x, y and z, (3 n_active,).
    is_amplitude_data : bool
        Whether the data are the amplitudes of the anomalous field. Receivers then have the components bx, by and bz, in
        this order.
    engine : {"auto", "dense", "toeplitz", "blocked"}
        Engine that multiplies by the sensitivity matrix. ``"dense"`` stores the matrix. ``"toeplitz"`` stores one
        kernel per component and layer, for receivers on a regular grid over cells of equal widths. ``"blocked"`` stores
        nothing and evaluates the matrix again in every product. ``"auto"`` uses dense for a small matrix; otherwise
        Toeplitz where it can, dense where the matrix fits into memory, and blocked elsewhere. It logs its choice and
        the reason.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    active_cells : (mesh.n_cells,) array_like of bool or of int, optional
        Active cells of the mesh; by default all cells are active.
    survey : simpeg.potential_fields.magnetics.Survey
        Receivers and their components.
    store_sensitivities : {"ram", "disk", "forward_only"}
        As in SimPEG: the dense matrix is kept in memory, or in a file under `sensitivity_path` from which it is
        streamed, or not at all.
    sensitivity_dtype : {np.float32, np.float64, "bfloat16"}
        Type of sensitivities and products; float32 by default, as in SimPEG. "bfloat16" needs half the memory of a
        float32 matrix, has a scale for each row, and keeps 2 to 3 digits.
    sensitivity_path : str or path, optional
        Folder of the matrix for ``store_sensitivities="disk"``; SimPEG's default folder if not given.
    counter : simpeg.utils.Counter, optional
        Passed on to SimPEG's simulation.
    verbose : bool
        Passed on to SimPEG's simulation.
    **kwargs
        Further arguments of SimPEG's base classes.

    Attributes
    ----------
    M : (n_active, 3) numpy.ndarray
        Inducing field of each cell in nT. As in SimPEG it can be set to another field, for remanent magnetization. None
        for ``model_type="vector"``.

    Raises
    ------
    ValueError
        If there are no active cells, cells without volume, locations that are not finite, a mesh that is not 3-D,
        amplitude data of other components, or an engine that is unknown or cannot be used for this mesh and survey.
    MemoryError
        If ``engine="dense"`` does not fit into memory; the message says how much it needs and how much is free.
    TypeError
        If `sensitivity_dtype` is another type.

    References
    ----------
    Bhattacharyya, B. K. (1964). Magnetic anomalies due to prism-shaped bodies with arbitrary polarization. Geophysics,
    29, 517-531. https://doi.org/10.1190/1.1439386

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg_jointdl.potential_fields import magnetics
    >>> mesh = discretize.TensorMesh([[100.0] * 4] * 3, origin="CCN")
    >>> receivers = magnetics.Point(np.array([[0.0, 0.0, 30.0]]), components="tmi")
    >>> source = magnetics.UniformBackgroundField([receivers], amplitude=50_000, inclination=90, declination=0)
    >>> survey = magnetics.Survey(source)
    >>> simulation = magnetics.Simulation3DIntegral(mesh, survey=survey, chi=np.full(mesh.n_cells, 0.01))
    >>> print(np.round(simulation.dpred()))  # nT
    [188.]
    """

    _property = "chi"

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh,
        chi: ArrayLike | None = None,
        chiMap: IdentityMap | None = None,
        model_type: Literal["scalar", "vector"] = "scalar",
        is_amplitude_data: bool = False,
        engine: Literal["auto", "dense", "toeplitz", "blocked"] = "auto",
        device: str | torch.device | None = None,
        *,
        active_cells: ArrayLike | None = None,
        survey: _simpeg.Survey | None = None,
        store_sensitivities: Literal["ram", "disk", "forward_only"] = "ram",
        sensitivity_dtype: DTypeLike | Literal["bfloat16"] = np.float32,
        sensitivity_path: str | os.PathLike[str] | None = None,
        counter: Counter | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ):
        self.model_type = model_type
        self._begin(
            mesh,
            engine=engine,
            device=device,
            active_cells=active_cells,
            survey=survey,
            store_sensitivities=store_sensitivities,
            sensitivity_dtype=sensitivity_dtype,
            sensitivity_path=None if sensitivity_path is None else os.fspath(sensitivity_path),
            counter=counter,
            verbose=verbose,
            **kwargs,
        )
        self.chi = chi
        self.chiMap = chiMap
        self._M = None
        self.is_amplitude_data = is_amplitude_data
        self.modelMap: Any = self.chiMap

    @property
    def M(self) -> np.ndarray | None:
        """Inducing field of each cell, (n_active, 3) in nT; None if the model is the magnetization."""
        if self.model_type == "vector":
            return None
        if self._M is None:
            return np.tile(self.survey.source_field.b0, (self.nC, 1))
        return self._M

    @M.setter
    def M(self, value: ArrayLike) -> None:
        if self.model_type == "vector":
            msg = "magnetics.Simulation3DIntegral.M: the model is the magnetization. Use model_type='scalar'."
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
                f"magnetics.Simulation3DIntegral.survey: got amplitude data of components {receiver.components}, "
                f"wanted {_AMPLITUDE}, in this order."
            )
            raise ValueError(msg)
        field = self.survey.source_field
        direction = field_direction(field.inclination, field.declination)
        # with a field of each cell: unit magnetizations of 1 nT along x, y and z
        units = (
            magnetizations(self.model_type, field.amplitude, field.inclination, field.declination)
            if self._M is None
            else list(np.eye(3))
        )
        return [[magnetic_terms(component, direction, unit) for unit in units] for component in receiver.components]
