"""U-Net from gravity and magnetic grids to density, susceptibility and their boundaries."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.nn import functional

from ..._core import validation as check
from ..._core.tensors import as_numpy, seeded
from .._pretrained import FOLDER, pretrained
from ._inputs import GravMagGrids, network_inputs
from ._layers import LiftedDecoder
from ._physics import PriorEstimate
from ._placement import Placement
from ._preparation import PreparedGrids, prepare_grids
from ._results import GravMagModels, GravMagPrediction

if TYPE_CHECKING:
    from discretize import TensorMesh
    from simpeg.data import Data

    from ...data import GravityData, MagneticData

_SHAPE = (16, 32, 32)
_TYPICAL = (0.05, 0.005)  # scales of density in g/cc and susceptibility in SI where their own grid is missing
_SHARPNESS = 4.0  # of the softplus function that keeps susceptibility above zero
_BATCH = 16  # number of tiles that `predict` evaluates at once


class GravMagUNet(nn.Module):
    r"""Density and susceptibility from a grid of gz, a grid of the total field anomaly, or both.

    The inputs are grids of 32 x 32 cells, the outputs 16 layers of cubic cells. Each grid, divided by its own rms, is
    first turned into a model by a minimum-variance estimate in closed form for each wavenumber, which uses the field
    direction, the heights and the noise,

    .. math::
        \hat m_z = \frac{\sum_{z'} C_{zz'} \hat k_{z'}^* \, \hat d}
        {\sum_{zz'} \hat k_z C_{zz'} \hat k_{z'}^* + \sigma^2}

    with the grid :math:`\hat d`, the field :math:`\hat k_z` of a slice of cells at depth :math:`z`, a prior covariance
    :math:`C` of slices, scaled to the data, and the noise :math:`\sigma`. A two-dimensional U-Net receives the grids,
    their gaps and these estimates; direction, heights and noise scale its layers. Its features are extended to slices
    and refined by three-dimensional convolutions. Three heads give corrections :math:`f` to both estimates and the log
    odds of boundaries:

    .. math::
        \rho = s_\rho (f_\rho + g_\rho m_\rho), \qquad
        \kappa = \tfrac14 s_\kappa \ln \left( 1 + e^{4 (f_\kappa + g_\kappa m_\kappa)} \right)

    for density :math:`\rho` and susceptibility :math:`\kappa`, with the estimates :math:`m` divided by their rms
    :math:`s` in g/cc and SI, and learned gains :math:`g`. Training minimizes, on average over random geology,

    .. math::
        \frac12 \sum_u \left( \frac{\lVert u - u^* \rVert_2}{\lVert u^* \rVert_2}
        + 0.3 \frac{\lVert u - u^* \rVert_1}{\lVert u^* \rVert_1} \right)
        + \frac{0.1}{2} \sum_d \ln (1 + \chi_d) + \frac12 H

    with both properties :math:`u` and their true values :math:`u^*`, misfits per datum :math:`\chi_d` to exact data,
    and the mean cross-entropy :math:`H` of the cells at whose faces a property changes. Small floors of the norms are
    omitted here, and a property without its own grid has weight 0.3.

    Scaling laws hold to round-off. If all lengths and gz are multiplied by s and the total field anomaly stays the
    same, the models stay the same, so that one network serves any cell size. Densities are proportional to gz, and
    susceptibilities to the ratio of the total field anomaly to the field strength.

    Parameters
    ----------
    widths : sequence of int
        Number of channels of each level of the U-Net.
    n_lifted : int
        Number of channels of a depth slice.
    random_seed : int
        Seed of the initial weights.

    Attributes
    ----------
    shape : (16, 32, 32)
        Number of layers, and of cells along y and x.
    card : dict or None
        Card of the weights, if they were loaded from a file.

    Raises
    ------
    TypeError, ValueError
        If a width or `n_lifted` is not a whole number of at least 1.

    Notes
    -----
    The prediction assumes induced magnetization, a flat surface and no contrasts outside of the grid. It need not fit
    the data; a fine-tuned inversion starts from it and fits them.

    References
    ----------
    Ronneberger, O., Fischer, P. and Brox, T. (2015). U-Net: convolutional networks for biomedical image segmentation.
    MICCAI 2015, 234-241. https://doi.org/10.1007/978-3-319-24574-4_28

    Examples
    --------
    >>> import numpy as np
    >>> from simpeg_jointdl.networks import GravMagUNet
    >>> gz = np.random.default_rng(0).normal(size=(8, 8))  # mGal
    >>> GravMagUNet(widths=(8, 16), n_lifted=4).predict(gz, cell_size=50.0, height=20.0).density.shape
    (1024,)
    """

    #: Patterns of the parameters after the coarsest features, which a fine-tuned inversion changes.
    DECODER: tuple[str, ...] = ("gains", "layers.finer.*", "layers.up.*", "layers.lift.*", "layers.place",
                                "layers.mix.*", "layers.refine.*", "layers.head.*")  # fmt: skip

    def __init__(self, widths: Sequence[int] = (96, 160, 224), n_lifted: int = 16, random_seed: int = 0):
        super().__init__()
        self.shape: tuple[int, int, int] = _SHAPE
        self.widths: tuple[int, ...] = check.widths("GravMagUNet.widths", widths)
        self.n_lifted: int = check.whole("GravMagUNet.n_lifted", n_lifted)
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
        cls, path: str | os.PathLike[str] | None = None, device: torch.device | str | None = None
    ) -> GravMagUNet:
        """Return a network with the weights of the package, or with those of a file.

        Parameters
        ----------
        path : str or os.PathLike, optional
            Weights file written by ``python -m simpeg_jointdl.networks.train gravmag``.
        device : str or torch.device, optional
            Device of the network; by default torch's default device.

        Returns
        -------
        GravMagUNet
            Network in float32 and evaluation mode, whose parameters require no gradients.

        Raises
        ------
        FileNotFoundError, ValueError
            As :func:`load_weights`.
        """
        return pretrained(cls, FOLDER / "gravmag.safetensors" if path is None else Path(path), device)

    @property
    def config(self) -> dict[str, Any]:
        """Arguments that build a network of this architecture, for the card of its weights."""
        return {"widths": list(self.widths), "n_lifted": self.n_lifted}

    def forward(self, grids: GravMagGrids) -> GravMagModels:
        """Return the models under grids.

        Under ``torch.autocast`` only the layers run in its lower precision.

        Parameters
        ----------
        grids : GravMagGrids
            Grids of n samples, for example ``prepare(...).grids``.

        Returns
        -------
        GravMagModels
            Models of n samples.
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
        self, gravity_data: Data | GravityData | ArrayLike | None = None,
        magnetic_data: Data | MagneticData | ArrayLike | None = None, *,
        cell_size: float | tuple[float, float] | None = None, height: float | tuple[float, float] | None = None,
        ground: float | None = None, origin: tuple[float, float] = (0.0, 0.0),
        inducing_field: tuple[float, float, float] | None = None,
        gravity_noise: float | ArrayLike | None = None, magnetic_noise: float | ArrayLike | None = None,
    ) -> PreparedGrids:  # fmt: skip
        """Return data as the tiles that `forward` takes.

        Parameters
        ----------
        gravity_data, magnetic_data, cell_size, height, ground, origin, inducing_field, gravity_noise, magnetic_noise
            As :meth:`predict`.

        Returns
        -------
        PreparedGrids
            Object with ``grids`` for `forward`, ``mesh``, and ``join(tiles)``, which brings a model on tiles to the
            mesh. Both are differentiable.
        """
        place = Placement(cell_size, height, ground, origin, inducing_field, gravity_noise, magnetic_noise)
        return self._prepared("GravMagUNet.prepare", gravity_data, magnetic_data, place)

    def mesh_for(
        self, gravity_data: Data | GravityData | ArrayLike | None = None,
        magnetic_data: Data | MagneticData | ArrayLike | None = None, *,
        cell_size: float | tuple[float, float] | None = None, height: float | tuple[float, float] | None = None,
        ground: float | None = None, origin: tuple[float, float] = (0.0, 0.0),
        inducing_field: tuple[float, float, float] | None = None,
        gravity_noise: float | ArrayLike | None = None, magnetic_noise: float | ArrayLike | None = None,
    ) -> TensorMesh:  # fmt: skip
        """Return the mesh of a prediction from these data.

        Parameters
        ----------
        gravity_data, magnetic_data, cell_size, height, ground, origin, inducing_field, gravity_noise, magnetic_noise
            As :meth:`predict`.

        Returns
        -------
        discretize.TensorMesh
            Mesh of cubic cells under the data.
        """
        place = Placement(cell_size, height, ground, origin, inducing_field, gravity_noise, magnetic_noise)
        return self._prepared("GravMagUNet.mesh_for", gravity_data, magnetic_data, place).mesh

    def predict(
        self, gravity_data: Data | GravityData | ArrayLike | None = None,
        magnetic_data: Data | MagneticData | ArrayLike | None = None, *,
        cell_size: float | tuple[float, float] | None = None, height: float | tuple[float, float] | None = None,
        ground: float | None = None, origin: tuple[float, float] = (0.0, 0.0),
        inducing_field: tuple[float, float, float] | None = None,
        gravity_noise: float | ArrayLike | None = None, magnetic_noise: float | ArrayLike | None = None,
    ) -> GravMagPrediction:  # fmt: skip
        """Predict density, susceptibility and boundaries under a survey.

        Parameters
        ----------
        gravity_data : simpeg.data.Data, data.GravityData or (ny, nx) array_like, optional
            gz in mGal, positive upward as in SimPEG, so that it is negative over dense rocks. Multiply a Bouguer grid,
            which is positive there, by -1. The first row of an array is the southern one and its first column the
            western one; NaN stands for missing values.
        magnetic_data : simpeg.data.Data, data.MagneticData or (ny, nx) array_like, optional
            Total field anomaly in nT. An array is ordered as that of gravity, and needs `inducing_field`.
        cell_size : float or (dx, dy), optional
            Width of the cells of the models in m. It is required for an array, whose own cells have this size; cells of
            dx by dy are resampled to squares of the larger one. For stations the default is the larger spacing of a
            regular grid, or else the square root of the area per station.
        height : float or (gravity, magnetics), optional
            Height of the data above the ground in m, at most 3 cells. It is required for an array; stations have
            elevations.
        ground : float, optional
            Elevation of the ground in m, which is the top of the mesh; by default the median elevation of the stations
            minus `height`, or 0.
        origin : (west, south)
            Corner of an array in m.
        inducing_field : (amplitude, inclination, declination), optional
            Inducing field: nT, degrees down from the horizontal, and degrees east of north. It is required for magnetic
            data that do not have it.
        gravity_noise, magnetic_noise : float or array_like, optional
            Standard deviations, of which the rms is used; by default those of the data, or 3 % of the rms of the data.

        Returns
        -------
        GravMagPrediction
            Models on a mesh under the data.

        Raises
        ------
        TypeError, ValueError
            If there are no data, arrays differ in shape, surveys are of different areas, all values are NaN or equal,
            stations lie on a line, the unit seems to be wrong, the inducing field or the heights are missing or
            impossible, or there are too few cells; the message says which.

        Notes
        -----
        Stations that are not on cell centres are averaged per cell and interpolated linearly. Cells outside of their
        convex hull, or more than 2.5 spacings from any station, are masked like NaN, and the network fills them. Grids
        of more than 32 cells are cut into tiles that overlap by half or more, and the predictions of the tiles are
        blended. Smaller grids are surrounded by masked cells, which are not returned.
        """
        place = Placement(cell_size, height, ground, origin, inducing_field, gravity_noise, magnetic_noise)
        prepared = self._prepared("GravMagUNet.predict", gravity_data, magnetic_data, place)
        with torch.no_grad():
            parts = [self(rows) for rows in prepared.grids.rows(_BATCH)]
        density, susceptibility, boundary = (torch.cat(part) for part in zip(*parts, strict=True))
        values = (as_numpy(prepared.join(part)) for part in (density, susceptibility, torch.sigmoid(boundary)))
        return GravMagPrediction(prepared.mesh, *values, prepared.n_masked)

    def _prepared(self, who: str, gravity_data: Any, magnetic_data: Any, place: Placement) -> PreparedGrids:
        device, dtype = self.gains.device, self.gains.dtype
        return prepare_grids(who, self.shape, device, dtype, gravity_data, magnetic_data, **place.options())
