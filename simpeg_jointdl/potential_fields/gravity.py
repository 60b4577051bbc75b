"""Gravity: SimPEG's integral simulation over faster engines, and the rest of SimPEG's gravity as it is."""

from __future__ import annotations

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

from ..kernels import gravity_terms
from ._simulation import EngineSimulation

__all__ = [
    "Simulation3DIntegral",
    # SimPEG's own, so that a script changes one import
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
    r"""Gravity of right rectangular prisms, on a CPU or a GPU.

    .. math::
        \mathbf d = \mathbf G \, \boldsymbol\rho, \qquad
        G_{ij} = \gamma \, D \int_{\text{cell } j} \frac{dV}{|\mathbf r_i - \mathbf r|}, \qquad
        D = \begin{cases} \partial_a & \text{of } g_a \\ \partial_a \partial_b & \text{of } g_{ab} \\
        \tfrac12 (\partial_y^2 - \partial_x^2) & \text{of } g_{uv} \end{cases}

    with the gravitational constant :math:`\gamma`, and derivatives along easting, northing and upward at the receiver
    :math:`\mathbf r_i`. A drop-in for :class:`simpeg.potential_fields.gravity.Simulation3DIntegral`: the same survey,
    units (g/cc; mGal for :math:`g_a`, Eötvös for gradients), signs (gz upward) and components.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        In 3-D.
    rho : (n_active,) array_like, optional
        Densities, g/cc, of a simulation without a model.
    rhoMap : simpeg.maps.IdentityMap, optional
        From the model to densities of the active cells.
    engine : {"auto", "dense", "toeplitz", "blocked"}
        How the matrix is multiplied by. ``"dense"`` stores it; ``"toeplitz"`` stores one kernel per component and
        layer, for receivers on a regular grid over cells of equal widths; ``"blocked"`` stores nothing. ``"auto"``
        takes Toeplitz where it can, dense where that fits into memory, blocked elsewhere, and logs which and why.
    device : str or torch.device, optional
        Torch's current default device if not given.
    active_cells : (mesh.n_cells,) array_like of bool, optional
    survey : simpeg.potential_fields.gravity.Survey
    store_sensitivities : {"ram", "disk", "forward_only"}
        As in SimPEG: the dense matrix in memory; in a file under `sensitivity_path`, streamed; or none at all.
    sensitivity_dtype : {np.float32, np.float64, "bfloat16"}
        Of sensitivities and products; float32 as in SimPEG. "bfloat16" halves a dense matrix once more, with a scale
        for each row, and keeps 2 to 3 digits.
    **kwargs
        Of SimPEG's simulations: ``sensitivity_path``, ``verbose``, ...

    Raises
    ------
    ValueError
        For no active cells, cells without volume, locations that are not finite, a mesh that is not 3-D, an unknown
        engine, or one that cannot serve (see ``engine``).
    MemoryError
        If ``engine="dense"`` is asked for and does not fit; says how much it wants and how much is free.
    TypeError
        For another `sensitivity_dtype`.

    Notes
    -----
    :meth:`getJtJdiag` is exact with every engine. At receivers on faces, edges and corners of cells see
    :func:`simpeg_jointdl.kernels.node_function`.

    References
    ----------
    Nagy, D., Papp, G. and Benedek, J. (2000). The gravitational potential and its derivatives for the prism. Journal
    of Geodesy, 74, 552-560. https://doi.org/10.1007/s001900000116

    Vogel, C. R. (2002). Computational Methods for Inverse Problems, chapter 5 (Toeplitz matrices and FFT). SIAM.
    https://doi.org/10.1137/1.9780898717570
    """

    _property = "rho"
    is_amplitude_data = False

    def __init__(self, mesh, rho=None, rhoMap=None, engine="auto", device=None, **kwargs):
        self._begin(mesh, engine=engine, device=device, **kwargs)
        self.rho = rho
        self.rhoMap = rhoMap
        self.modelMap = self.rhoMap

    def _terms(self, receiver):
        return [[gravity_terms(component)] for component in receiver.components]
