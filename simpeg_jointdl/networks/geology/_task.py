"""Training task of the geology autoencoder."""

from __future__ import annotations

from typing import Any

import torch

from ...datasets import synthetic
from ..training import Plan
from ._bodies import KINDS
from ._network import GeologyVAE

Tensor = torch.Tensor

#: Plan, architecture and number of samples of each size.
SIZES: dict[str, dict[str, Any]] = {
    "small": {
        "plan": {"n_steps": 40, "learning_rate": 1.5e-3, "validate_every": 20, "patience": 10},
        "network": {"n_latent": 16, "n_bodies": 4, "width": 32},
        "n_samples": 8,
        "n_points": 256,
        "n_validation": 16,
    },
    "full": {
        "plan": {"n_steps": 20_000, "learning_rate": 1.5e-3, "validate_every": 1000, "patience": 10},
        "network": {},
        "n_samples": 32,
        "n_points": 1024,
        "n_validation": 128,
    },
}
#: Kinds of geology of each validation set.
FAMILIES: dict[str, dict[str, float]] = {
    "mixed": KINDS,
    "blocks": {"blocks": 1.0},
    "layers": {"layers": 1.0, "folds": 0.5, "faults": 0.5},
}
_REUSES = 4  # number of uses of each batch, each with another rotation
_VALIDATION_SEED = 2**31  # not used in training; torch uses only the last 32 bits of a seed
_RECONSTRUCTION = 1000.0  # weight of the relative squared error; if larger, models are sharper, latents less Gaussian
_FLOOR = 0.01  # mean square of a normalized model below which errors count less
_KL = (0.02, 0.7)  # initial weight of the divergence, and the fraction of the steps after which it is 1


class GeologyTask:
    """Training of `GeologyVAE` on synthetic geology that is generated on the fly.

    The loss is the negative evidence lower bound, with a weight of the divergence that grows during training.

    Parameters
    ----------
    size : {"small", "full"}
        Size of the network and of the training; small is for tests.
    random_seed : int
        Seed of the initial weights and of the samples.
    device : torch.device
        Device of the training.

    Attributes
    ----------
    network : GeologyVAE
        Network to train.
    generator : torch.Generator
        Source of the random numbers of the training.
    """

    def __init__(self, size: str, random_seed: int, device: torch.device):
        options = SIZES[size]
        self.device = device
        self.network: GeologyVAE = GeologyVAE(**options["network"], random_seed=random_seed).to(device)
        self.generator: torch.Generator = torch.Generator().manual_seed(random_seed + 1)
        self._n_samples, self._n_points = options["n_samples"], options["n_points"]
        self._models, self._n_uses = None, _REUSES
        self._validation = {
            name: self._draw(options["n_validation"], _VALIDATION_SEED + i, kinds)
            for i, (name, kinds) in enumerate(FAMILIES.items())
        }

    @staticmethod
    def plan(size: str, n_steps: int | None = None) -> Plan:
        """Return the training plan of a size, with another number of steps if it is given."""
        plan = SIZES[size]["plan"]
        return Plan(**(plan if n_steps is None else plan | {"n_steps": n_steps}))

    @property
    def data(self) -> str:
        """Description of the training set, for the card of the weights."""
        return (
            f"datasets.synthetic.sample_geology{self.network.shape} with kinds={KINDS} and sharing='mixed', drawn on "
            f"the fly, each used {_REUSES} times, rotated and mirrored, every other time with changed sign of density"
        )

    def loss(self, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a new batch, and its terms: relative squared error and divergence from N(0, I)."""
        first, part = _KL
        weight = first ** max(0.0, 1.0 - progress / part)
        unit = self._next_batch()
        chosen = torch.randperm(unit[0, 0].numel(), generator=self.generator)[: self._n_points].to(self.device)
        reconstruction, divergence = self._terms(unit, chosen, self.generator)
        loss = _RECONSTRUCTION * reconstruction + weight * divergence
        terms = {"reconstruction": reconstruction, "divergence": divergence}
        return loss, {name: float(value.detach()) for name, value in terms.items()}

    def validate(self) -> dict[str, float]:
        """Return errors of encoded and decoded samples of the validation sets.

        ``rms`` is the median over samples of the rms error over that of the zero model, and ``iou`` the mean
        intersection over union of the cells where density exceeds half of its largest value. ``score`` is the loss with
        the final weight of the divergence, averaged over the validation sets.
        """
        self._n_uses = _REUSES  # draw new models next, as a run does that is resumed here
        metrics, scores = {}, []
        for i, (name, x) in enumerate(self._validation.items()):
            (unit, _), noise = self.network.split(x), torch.Generator().manual_seed(i)
            chosen = torch.arange(0, unit[0, 0].numel(), 7, device=self.device)
            reconstruction, divergence = self._terms(unit, chosen, noise)
            scores.append(float(_RECONSTRUCTION * reconstruction + divergence))
            decoded = self.network.decode_unit(self.network.encode_unit(unit)[0]).reshape(unit.shape)
            rms = (decoded - unit).square().sum((1, 2, 3, 4)).sqrt() / unit.square().sum((1, 2, 3, 4)).sqrt()
            true, found = unit[:, 0].abs() > 0.5, decoded[:, 0].abs() > 0.5
            iou = (true & found).sum((1, 2, 3)) / (true | found).sum((1, 2, 3)).clamp(min=1)
            has_bodies = true.any(-1).any(-1).any(-1)
            metrics[f"rms_{name}"] = round(float(rms.median()), 4)
            metrics[f"iou_{name}"] = round(float(iou[has_bodies].mean()), 4)
            metrics[f"divergence_{name}"] = round(float(divergence), 2)
        return {"score": round(sum(scores) / len(scores), 4), **metrics}

    def _terms(self, unit: Tensor, chosen: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the relative squared error of sampled encodings at chosen points, and their divergence in nats."""
        mean, log_variance = self.network.encode_unit(unit)
        noise = torch.randn(mean.shape, generator=generator).to(self.device)
        z = mean + noise * torch.exp(0.5 * log_variance)
        decoded = self.network.decode_unit(z, self.network.grid_points[chosen])
        squares = (decoded - unit.flatten(2)[..., chosen]).square().mean((1, 2))
        reconstruction = (squares / (unit.square().mean((1, 2, 3, 4)) + _FLOOR)).mean()
        return reconstruction, 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(1).mean()

    def _next_batch(self) -> Tensor:
        """Return rotated normalized models; every other time the sign of density is changed."""
        if self._n_uses == _REUSES:
            self._models, _ = self.network.split(self._draw(self._n_samples, self.generator, KINDS))
            self._n_uses = 0
        self._n_uses += 1
        if self._n_uses % 2:
            return self._rotated(self._models)
        signs = torch.tensor([-1.0 if name == "density" else 1.0 for name in self.network.properties])
        return self._rotated(self._models * signs.to(self.device)[:, None, None, None])

    def _rotated(self, unit: Tensor) -> Tensor:
        """Return models mirrored along x, mirrored along y and with x and y exchanged, each with probability 1/2."""
        mirror_x, mirror_y, exchange = (torch.rand(3, generator=self.generator) < 0.5).tolist()
        unit = unit.flip(4) if mirror_x else unit
        unit = unit.flip(3) if mirror_y else unit
        return unit.transpose(3, 4) if exchange and unit.shape[3] == unit.shape[4] else unit

    def _draw(self, n: int, random_seed: int | torch.Generator, kinds: dict[str, float]) -> Tensor:
        return synthetic.sample_geology(
            self.network.shape,
            n,
            kinds=kinds,
            properties=self.network.properties,
            random_seed=random_seed,
            device=self.device,
            dtype="float32",
        )
