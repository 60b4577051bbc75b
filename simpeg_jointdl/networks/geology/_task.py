"""What the geology autoencoder is trained on and for."""

from __future__ import annotations

import torch

from ...datasets import synthetic
from ..training import Plan
from ._bodies import KINDS
from ._network import GeologyVAE

Tensor = torch.Tensor

SIZES = {
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
#: What the validation looks at one by one.
FAMILIES = {
    "mixed": KINDS,
    "blocks": {"blocks": 1.0},
    "layers": {"layers": 1.0, "folds": 0.5, "faults": 0.5},
}
_REUSES = 4  # of a batch, each time turned another way
_VALIDATION_SEED = 2**31  # no training comes to use it; of a seed torch sees the last 32 bits alone
_RECONSTRUCTION = 1000.0  # of a relative squared error of one; the larger, the sharper and the less Gaussian
_FLOOR = 0.01  # mean square below which small bodies count less
_KL = (0.02, 0.7)  # first weight of the divergence, and the part of the plan after which it is 1


class GeologyTask:
    """Samples of `datasets.synthetic`, the evidence lower bound of `GeologyVAE`, and errors on unseen samples.

    Parameters
    ----------
    size : {"small", "full"}
    random_seed : int
    device : torch.device
    """

    def __init__(self, size: str, random_seed: int, device: torch.device):
        options = SIZES[size]
        self.device = device
        self.network: GeologyVAE = GeologyVAE(**options["network"], random_seed=random_seed).to(device)
        self.generator: torch.Generator = torch.Generator().manual_seed(random_seed + 1)
        self._n_samples, self._n_points = options["n_samples"], options["n_points"]
        self._drawn, self._n_uses = None, _REUSES
        self._unseen = {
            name: self._draw(options["n_validation"], _VALIDATION_SEED + i, kinds)
            for i, (name, kinds) in enumerate(FAMILIES.items())
        }

    @staticmethod
    def plan(size: str, n_steps: int | None = None) -> Plan:
        """How long a size is trained."""
        plan = SIZES[size]["plan"]
        return Plan(**(plan if n_steps is None else plan | {"n_steps": n_steps}))

    @property
    def data(self) -> str:
        """What the network has seen, for its card."""
        return (
            f"datasets.synthetic.sample_geology{self.network.shape} with kinds={KINDS} and sharing='mixed', drawn on "
            f"the fly, each seen {_REUSES} times, turned and mirrored, every other time with density's sign changed"
        )

    def loss(self, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Weighted relative squared error at random points of the grid, and the divergence from N(0, I)."""
        first, part = _KL
        weight = first ** max(0.0, 1.0 - progress / part)
        unit = self._next_batch()
        chosen = torch.randperm(unit[0, 0].numel(), generator=self.generator)[: self._n_points].to(self.device)
        reconstruction, divergence = self._terms(unit, chosen, self.generator)
        loss = _RECONSTRUCTION * reconstruction + weight * divergence
        terms = {"reconstruction": reconstruction, "divergence": divergence}
        return loss, {name: float(value.detach()) for name, value in terms.items()}

    def validate(self) -> dict[str, float]:
        """Errors of encoding and decoding unseen samples.

        ``rms``: root mean square error over that of the zero model, the median of samples. ``iou``: intersection
        over union of where density exceeds half of its largest value, their mean. ``score``: the loss with the
        last weight of the divergence, per family and on average.
        """
        self._n_uses = _REUSES  # a run resumed from here draws anew, and so does this one
        metrics, scores = {}, []
        for i, (name, x) in enumerate(self._unseen.items()):
            (unit, _), noise = self.network.split(x), torch.Generator().manual_seed(i)
            chosen = torch.arange(0, unit[0, 0].numel(), 7, device=self.device)
            reconstruction, divergence = self._terms(unit, chosen, noise)
            scores.append(float(_RECONSTRUCTION * reconstruction + divergence))
            decoded = self.network.decode_unit(self.network.encode_unit(unit)[0]).reshape(unit.shape)
            rms = (decoded - unit).square().sum((1, 2, 3, 4)).sqrt() / unit.square().sum((1, 2, 3, 4)).sqrt()
            bodies, found = unit[:, 0].abs() > 0.5, decoded[:, 0].abs() > 0.5
            iou = (bodies & found).sum((1, 2, 3)) / (bodies | found).sum((1, 2, 3)).clamp(min=1)
            seen = bodies.any(-1).any(-1).any(-1)
            metrics[f"rms_{name}"] = round(float(rms.median()), 4)
            metrics[f"iou_{name}"] = round(float(iou[seen].mean()), 4)
            metrics[f"divergence_{name}"] = round(float(divergence), 2)
        return {"score": round(sum(scores) / len(scores), 4), **metrics}

    def _terms(self, unit: Tensor, chosen: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Relative squared error at the chosen points of a sampled encoding, and its divergence, in nats."""
        mean, log_variance = self.network.encode_unit(unit)
        noise = torch.randn(mean.shape, generator=generator).to(self.device)
        z = mean + noise * torch.exp(0.5 * log_variance)
        decoded = self.network.decode_unit(z, self.network.grid_points[chosen])
        squares = (decoded - unit.flatten(2)[..., chosen]).square().mean((1, 2))
        reconstruction = (squares / (unit.square().mean((1, 2, 3, 4)) + _FLOOR)).mean()
        return reconstruction, 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(1).mean()

    def _next_batch(self) -> Tensor:
        """Fields of the size of one; what was drawn comes back turned, every other time with density's sign changed."""
        if self._n_uses == _REUSES:
            self._drawn, _ = self.network.split(self._draw(self._n_samples, self.generator, KINDS))
            self._n_uses = 0
        self._n_uses += 1
        if self._n_uses % 2:
            return self._turned(self._drawn)
        signs = torch.tensor([-1.0 if name == "density" else 1.0 for name in self.network.properties])
        return self._turned(self._drawn * signs.to(self.device)[:, None, None, None])

    def _turned(self, unit: Tensor) -> Tensor:
        """Mirrored along x and y and with these exchanged, each in half of all batches."""
        mirror_x, mirror_y, exchange = (torch.rand(3, generator=self.generator) < 0.5).tolist()
        unit = unit.flip(4) if mirror_x else unit
        unit = unit.flip(3) if mirror_y else unit
        return unit.transpose(3, 4) if exchange and unit.shape[3] == unit.shape[4] else unit

    def _draw(self, n: int, random_seed, kinds=None) -> Tensor:
        return synthetic.sample_geology(
            self.network.shape,
            n,
            kinds=kinds,
            properties=self.network.properties,
            random_seed=random_seed,
            device=self.device,
            dtype="float32",
        )
