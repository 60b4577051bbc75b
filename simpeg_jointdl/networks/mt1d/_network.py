"""A U-Net from magnetotelluric soundings to layered resistivities and their uncertainty."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.nn import functional

from ..._core.checks import check_count, check_positive, check_widths
from ..._core.tensors import as_numpy, seeded
from ...datasets.synthetic import layer_thicknesses
from .._pretrained import FOLDER, pretrained
from ._grid import N_CHANNELS, nodes_and_lifting, sounding_channels
from ._layers import UNet1d
from ._posterior import LayerPosterior
from ._soundings import Soundings, checked_soundings, plain_soundings

Tensor = torch.Tensor

_WEIGHTS = {"wide": "mt1d.safetensors", "published": "mt1d_published.safetensors"}
_BATCH = 2048  # stations at once in predict
_N_HEAD = 64
_LOG_DEVIATIONS = (-6.0, 2.0)  # natural logarithms of decades


class MT1DUNet(nn.Module):
    r"""Layered resistivities, and how sure they are, from a magnetotelluric sounding at any frequencies.

    Apparent resistivity and phase are fitted on a grid of penetration depths :math:`\sqrt{\rho_a / (\omega \mu_0)}`, at
    each of its nodes by lines through the data around it, weighted by their errors; a U-Net over that grid, which is
    brought to the layers, makes for each of 40 layers a mixture of Gaussians of the logarithm of its resistivity. No
    list of frequencies is built in: points may be missing, bands short, errors unequal.

    With :math:`y_l = \log_{10} \rho_l` of layer :math:`l` and the data :math:`\mathbf d`,

    .. math::
        p(y_l \mid \mathbf d) = \sum_k w_{kl} \, \mathcal N(y_l; \mu_{kl}, \sigma_{kl}^2), \qquad \sum_k w_{kl} = 1

    Training minimises :math:`-\ln p(y_l \mid \mathbf d) + 10 \, (y_l - \sum_k w_{kl} \mu_{kl})^2`, the mean over layers
    and soundings of the prior.

    Magnetotellurics knows no length: depths times s give the same data at frequencies divided by s². So one network
    serves any range of depths (`scaled`). The network of the wide design obeys the second law as well: resistivities
    times a constant give the same data, times that constant, at frequencies times the constant.

    Parameters
    ----------
    design : {"wide", "published"}
        Layers and prior, as of `datasets.synthetic.layer_thicknesses` and `sample_layered_earth`.
    widths : sequence of int
        Channels of the U-Net's levels.
    n_nodes : int
        Of the grid; a multiple of ``2 ** (len(widths) - 1)``.
    n_hidden : int
        Width of the perceptron between the U-Net's halves.
    n_components : int
        Gaussians per layer.
    random_seed : int
        Of the first weights.

    Attributes
    ----------
    thicknesses : (39,) numpy.ndarray
        Of the layers in m, from the surface down; the 40th value of a prediction is the half-space below.
    card : dict or None
        What the weights are, if they were loaded.

    Raises
    ------
    ValueError
        For another design, counts that are no ints of at least 1, or a grid whose nodes cannot be halved at all levels.

    Notes
    -----
    The prediction is an estimate. It knows earths like those it was trained on and does not honour the data beyond
    that; `recipes.create_mt_inversion` starts from it and fits them.

    References
    ----------
    Ronneberger, O., Fischer, P. and Brox, T. (2015). U-Net: convolutional networks for biomedical image segmentation.
    MICCAI 2015, 234-241. https://doi.org/10.1007/978-3-319-24574-4_28
    Bishop, C. M. (1994). Mixture density networks. Technical report NCRG/94/004, Aston University.
    """

    design: str
    n_hidden: int
    n_nodes: int
    widths: tuple[int, ...]

    def __init__(
        self,
        design: str = "wide",
        widths: Sequence[int] = (32, 64, 96, 128),
        n_nodes: int = 64,
        n_hidden: int = 384,
        n_components: int = 3,
        random_seed: int = 0,
    ):
        super().__init__()
        thicknesses = layer_thicknesses(design)
        self.design, self.widths = design, check_widths("MT1DUNet.widths", widths)
        self.n_nodes, self.n_hidden = (
            check_count("MT1DUNet.n_nodes", n_nodes),
            check_count("MT1DUNet.n_hidden", n_hidden),
        )
        self.n_components: int = check_count("MT1DUNet.n_components", n_components)
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
        """Network with weights that come with the package, or with those of a file.

        Parameters
        ----------
        design_or_path : {"wide", "published"}, str or pathlib.Path
            A file must be of ``python -m simpeg_jointdl.networks.train mt1d`` or ``mt1d_published``.
        device : None, str or torch.device
            torch's current default device if None.

        Returns
        -------
        MT1DUNet
            In float32, in evaluation mode, without gradients of its parameters.

        Raises
        ------
        FileNotFoundError, ValueError
            As `load_weights` does.
        """
        name = _WEIGHTS.get(str(design_or_path))
        return pretrained(cls, Path(design_or_path) if name is None else FOLDER / name, device)

    @property
    def config(self) -> dict[str, Any]:
        """Arguments that make a network of this architecture; they go on the card of its weights."""
        names = ("design", "n_nodes", "n_hidden", "n_components")
        return {name: getattr(self, name) for name in names} | {"widths": list(self.widths)}

    @property
    def thicknesses(self) -> np.ndarray:
        """Of the layers above the half-space, (39,) in m."""
        return self._factor * self._thicknesses

    def scaled(self, factor: float) -> MT1DUNet:
        """The same network, weights shared, for layers that are thicker.

        Parameters
        ----------
        factor : float
            On all thicknesses, over those this network has now.

        Returns
        -------
        MT1DUNet

        Raises
        ------
        ValueError
            If the factor is not positive.
        """
        network = copy.copy(self)
        network._factor = self._factor * check_positive("MT1DUNet.scaled.factor", factor)
        return network

    def forward(self, soundings: Soundings) -> tuple[Tensor, Tensor, Tensor]:
        """Logarithms of weights, means and logarithms of deviations, (n, n_components, n_layers), of log10 resistivity.

        Only the trunk follows an autocast to a shorter type.
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
            return (
                torch.log_softmax(weights, dim=1),
                means + base + level[:, :, None],
                deviations.clamp(*_LOG_DEVIATIONS),
            )

    def posterior(
        self,
        frequencies: ArrayLike,
        apparent_resistivity: ArrayLike | None = None,
        phase: ArrayLike | None = None,
        *,
        apparent_resistivity_error: ArrayLike | None = None,
        phase_error: ArrayLike | None = None,
    ) -> LayerPosterior:
        """Distributions of the layers' resistivities.

        Parameters
        ----------
        frequencies, apparent_resistivity, phase, apparent_resistivity_error, phase_error
            As of `predict`.

        Returns
        -------
        LayerPosterior
            Its `quantiles` are bands, its `mean` is what `predict` returns.

        Raises
        ------
        TypeError, ValueError
            As `predict` does.
        """
        data = (apparent_resistivity, phase, apparent_resistivity_error, phase_error)
        data = plain_soundings("MT1DUNet", frequencies, data)
        soundings = checked_soundings("MT1DUNet", *data, self._nodes.device, self._nodes.dtype)
        with torch.no_grad():
            parts = [self(rows) for rows in soundings.rows(_BATCH)]
        return LayerPosterior(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def predict(
        self,
        frequencies: ArrayLike,
        apparent_resistivity: ArrayLike | None = None,
        phase: ArrayLike | None = None,
        *,
        apparent_resistivity_error: ArrayLike | None = None,
        phase_error: ArrayLike | None = None,
    ) -> np.ndarray:
        """Resistivities of the layers.

        Parameters
        ----------
        frequencies : (n_frequencies,) or (n_stations, n_frequencies) array, or soundings
            In Hz, above 0, in any order; twice the same counts as two measurements. Or, alone, a
            :class:`~simpeg_jointdl.datasets.MTSoundings`, a :class:`~simpeg_jointdl.datasets.MTStations` (its
            determinant with errors of 5 % at least) or a SimPEG Data over a natural-source survey; errors that they
            do not tell are 5 % of the impedance.
        apparent_resistivity : (n_frequencies,) or (n_stations, n_frequencies) array
            In ohm m, above 0; nan where missing, of which the phase is then not used either.
        phase : array of the same shape
            In degrees, 45 over a half-space; nan where missing. Data with phases outside 0 to 90 degrees, which no
            layered earth gives, are left out, and a warning on SimPEG's logger says how many.
        apparent_resistivity_error : float or array of the same shape, optional
            Standard deviation in ohm m; nan where the datum is not to be used.
        phase_error : float or array of the same shape, optional
            Standard deviation in degrees. The network takes one relative error of the impedance per frequency,
            :math:`\\Delta\\rho_a / 2\\rho_a` and :math:`\\Delta\\varphi`: the root mean square if both are given, 5 %
            if none is.

        Returns
        -------
        (n_stations, 40) numpy.ndarray
            In ohm m, from the surface down: the posterior mean of the logarithm.

        Raises
        ------
        TypeError, ValueError
            For data that are no numbers, of other shapes, not above zero, and stations without a usable frequency.
        """
        data = (frequencies, apparent_resistivity, phase)
        errors = {"apparent_resistivity_error": apparent_resistivity_error, "phase_error": phase_error}
        return self.posterior(*data, **errors).mean()
