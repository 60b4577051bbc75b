"""U-Net from magnetotelluric soundings to layered resistivities and their uncertainty."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.nn import functional

from ..._core import validation as check
from ..._core.tensors import as_numpy, seeded
from ...datasets.synthetic import layer_thicknesses
from .._pretrained import FOLDER, pretrained
from ._grid import N_CHANNELS, nodes_and_lifting, sounding_channels
from ._layers import UNet1d
from ._posterior import LayerPosterior
from ._soundings import Soundings, read_soundings

if TYPE_CHECKING:
    from simpeg.data import Data

    from ...data import MTSoundings, MTStations

Tensor = torch.Tensor

_WEIGHTS = {"wide": "mt1d.safetensors", "published": "mt1d_published.safetensors"}
_BATCH = 2048  # number of stations that `predict` evaluates at once
_N_HEAD = 64  # number of channels of the head
_LOG_DEVIATIONS = (-6.0, 2.0)  # range of the natural logarithm of standard deviations in decades


class MT1DUNet(nn.Module):
    r"""Layered resistivities and their uncertainty from magnetotelluric soundings at any frequencies.

    Apparent resistivity and phase are fitted on a grid of penetration depths :math:`\sqrt{\rho_a / (\omega \mu_0)}`, by
    lines through the data around each node, weighted by their errors. The features of a U-Net over that grid are
    interpolated to the layers, and give for each of 40 layers a mixture of Gaussians of the logarithm of its
    resistivity. The network has no fixed list of frequencies: points may be missing, the band may be short, and errors
    may be unequal.

    With :math:`y_l = \log_{10} \rho_l` of layer :math:`l` and the data :math:`\mathbf d`,

    .. math::
        p(y_l \mid \mathbf d) = \sum_k w_{kl} \, \mathcal N(y_l; \mu_{kl}, \sigma_{kl}^2), \qquad \sum_k w_{kl} = 1

    Training minimizes :math:`-\ln p(y_l \mid \mathbf d) + 10 \, (y_l - \sum_k w_{kl} \mu_{kl})^2`, averaged over the
    layers and over soundings of the prior.

    If all depths are multiplied by s, the same data result at frequencies divided by s², so that one network serves any
    range of depths (`scaled`). The network of the wide design obeys a second scaling law of magnetotellurics: if
    resistivities and frequencies are multiplied by the same constant, apparent resistivities are multiplied by it too
    and phases stay the same.

    Parameters
    ----------
    design : {"wide", "published"}
        Layers and prior, as in `datasets.synthetic.layer_thicknesses` and `sample_layered_earth`.
    widths : sequence of int
        Number of channels of each level of the U-Net.
    n_nodes : int
        Number of nodes of the grid, a multiple of ``2 ** (len(widths) - 1)``.
    n_hidden : int
        Width of the perceptron at the coarsest level of the U-Net.
    n_components : int
        Number of Gaussians per layer.
    random_seed : int
        Seed of the initial weights.

    Attributes
    ----------
    card : dict or None
        Card of the weights, if they were loaded from a file.

    Raises
    ------
    TypeError, ValueError
        If the design is unknown, a number is not a whole number of at least 1, or `n_nodes` cannot be halved at all
        levels.

    Notes
    -----
    The prediction is an estimate for layered earths like those of the training set. It need not fit the data, least of
    all over other earths. `recipes.create_mt_inversion` starts from it and fits them.

    References
    ----------
    Ronneberger, O., Fischer, P. and Brox, T. (2015). U-Net: convolutional networks for biomedical image segmentation.
    MICCAI 2015, 234-241. https://doi.org/10.1007/978-3-319-24574-4_28
    Bishop, C. M. (1994). Mixture density networks. Technical report NCRG/94/004, Aston University.

    Examples
    --------
    >>> from simpeg_jointdl.networks import MT1DUNet
    >>> network = MT1DUNet.from_pretrained("wide", device="cpu")
    >>> network.predict([0.1, 1.0, 10.0, 100.0], [100.0] * 4, [45.0] * 4).shape  # over a half-space
    (1, 40)
    """

    design: str
    n_hidden: int
    n_nodes: int
    widths: tuple[int, ...]

    def __init__(
        self, design: Literal["wide", "published"] = "wide", widths: Sequence[int] = (32, 64, 96, 128),
        n_nodes: int = 64, n_hidden: int = 384, n_components: int = 3, random_seed: int = 0,
    ):  # fmt: skip
        super().__init__()
        thicknesses = layer_thicknesses(design)
        self.design, self.widths = design, check.widths("MT1DUNet.widths", widths)
        self.n_nodes = check.whole("MT1DUNet.n_nodes", n_nodes)
        self.n_hidden = check.whole("MT1DUNet.n_hidden", n_hidden)
        self.n_components: int = check.whole("MT1DUNet.n_components", n_components)
        if self.n_nodes % 2 ** (len(self.widths) - 1):
            msg = f"MT1DUNet.n_nodes: got {n_nodes}, wanted a multiple of {2 ** (len(self.widths) - 1)}."
            raise ValueError(msg)
        self.card: dict[str, Any] | None = None
        self._factor = 1.0
        self._thicknesses = as_numpy(thicknesses)
        nodes, lifting = nodes_and_lifting(thicknesses, self.n_nodes)
        self.register_buffer("_nodes", nodes, persistent=False)
        self.register_buffer("_lifting", lifting, persistent=False)
        self._is_invariant = design == "wide"
        with seeded(random_seed), torch.device("cpu"):
            self.trunk: UNet1d = UNet1d(N_CHANNELS + (not self._is_invariant), self.widths, self.n_nodes, self.n_hidden)
            self.lift: nn.Linear = nn.Linear(self.n_nodes, len(lifting), bias=False)
            self.place: nn.Parameter = nn.Parameter(torch.zeros(self.widths[0], len(lifting)))
            self.hidden: nn.Conv1d = nn.Conv1d(self.widths[0], _N_HEAD, 1)
            self.head: nn.Conv1d = nn.Conv1d(_N_HEAD, 3 * self.n_components, 1)
        with torch.no_grad():
            self.lift.weight.copy_(lifting)
            nn.init.zeros_(self.head.weight)
            means, deviations = torch.linspace(-0.3, 0.3, self.n_components), torch.full((self.n_components,), -1.0)
            self.head.bias.copy_(torch.cat((torch.zeros(self.n_components), means, deviations)))

    @classmethod
    def from_pretrained(
        cls, design_or_path: str | PathLike[str] = "wide", *, device: str | torch.device | None = None
    ) -> MT1DUNet:
        """Return a network with weights of the package, or with those of a file.

        Parameters
        ----------
        design_or_path : {"wide", "published"}, str or os.PathLike
            Design, or a weights file written by ``python -m simpeg_jointdl.networks.train mt1d`` or
            ``mt1d_published``.
        device : str or torch.device, optional
            Device of the network; by default torch's default device.

        Returns
        -------
        MT1DUNet
            Network in float32 and evaluation mode, whose parameters require no gradients.

        Raises
        ------
        FileNotFoundError, ValueError
            As :func:`load_weights`.
        """
        name = _WEIGHTS.get(str(design_or_path))
        return pretrained(cls, Path(design_or_path) if name is None else FOLDER / name, device)

    @property
    def config(self) -> dict[str, Any]:
        """Arguments that build a network of this architecture, for the card of its weights."""
        names = ("design", "n_nodes", "n_hidden", "n_components")
        return {name: getattr(self, name) for name in names} | {"widths": list(self.widths)}

    @property
    def thicknesses(self) -> np.ndarray:
        """Thicknesses of the layers in m, (39,), from the surface down to the half-space, the 40th of a prediction."""
        return self._factor * self._thicknesses

    def scaled(self, factor: float) -> MT1DUNet:
        """Return the network for layers whose thicknesses are multiplied by a factor; the weights are shared.

        Parameters
        ----------
        factor : float
            Factor on the current thicknesses.

        Returns
        -------
        MT1DUNet
            Network that shares its weights with this one.

        Raises
        ------
        TypeError, ValueError
            If the factor is not a finite number above 0.
        """
        network = copy.copy(self)
        network._factor = self._factor * check.positive("MT1DUNet.scaled.factor", factor)
        return network

    def forward(self, soundings: Soundings) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mixtures of the logarithms of the resistivities.

        Under ``torch.autocast`` only the trunk runs in its lower precision.

        Parameters
        ----------
        soundings : Soundings
            Checked soundings of n stations.

        Returns
        -------
        log_weights, means, log_deviations : (n, n_components, n_layers) torch.Tensor
            Logarithms of the weights, means, and logarithms of the standard deviations, in decades of ohm m.
        """
        depth_scale = self._factor * float(self._thicknesses[0])
        with torch.autocast(self._nodes.device.type, enabled=False):
            channels, level = sounding_channels(*soundings, self._nodes, depth_scale)
            base = channels[:, 2:3] @ self._lifting.T
            if not self._is_invariant:
                channels = torch.cat((channels, level[:, :, None].expand(-1, -1, self.n_nodes)), dim=1)
        features = self.trunk(channels)
        with torch.autocast(self._nodes.device.type, enabled=False):
            features = self.lift(features.to(base.dtype)) + self.place
            raw = self.head(functional.silu(self.hidden(functional.silu(features))))
            weights, means, deviations = raw.chunk(3, dim=1)
            means, deviations = means + base + level[:, :, None], deviations.clamp(*_LOG_DEVIATIONS)
            return torch.log_softmax(weights, dim=1), means, deviations

    def posterior(
        self, frequencies: ArrayLike | MTSoundings | MTStations | Data, apparent_resistivity: ArrayLike | None = None,
        phase: ArrayLike | None = None, *,
        apparent_resistivity_error: ArrayLike | None = None, phase_error: ArrayLike | None = None,
    ) -> LayerPosterior:  # fmt: skip
        """Return the posterior distribution of the resistivity of each layer.

        Parameters
        ----------
        frequencies, apparent_resistivity, phase, apparent_resistivity_error, phase_error
            As :meth:`predict`.

        Returns
        -------
        LayerPosterior
            Distributions, whose `quantiles` are bands and whose `mean` is what `predict` returns.

        Raises
        ------
        TypeError, ValueError
            As :meth:`predict`.
        """
        data = (apparent_resistivity, phase, apparent_resistivity_error, phase_error)
        return self._posterior("MT1DUNet.posterior", frequencies, data)

    def predict(
        self, frequencies: ArrayLike | MTSoundings | MTStations | Data, apparent_resistivity: ArrayLike | None = None,
        phase: ArrayLike | None = None, *,
        apparent_resistivity_error: ArrayLike | None = None, phase_error: ArrayLike | None = None,
    ) -> np.ndarray:  # fmt: skip
        r"""Predict the resistivities of the layers.

        Parameters
        ----------
        frequencies : (n_frequencies,) or (n_stations, n_frequencies) array_like, or soundings
            Frequencies in Hz, above 0, in any order; a repeated frequency counts as two measurements. Or, as the only
            argument, a :class:`~simpeg_jointdl.data.MTSoundings`, a :class:`~simpeg_jointdl.data.MTStations` (whose
            determinant is used, with errors of at least 5 %), or a SimPEG Data over a natural-source survey. Errors
            that these objects do not have are 5 % of the impedance.
        apparent_resistivity : (n_frequencies,) or (n_stations, n_frequencies) array_like
            Apparent resistivities in ohm m, above 0. If one is NaN, its phase is not used either.
        phase : array_like of the same shape
            Phases in degrees, 45 over a half-space; NaN where missing. Data with phases outside 0 to 90 degrees, which
            no layered earth has, are not used, and a warning on SimPEG's logger gives their number.
        apparent_resistivity_error : float or array_like of the same shape, optional
            Standard deviation in ohm m; NaN for data that are not to be used.
        phase_error : float or array_like of the same shape, optional
            Standard deviation in degrees. The network uses one relative error of the impedance per frequency, from
            :math:`\Delta\rho_a / 2\rho_a` and :math:`\Delta\varphi`: their root mean square if both errors are given,
            and 5 % if there is none.

        Returns
        -------
        (n_stations, 40) numpy.ndarray
            Resistivities in ohm m, from the surface down, at the posterior mean of their logarithm.

        Raises
        ------
        TypeError, ValueError
            If data are not numbers, have other shapes or are not above zero, or a station has no usable frequency.
        """
        data = (apparent_resistivity, phase, apparent_resistivity_error, phase_error)
        return self._posterior("MT1DUNet.predict", frequencies, data).mean()

    def _posterior(self, who: str, frequencies: Any, arrays: tuple[Any, ...]) -> LayerPosterior:
        soundings = read_soundings(who, frequencies, arrays, self._nodes.device, self._nodes.dtype)
        with torch.no_grad():
            parts = [self(rows) for rows in soundings.rows(_BATCH)]
        return LayerPosterior(*(torch.cat(part) for part in zip(*parts, strict=True)))
