"""A U-Net from gravity and magnetic grids to density, susceptibility and their boundaries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from ..._core.checks import check_count, check_widths
from ..._core.tensors import as_numpy, seeded
from .._pretrained import FOLDER, pretrained
from ._inputs import GravMagGrids, network_inputs
from ._layers import LiftedDecoder
from ._physics import PriorEstimate
from ._prediction import GravMagPrediction, PreparedGrids, prepare_grids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any

    from discretize import TensorMesh
    from numpy.typing import ArrayLike
    from simpeg.data import Data

    from ...data import GravityData, MagneticData

Tensor = torch.Tensor

_WEIGHTS = "gravmag.safetensors"
_SHAPE = (16, 32, 32)
_TYPICAL = (0.05, 0.005)  # scales of density and susceptibility where their grid is missing
_SHARPNESS = 4.0  # of the bend at zero susceptibility
_BATCH = 16  # tiles at once in predict


class GravMagModels(NamedTuple):
    """What the network gives, each (n, nz, ny, nx), first slice on top."""

    density: Tensor  # g/cc
    susceptibility: Tensor  # SI, not below 0
    boundary: Tensor  # log odds that a property changes at a face of the cell


class GravMagUNet(nn.Module):
    r"""Density and susceptibility under a grid of gz and a grid of the total field anomaly, or one of the two.

    Grids of 32 x 32 cells come in, 16 layers of cubes go out. Physics does what is known in closed form: each grid,
    in units of its own rms, is brought to depth by a least-squares estimate per wavenumber, which knows the field's
    direction, the heights and the noise,

    .. math::
        \hat m_z = \frac{\sum_{z'} C_{zz'} \hat k_{z'}^* \, \hat d}
        {\sum_{zz'} \hat k_z C_{zz'} \hat k_{z'}^* + \sigma^2}

    with :math:`\hat d` the grid, :math:`\hat k_z` the field of a slice of cells at depth :math:`z`, :math:`C` a prior
    covariance of slices, of the size of the data, and :math:`\sigma` the noise. A U-Net over the plan, which sees
    grids, gaps and these estimates, with direction, heights and noise scaling its layers, lifts its features to slices;
    three heads, which convolutions in space precede, make the corrections :math:`f` to both estimates and the log odds
    of boundaries:

    .. math::
        \rho = s_\rho (f_\rho + g_\rho m_\rho), \qquad
        \kappa = \tfrac14 s_\kappa \ln \left( 1 + e^{4 (f_\kappa + g_\kappa m_\kappa)} \right)

    for density :math:`\rho` and susceptibility :math:`\kappa`, with the estimates :math:`m` over their rms, :math:`s`
    that rms in g/cc and SI, and learned gains :math:`g`. Training minimises, on average over random geology,

    .. math::
        \frac12 \sum_u \left( \frac{\lVert u - u^* \rVert_2}{\lVert u^* \rVert_2}
        + 0.3 \frac{\lVert u - u^* \rVert_1}{\lVert u^* \rVert_1} \right)
        + \frac{0.1}{2} \sum_d \ln (1 + \chi_d) + \frac12 H

    with both properties :math:`u` and the true :math:`u^*`, misfits per datum :math:`\chi_d` to exact data, and the
    mean cross-entropy :math:`H` of where a property changes at a face of a cell. Small floors of the norms are left
    out here, and a property whose own grid is missing counts 0.3.

    These laws hold to round-off. Lengths times s give the same models from gz times s and the same tmi: one network
    serves any cell size. Densities times s give gz times s; susceptibilities and tmi likewise. tmi goes with the
    field's strength. So there is no cell size and no amplitude that the network knows better than others.

    Parameters
    ----------
    widths : sequence of int
        Channels of the U-Net's levels.
    n_lifted : int
        Channels of a slice.
    random_seed : int
        Of the first weights.

    Attributes
    ----------
    shape : (16, 32, 32)
        Layers, cells along y and x.
    card : dict or None
        What the weights are, if they were loaded.

    Raises
    ------
    ValueError
        If a width or `n_lifted` is no int of at least 1.

    Notes
    -----
    The prediction is an estimate: of bodies in a ground without contrasts outside the grid, magnetized by induction,
    under a flat surface. It does not honour the data beyond that; a fine-tuned inversion starts from it and fits them.

    References
    ----------
    Ronneberger, O., Fischer, P. and Brox, T. (2015). U-Net: convolutional networks for biomedical image segmentation.
    MICCAI 2015, 234-241. https://doi.org/10.1007/978-3-319-24574-4_28
    """

    #: Patterns of the parameters after the coarsest features: what a fine-tuned inversion changes.
    DECODER = ("gains", "layers.finer.*", "layers.up.*", "layers.lift.*", "layers.place", "layers.mix.*",
               "layers.refine.*", "layers.head.*")  # fmt: skip

    def __init__(self, widths: Sequence[int] = (96, 160, 224), n_lifted: int = 16, random_seed: int = 0):
        super().__init__()
        self.shape = _SHAPE
        self.widths: tuple[int, ...] = check_widths("GravMagUNet.widths", widths)
        self.n_lifted: int = check_count("GravMagUNet.n_lifted", n_lifted)
        self.card: dict[str, Any] | None = None
        self.prior: PriorEstimate = PriorEstimate(self.shape)
        with seeded(random_seed), torch.device("cpu"):
            self.layers: LiftedDecoder = LiftedDecoder(self.shape, self.widths, self.n_lifted)
        self.gains: nn.Parameter = nn.Parameter(torch.ones(2, device="cpu"))
        with torch.no_grad():
            self.layers.head.weight.mul_(0.1)
            self.layers.head.bias.zero_()

    @classmethod
    def from_pretrained(
        cls, path: str | PathLike[str] | None = None, device: str | torch.device | None = None
    ) -> GravMagUNet:
        """Network with the weights that come with the package, or with those of a file.

        Parameters
        ----------
        path : str or pathlib.Path, optional
            Of ``python -m simpeg_jointdl.networks.train gravmag``.
        device : None, str or torch.device
            torch's current default device if None.

        Returns
        -------
        GravMagUNet
            In float32, in evaluation mode, without gradients of its parameters.

        Raises
        ------
        FileNotFoundError, ValueError
            As `load_weights` does.
        """
        return pretrained(cls, FOLDER / _WEIGHTS if path is None else Path(path), device)

    @property
    def config(self) -> dict[str, Any]:
        """Arguments that make a network of this architecture; they go on the card of its weights."""
        return {"widths": list(self.widths), "n_lifted": self.n_lifted}

    def forward(self, grids: GravMagGrids) -> GravMagModels:
        """Models under n grids; only the layers follow an autocast to a shorter type.

        Parameters
        ----------
        grids : GravMagGrids
            For example ``prepare(...).grids``.

        Returns
        -------
        GravMagModels
        """
        kind = grids.gravity.device.type
        with torch.autocast(kind, enabled=False):
            inputs = network_inputs(grids, self.prior, _TYPICAL)
        raw = self.layers(inputs.planes, inputs.priors, inputs.constants)
        with torch.autocast(kind, enabled=False):
            raw = raw.to(inputs.priors.dtype).transpose(1, 2)
            scaled = raw[:, :2] + self.gains[:, None, None, None] * inputs.priors
            density, susceptibility = inputs.scales[:, :, None, None, None].unbind(1)
            positive = functional.softplus(scaled[:, 1], beta=_SHARPNESS)
            return GravMagModels(density * scaled[:, 0], susceptibility * positive, raw[:, 2])

    def prepare(
        self,
        gravity_data: Data | GravityData | ArrayLike | None = None,
        magnetic_data: Data | MagneticData | ArrayLike | None = None,
        *,
        gravity_noise: float | ArrayLike | None = None,
        magnetic_noise: float | ArrayLike | None = None,
        **place: Any,
    ) -> PreparedGrids:
        """Data as `predict` takes them, as the tiles that `forward` takes.

        Parameters
        ----------
        gravity_data, magnetic_data, gravity_noise, magnetic_noise, **place
            As of `predict`.

        Returns
        -------
        PreparedGrids
            With ``grids`` for `forward`, and ``join(tiles)``, which brings a model to ``mesh``; both differentiable.
        """
        data = {"gravity": gravity_data, "magnetic": magnetic_data}
        noise = {"gravity": gravity_noise, "magnetic": magnetic_noise}
        return prepare_grids("GravMagUNet", self.shape, self.gains.device, self.gains.dtype, data, noise, **place)

    def mesh_for(
        self,
        gravity_data: Data | GravityData | ArrayLike | None = None,
        magnetic_data: Data | MagneticData | ArrayLike | None = None,
        **options: Any,
    ) -> TensorMesh:
        """Mesh that a prediction from these data is on; arguments as of `predict`.

        Returns
        -------
        discretize.TensorMesh
        """
        return self.prepare(gravity_data, magnetic_data, **options).mesh

    def predict(
        self,
        gravity_data: Data | GravityData | ArrayLike | None = None,
        magnetic_data: Data | MagneticData | ArrayLike | None = None,
        *,
        cell_size: float | tuple[float, float] | None = None,
        height: float | tuple[float, float] | None = None,
        ground: float | None = None,
        origin: tuple[float, float] = (0.0, 0.0),
        inducing_field: tuple[float, float, float] | None = None,
        gravity_noise: float | ArrayLike | None = None,
        magnetic_noise: float | ArrayLike | None = None,
    ) -> GravMagPrediction:
        """Density, susceptibility and boundaries under a survey.

        Parameters
        ----------
        gravity_data : simpeg.data.Data, datasets.GravityData or (ny, nx) array, optional
            gz in mGal, upward positive as in SimPEG: negative over dense ground. Multiply a Bouguer grid, which is
            positive there, by -1. Arrays have their first row in the south, their first column in the west; nan where
            values are missing.
        magnetic_data : simpeg.data.Data, datasets.MagneticData or (ny, nx) array, optional
            Total field anomaly in nT; an array has its rows and columns as gravity has, and needs `inducing_field`.
        cell_size : float or (dx, dy), optional
            Width of the cells of the result in m. An array needs it: its own cells are as large, or dx by dy, which
            is then resampled to squares of the larger one. Of stations, their spacing if not given: the larger one
            of a regular grid, else the root of the area per station.
        height : float or (gravity, magnetics), optional
            Of the data above the ground in m, at most 3 cells. An array needs it; stations have elevations.
        ground : float, optional
            Its elevation in m, which is the top of the mesh. If not given, the stations' median less `height`, or 0.
        origin : (west, south)
            Corner of an array in m.
        inducing_field : (amplitude, inclination, declination), optional
            nT, degrees down from the horizontal and east of north. Magnetic data need it, unless they have it.
        gravity_noise, magnetic_noise : float or array, optional
            Standard deviations, of which the rms counts; those of the data if not given, or 3 % of their rms.

        Returns
        -------
        GravMagPrediction

        Raises
        ------
        TypeError, ValueError
            For no data at all, arrays of different shapes, surveys of different places, grids without anything but
            nan or one value, units that are 1e5 off, no field, no or impossible heights, too few cells; the
            message says which.

        Notes
        -----
        Stations that are not on the centres of cells are averaged per cell and interpolated linearly; cells outside
        their hull or 2.5 spacings from any are masked, as nan is, and the network fills what it knows of. Grids of
        more than 32 cells are cut into tiles that overlap by half or more, and blended: each tile is predicted from
        what it sees. Smaller ones are predicted amid masked cells, of which nothing is returned.
        """
        place = {"cell_size": cell_size, "height": height, "ground": ground, "origin": origin}
        prepared: PreparedGrids = self.prepare(
            gravity_data,
            magnetic_data,
            gravity_noise=gravity_noise,
            magnetic_noise=magnetic_noise,
            inducing_field=inducing_field,
            **place,
        )
        with torch.no_grad():
            parts = [self(rows) for rows in prepared.grids.rows(_BATCH)]
        density, susceptibility, boundary = (torch.cat(part) for part in zip(*parts, strict=True))
        values = (as_numpy(prepared.join(part)) for part in (density, susceptibility, torch.sigmoid(boundary)))
        return GravMagPrediction(prepared.mesh, *values, prepared.n_masked)
