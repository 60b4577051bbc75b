"""Training task of the magnetotelluric networks."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from ..._core.tensors import as_numpy
from ..training import Plan
from ._network import MT1DUNet
from ._posterior import LayerPosterior, mixture_nll
from ._samples import MEASUREMENTS, sample_soundings

Tensor = torch.Tensor

#: Plan, architecture and number of samples of each size.
SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "plan": {"n_steps": 60, "learning_rate": 2e-3, "validate_every": 20, "patience": 10},
        "network": {"widths": (8, 16, 24), "n_nodes": 32, "n_hidden": 64},
        "n_samples": 128,
        "n_validation": 256,
    },
    "full": {
        "plan": {"n_steps": 30_000, "learning_rate": 2e-3, "validate_every": 1000, "patience": 10},
        "network": {},
        "n_samples": 256,
        "n_validation": 4096,
    },
}
_VALIDATION_SEED = 2**31  # not used in training; torch uses only the last 32 bits of a seed
_SQUARES = 10.0  # weight of the squared error in decades; that of the negative log likelihood is 1


class MT1DTask:
    r"""Training of `MT1DUNet` on synthetic soundings that are generated on the fly.

    The loss is :math:`-\ln p(\log_{10}\rho) + 10\,|\Delta\log_{10}\rho|^2`, averaged over layers and soundings.

    Parameters
    ----------
    size : {"small", "full"}
        Size of the network and of the training; small is for tests.
    random_seed : int
        Seed of the initial weights and of the samples.
    device : torch.device
        Device of the training.
    design : {"wide", "published"}
        Layers and prior.

    Attributes
    ----------
    network : MT1DUNet
        Network to train.
    generator : torch.Generator
        Source of the random numbers of the training.
    """

    def __init__(self, size: str, random_seed: int, device: torch.device, design: str = "wide"):
        options = SIZES[size]
        self.network: MT1DUNet = MT1DUNet(design, **options["network"], random_seed=random_seed).to(device)
        self.generator: torch.Generator = torch.Generator(device).manual_seed(random_seed + 1)
        self._n_samples, self._n_validation = options["n_samples"], options["n_validation"]

    @staticmethod
    def plan(size: str, n_steps: int | None = None) -> Plan:
        """Return the training plan of a size, with another number of steps if it is given."""
        plan = SIZES[size]["plan"]
        return Plan(**(plan if n_steps is None else plan | {"n_steps": n_steps}))

    @property
    def data(self) -> str:
        """Description of the training set, for the card of the weights."""
        design = self.network.design
        return (
            f"datasets.synthetic.sample_layered_earth(design={design!r}), simulated exactly and measured as "
            f"{MEASUREMENTS[design]}, drawn on the fly, each used once, {self._n_samples} a step and process"
        )

    def loss(self, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a new batch, and its terms."""
        model, soundings = sample_soundings(self._n_samples, self.network.design, self.generator)
        mixture = self.network(soundings)
        nll, squares = mixture_nll(*mixture, model).mean(), _squares(mixture, model).mean()
        return nll + _SQUARES * squares, {"nll": float(nll.detach()), "squares": float(squares.detach())}

    def validate(self) -> dict[str, float]:
        """Return metrics on the validation set, in decades of resistivity.

        ``r2_exact`` and ``rms_exact`` are for soundings of the whole band without noise. ``r2_mixed`` and ``rms_mixed``
        are for soundings like those of the training, and ``band50`` and ``band90`` are the fractions of their layers
        within the central 50 % and 90 % bands. ``score`` is the loss of the mixed soundings plus that of the exact
        ones.
        """
        design = self.network.design
        exact = dataclasses.replace(MEASUREMENTS[design], whole_band=1.0, dropped=0.0, exact=1.0, outliers=0.0)
        metrics, score = {}, 0.0
        for i, (name, measurement) in enumerate({"mixed": MEASUREMENTS[design], "exact": exact}.items()):
            generator = torch.Generator(self.generator.device).manual_seed(_VALIDATION_SEED + i)
            model, soundings = sample_soundings(self._n_validation, design, generator, measurement)
            mixture = self.network(soundings)
            squares = _squares(mixture, model)
            score += float(mixture_nll(*mixture, model).mean() + _SQUARES * squares.mean())
            metrics[f"r2_{name}"] = round(1.0 - float(squares.mean() / (model - model.mean()).square().mean()), 5)
            metrics[f"rms_{name}"] = round(float(squares.mean().sqrt()), 5)
            if name == "mixed":
                levels = LayerPosterior(*mixture).cdf(10.0 ** as_numpy(model))
                metrics["band50"] = round(float((abs(levels - 0.5) < 0.25).mean()), 4)
                metrics["band90"] = round(float((abs(levels - 0.5) < 0.45).mean()), 4)
        return metrics | {"score": score}


def _squares(mixture: tuple[Tensor, Tensor, Tensor], model: Tensor) -> Tensor:
    """Return the squared differences between the means of the mixtures and the model, (n, n_layers)."""
    weights, means, _ = mixture
    return ((weights.exp() * means).sum(1) - model).square()
