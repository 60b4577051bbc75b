"""What the network of gravity and magnetics is trained on and for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from ...datasets import synthetic
from ..training import Plan
from ._inputs import HIGHEST, LOWEST
from ._network import GravMagModels, GravMagUNet
from ._samples import Flight, GravMagMeasurement, Sample, measure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

Tensor = torch.Tensor

SIZES = {
    "small": {
        "plan": {"n_steps": 40, "learning_rate": 1e-3, "validate_every": 20, "patience": 10},
        "network": {"widths": (16, 24, 32), "n_lifted": 8},
        "n_samples": 8,
        "n_validation": 8,
    },
    "full": {
        "plan": {"n_steps": 13_000, "learning_rate": 1e-3, "validate_every": 500, "patience": 26},
        "network": {},
        "n_samples": 16,
        "n_validation": 64,
    },
}
TERMS = ("model", "data", "structure")
#: What it is trained on: bodies more often than layers, whose flat parts no data show.
KINDS = {
    "layers": 0.15,
    "folds": 0.5,
    "faults": 0.25,
    "blocks": 0.5,
    "ellipsoids": 0.3,
    "intrusions": 0.2,
    "dykes": 0.2,
}
_REUSES = 4  # of what was drawn, each time turned another way, in another field, with other noise
_VALIDATION_SEED = 2**31  # no training comes to use it; of a seed torch sees the last 32 bits alone
_FLOORS = (3e-3, 3e-4)  # rms in g/cc and SI below which bodies count less
_ABSOLUTE = 0.3  # of the relative mean absolute error, beside the relative rms error
_UNSEEN = 0.3  # of a property whose own grid is missing
_DATA, _STRUCTURE = 0.1, 0.5
_SHARPEST = 1e-3  # of a sample's largest contrast: what counts as a change


class GravMagTask:
    r"""Geology of `datasets.synthetic`, measured on the fly, and three terms of a loss.

    - ``"model"``: of density and susceptibility each, rms error over rms, and mean absolute error over mean absolute;
    - ``"data"``: :math:`\ln(1 + \chi)` of the predicted models against exact data, so that no misfit outweighs all;
    - ``"structure"``: cross-entropy of the cells where a property changes.

    Parameters
    ----------
    size : {"small", "full"}
    random_seed : int
    device : torch.device
    terms : sequence of str
        Of the loss; all of them if not given.
    **network
        Options of `GravMagUNet` that replace those of the size.
    """

    terms: tuple[str, ...]

    device: torch.device

    def __init__(self, size: str, random_seed: int, device: torch.device, terms: Sequence[str] = TERMS, **network: Any):
        options = SIZES[size]
        self.device, self.terms = device, tuple(terms)
        if not self.terms or not set(self.terms) <= set(TERMS):
            msg = f"GravMagTask.terms: got {self.terms}, wanted some of {', '.join(TERMS)}."
            raise ValueError(msg)
        self.network: GravMagUNet = GravMagUNet(**options["network"] | network, random_seed=random_seed).to(device)
        self.generator: torch.Generator = torch.Generator().manual_seed(random_seed + 1)
        self.measurement: GravMagMeasurement = GravMagMeasurement()
        self._n_samples, self._n_uses = options["n_samples"], _REUSES
        self._drawn = self._flight = None
        self._unseen = {
            sharing: self._unseen_sample(options["n_validation"], sharing, _VALIDATION_SEED + i)
            for i, sharing in enumerate(("whole", "partly", "none"))
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
            f"the fly, each seen {_REUSES} times, turned, in any field, from {LOWEST} to {HIGHEST} cells above, "
            f"measured as {self.measurement}; loss of {', '.join(self.terms)}"
        )

    def loss(self, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Of a fresh batch."""
        with torch.autocast(self.device.type, enabled=False), torch.no_grad():
            sample = self._next_batch()
        predicted = self.network(sample.grids)
        with torch.autocast(self.device.type, enabled=False):
            parts = {name: _TERMS[name](sample, predicted) for name in self.terms}
        return sum(parts.values()), {name: float(value.detach()) for name, value in parts.items()}

    def validate(self) -> dict[str, float]:
        """Metrics on unseen samples with both grids whole and noise alone, by what the properties share.

        ``rms``: error over that of the zero model; ``iou``: intersection over union of where a property exceeds half
        of its largest true value; ``chi``: of the data that were measured, of which the median. ``score``: the mean
        of all rms.
        """
        self._n_uses = _REUSES  # a run resumed from here draws anew, and so does this one
        metrics, scores = {}, []
        for sharing, samples in self._unseen.items():
            parts = [_metrics(sample, self.network(sample.grids)) for sample in samples]
            for name in parts[0]:
                values = torch.cat([part[name] for part in parts])
                value = values.nanmedian() if name.startswith("chi") else values.nanmean()
                metrics[f"{name}_{sharing}"] = round(float(value), 4)
                if name.startswith("rms"):
                    scores.append(float(value))
        return {"score": round(sum(scores) / len(scores), 5), **metrics}

    def _next_batch(self) -> Sample:
        if self._n_uses == _REUSES:
            self._drawn = self._draw(self._n_samples, "mixed", self.generator)
            self._flight = Flight.draw(self._n_samples, self.network.shape, self.generator, self.device)
            self._n_uses = 0
        self._n_uses += 1
        models = self._turned(self._drawn)
        if self._n_uses % 2:
            models = models * torch.tensor([-1.0, 1.0]).to(models)[:, None, None, None]
        return measure(models, self._flight, self.generator, self.measurement)

    def _turned(self, models: Tensor) -> Tensor:
        """Mirrored along x and y and with these exchanged, each in half of all batches."""
        mirror_x, mirror_y, exchange = (torch.rand(3, generator=self.generator) < 0.5).tolist()
        models = models.flip(4) if mirror_x else models
        models = models.flip(3) if mirror_y else models
        return models.transpose(3, 4).contiguous() if exchange else models

    def _draw(self, n: int, sharing: str, random_seed) -> Tensor:
        return synthetic.sample_geology(
            self.network.shape,
            n,
            kinds=KINDS,
            sharing=sharing,
            random_seed=random_seed,
            device=self.device,
            dtype="float32",
        )

    def _unseen_sample(self, n: int, sharing: str, seed: int) -> list[Sample]:
        """In batches of the training's size."""
        generator = torch.Generator().manual_seed(seed)
        measurement, samples = GravMagMeasurement(trend=0.0, missing=0.0, masked=0.0), []
        for models in self._draw(n, sharing, generator).split(self._n_samples):
            flight = Flight.draw(len(models), self.network.shape, generator, self.device)
            samples.append(measure(models, flight, generator, measurement))
        return samples


def _model_term(sample: Sample, predicted: GravMagModels) -> Tensor:
    found = torch.stack((predicted.density, predicted.susceptibility), 1)
    error, dims = found - sample.models, (2, 3, 4)
    floors = torch.tensor(_FLOORS).to(error)
    rms = (sample.models.square().mean(dims) + floors.square()).sqrt()
    squares = (error.square().mean(dims) / rms.square() + 1e-6).sqrt()
    absolute = error.abs().mean(dims) / (sample.models.abs().mean(dims) + 0.1 * rms)
    return ((squares + _ABSOLUTE * absolute) * torch.where(_present(sample), 1.0, _UNSEEN)).mean()


def _data_term(sample: Sample, predicted: GravMagModels) -> Tensor:
    chi = sample.chi(torch.stack((predicted.density, predicted.susceptibility), 1))
    return _DATA * torch.log1p(chi).mean()  # a missing grid counts zero


def _structure_term(sample: Sample, predicted: GravMagModels) -> Tensor:
    wanted = boundaries(sample.models).to(predicted.boundary)
    return _STRUCTURE * functional.binary_cross_entropy_with_logits(predicted.boundary, wanted)


_TERMS = {"model": _model_term, "data": _data_term, "structure": _structure_term}


def _present(sample: Sample) -> Tensor:
    """Which grids there are, (n, 2) of bool."""
    return torch.stack((sample.grids.gravity_mask, sample.grids.magnetic_mask), 1).flatten(2).any(2)


def boundaries(models: Tensor) -> Tensor:
    """Cells at whose faces any property changes, (n, nz, ny, nx) of bool, of (n, n_properties, nz, ny, nx)."""
    largest = models.abs().amax((2, 3, 4), keepdim=True)
    found = torch.zeros_like(models[:, 0], dtype=torch.bool)
    for dim in (2, 3, 4):
        changes = (models.diff(dim=dim).abs() > _SHARPEST * largest).any(1)
        size = changes.shape[dim - 1]
        found.narrow(dim - 1, 0, size).logical_or_(changes)
        found.narrow(dim - 1, 1, size).logical_or_(changes)
    return found


def _metrics(sample: Sample, predicted: GravMagModels) -> dict[str, Tensor]:
    """Of every sample; nan where a property is nowhere."""
    found = torch.stack((predicted.density, predicted.susceptibility), 1)
    dims = (2, 3, 4)
    size, error = sample.models.square().sum(dims).sqrt(), (found - sample.models).square().sum(dims).sqrt()
    rms = torch.where(size > 0, error / size, torch.nan)
    half = 0.5 * sample.models.abs().amax(dims, keepdim=True)
    bodies, seen = sample.models.abs() > half, found.abs() > half
    union = (bodies | seen).sum(dims)
    iou = torch.where(size > 0, (bodies & seen).sum(dims) / union.clamp(min=1), torch.nan)
    parts = {"rms": rms, "iou": iou, "chi": sample.chi(found, exact=False)}
    names = ("density", "susceptibility")
    return {f"{part}_{name}": values[:, i] for part, values in parts.items() for i, name in enumerate(names)}
