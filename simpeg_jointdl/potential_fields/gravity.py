"""Gravity: SimPEG's integral simulation with faster engines, and the rest of SimPEG's gravity module unchanged."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh
from numpy.typing import ArrayLike, DTypeLike
from simpeg.maps import IdentityMap
from simpeg.potential_fields import gravity as _simpeg
from simpeg.potential_fields.gravity import (
    Point,
    Simulation3DDifferential,
    SimulationEquivalentSourceLayer,
    SourceField,
    Survey,
    analytics,
    receivers,
    sources,
    survey,
)
from simpeg.utils import Counter

from ..kernels import gravity_terms
from ._simulation import EngineSimulation

__all__ = [
    "Simulation3DIntegral",
    # SimPEG's own objects, so that a script needs to change only one import
    "Point",
    "Simulation3DDifferential",
    "SimulationEquivalentSourceLayer",
    "SourceField",
    "Survey",
    "analytics",
    "receivers",
    "sources",
    "survey",
]


class Simulation3DIntegral(EngineSimulation, _simpeg.Simulation3DIntegral):
    r"""Gravity of right rectangular prisms, computed on a CPU or a GPU.

    .. math::
        \mathbf d = \mathbf G \, \boldsymbol\rho, \qquad
        G_{ij} = \gamma \, D \int_{\text{cell } j} \frac{dV}{|\mathbf r_i - \mathbf r|}, \qquad
        D = \begin{cases} \partial_a & \text{for } g_a \\ \partial_a \partial_b & \text{for } g_{ab} \\
        \tfrac12 (\partial_y^2 - \partial_x^2) & \text{for } g_{uv} \end{cases}

    with the gravitational constant :math:`\gamma` and derivatives towards east, north and up at the receiver
    :math:`\mathbf r_i`. It replaces :class:`simpeg.potential_fields.gravity.Simulation3DIntegral` with the same survey,
    units (g/cc; mGal for :math:`g_a`, Eötvös for gradients), signs (gz is positive upward) and components.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 3-D.
    rho : (n_active,) array_like, optional
        Densities in g/cc, for a simulation without a model.
    rhoMap : simpeg.maps.IdentityMap, optional
        Map from the model to the densities of the active cells.
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
    survey : simpeg.potential_fields.gravity.Survey
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

    Raises
    ------
    ValueError
        If there are no active cells, cells without volume, locations that are not finite, a mesh that is not 3-D, or an
        engine that is unknown or cannot be used for this mesh and survey.
    MemoryError
        If ``engine="dense"`` does not fit into memory; the message says how much it needs and how much is free.
    TypeError
        If `sensitivity_dtype` is another type.

    Notes
    -----
    :meth:`getJtJdiag` is exact with every engine. For receivers on faces, edges and corners of cells see
    :func:`simpeg_jointdl.kernels.node_function`.

    References
    ----------
    Nagy, D., Papp, G. and Benedek, J. (2000). The gravitational potential and its derivatives for the prism. Journal
    of Geodesy, 74, 552-560. https://doi.org/10.1007/s001900000116

    Vogel, C. R. (2002). Computational Methods for Inverse Problems, chapter 5 (Toeplitz matrices and FFT). SIAM.
    https://doi.org/10.1137/1.9780898717570

    Examples
    --------
    >>> import discretize, numpy as np
    >>> from simpeg_jointdl.potential_fields import gravity
    >>> mesh = discretize.TensorMesh([[100.0] * 4] * 3, origin="CCN")
    >>> receivers = gravity.Point(np.array([[0.0, 0.0, 1.0]]), components="gz")
    >>> survey = gravity.Survey(gravity.SourceField([receivers]))
    >>> simulation = gravity.Simulation3DIntegral(mesh, survey=survey, rho=np.full(mesh.n_cells, 0.3))
    >>> print(np.round(simulation.dpred(), 2))  # mGal; a dense body below the receiver pulls downward
    [-2.07]
    """

    _property = "rho"
    is_amplitude_data = False

    def __init__(
        self,
        mesh: TensorMesh | TreeMesh,
        rho: ArrayLike | None = None,
        rhoMap: IdentityMap | None = None,
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
        self.rho = rho
        self.rhoMap = rhoMap
        self.modelMap: Any = self.rhoMap

    def _terms(self, receiver):
        return [[gravity_terms(component)] for component in receiver.components]
