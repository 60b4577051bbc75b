"""Training task of the network of gravity and magnetic data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from ...datasets import synthetic
from ..training import Plan
from ._inputs import HIGHEST, LOWEST
from ._network import GravMagUNet
from ._results import GravMagModels
from ._samples import GravMagMeasurement, Sample, SampleHeights, measure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

Tensor = torch.Tensor

#: Plan, architecture and number of samples of each size.
SIZES: dict[str, dict[str, Any]] = {
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
#: Terms of the loss.
TERMS: tuple[str, ...] = ("model", "data", "structure")
#: Probabilities of the kinds of geology; bodies are more frequent than layers, since flat layers cause no anomaly.
KINDS: dict[str, float] = {
    "layers": 0.15,
    "folds": 0.5,
    "faults": 0.25,
    "blocks": 0.5,
    "ellipsoids": 0.3,
    "intrusions": 0.2,
    "dykes": 0.2,
}
_REUSES = 4  # number of uses of each batch of models, each with another rotation, field and noise
_VALIDATION_SEED = 2**31  # not used in training; torch uses only the last 32 bits of a seed
_FLOORS = (3e-3, 3e-4)  # rms in g/cc and SI below which errors count less
_ABSOLUTE = 0.3  # weight of the relative mean absolute error; that of the relative rms error is 1
_WITHOUT_DATA = 0.3  # weight of a property whose own grid is missing
_DATA, _STRUCTURE = 0.1, 0.5  # weights of these terms
_SMALLEST_CHANGE = 1e-3  # smallest change of a property at a boundary, over the largest contrast of the sample


class GravMagTask:
    r"""Training of `GravMagUNet` on synthetic geology that is measured on the fly.

    The loss is a sum of three terms:

    - ``"model"``: the relative rms error and the relative mean absolute error of density and of susceptibility;
    - ``"data"``: :math:`\ln(1 + \chi)` of the predicted models with respect to exact data, where the logarithm keeps
      large misfits from dominating;
    - ``"structure"``: the cross-entropy of the cells where a property changes.

    Parameters
    ----------
    size : {"small", "full"}
        Size of the network and of the training; small is for tests.
    random_seed : int
        Seed of the initial weights and of the samples.
    device : torch.device
        Device of the training.
    terms : sequence of str
        Terms of the loss; by default all.
    **network
        Options of `GravMagUNet` that replace those of the size.

    Attributes
    ----------
    network : GravMagUNet
        Network to train.
    generator : torch.Generator
        Source of the random numbers of the training.
    measurement : GravMagMeasurement
        Noise, trends and gaps of the training samples.

    Raises
    ------
    ValueError
        If a term is unknown, or there is none.
    """

    terms: tuple[str, ...]
    device: torch.device

    def __init__(self, size: str, random_seed: int, device: torch.device, terms: Sequence[str] = TERMS, **network: Any):
        options = SIZES[size]
        self.device, self.terms = device, tuple(terms)
        if not self.terms or not set(self.terms) <= set(TERMS):
            msg = f"GravMagTask.terms: got {self.terms}, wanted one or more of {', '.join(TERMS)}."
            raise ValueError(msg)
        self.network: GravMagUNet = GravMagUNet(**options["network"] | network, random_seed=random_seed).to(device)
        self.generator: torch.Generator = torch.Generator().manual_seed(random_seed + 1)
        self.measurement: GravMagMeasurement = GravMagMeasurement()
        self._n_samples, self._n_uses = options["n_samples"], _REUSES
        self._models = self._heights = None
        self._validation = {
            sharing: self._validation_samples(options["n_validation"], sharing, _VALIDATION_SEED + i)
            for i, sharing in enumerate(("whole", "partly", "none"))
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
            f"the fly, each used {_REUSES} times, rotated, in any field, from {LOWEST} to {HIGHEST} cells above, "
            f"measured as {self.measurement}; loss of {', '.join(self.terms)}"
        )

    def loss(self, progress: float) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a new batch, and its terms."""
        with torch.autocast(self.device.type, enabled=False), torch.no_grad():
            sample = self._next_batch()
        predicted = self.network(sample.grids)
        with torch.autocast(self.device.type, enabled=False):
            parts = {name: _TERMS[name](sample, predicted) for name in self.terms}
        return sum(parts.values()), {name: float(value.detach()) for name, value in parts.items()}

    def validate(self) -> dict[str, float]:
        """Return metrics on the validation set: complete grids with noise, for each kind of shared structure.

        ``rms`` is the error over that of the zero model, ``iou`` the intersection over union of the cells where a
        property exceeds half of its largest true value, and ``chi`` the median misfit to the measured data. ``score``
        is the mean of all rms.
        """
        self._n_uses = _REUSES  # draw new models next, as a run does that is resumed here
        metrics, scores = {}, []
        for sharing, samples in self._validation.items():
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
            self._models = self._draw(self._n_samples, "mixed", self.generator)
            self._heights = SampleHeights.draw(self._n_samples, self.network.shape, self.generator, self.device)
            self._n_uses = 0
        self._n_uses += 1
        models = self._rotated(self._models)
        if self._n_uses % 2:
            models = models * torch.tensor([-1.0, 1.0]).to(models)[:, None, None, None]
        return measure(models, self._heights, self.generator, self.measurement)

    def _rotated(self, models: Tensor) -> Tensor:
        """Return models mirrored along x, mirrored along y and with x and y exchanged, each with probability 1/2."""
        mirror_x, mirror_y, exchange = (torch.rand(3, generator=self.generator) < 0.5).tolist()
        models = models.flip(4) if mirror_x else models
        models = models.flip(3) if mirror_y else models
        return models.transpose(3, 4).contiguous() if exchange else models

    def _draw(self, n: int, sharing: str, random_seed: int | torch.Generator) -> Tensor:
        return synthetic.sample_geology(
            self.network.shape,
            n,
            kinds=KINDS,
            sharing=sharing,
            random_seed=random_seed,
            device=self.device,
            dtype="float32",
        )

    def _validation_samples(self, n: int, sharing: str, seed: int) -> list[Sample]:
        """Return validation samples in batches of the size of the training batches."""
        generator = torch.Generator().manual_seed(seed)
        measurement, samples = GravMagMeasurement(trend=0.0, missing=0.0, masked=0.0), []
        for models in self._draw(n, sharing, generator).split(self._n_samples):
            heights = SampleHeights.draw(len(models), self.network.shape, generator, self.device)
            samples.append(measure(models, heights, generator, measurement))
        return samples


def _model_term(sample: Sample, predicted: GravMagModels) -> Tensor:
    found = torch.stack((predicted.density, predicted.susceptibility), 1)
    error, dims = found - sample.models, (2, 3, 4)
    floors = torch.tensor(_FLOORS).to(error)
    rms = (sample.models.square().mean(dims) + floors.square()).sqrt()
    squares = (error.square().mean(dims) / rms.square() + 1e-6).sqrt()
    absolute = error.abs().mean(dims) / (sample.models.abs().mean(dims) + 0.1 * rms)
    return ((squares + _ABSOLUTE * absolute) * torch.where(_present(sample), 1.0, _WITHOUT_DATA)).mean()


def _data_term(sample: Sample, predicted: GravMagModels) -> Tensor:
    chi = sample.chi(torch.stack((predicted.density, predicted.susceptibility), 1))
    return _DATA * torch.log1p(chi).mean()  # zero for a missing grid


def _structure_term(sample: Sample, predicted: GravMagModels) -> Tensor:
    wanted = boundaries(sample.models).to(predicted.boundary)
    return _STRUCTURE * functional.binary_cross_entropy_with_logits(predicted.boundary, wanted)


_TERMS = {"model": _model_term, "data": _data_term, "structure": _structure_term}


def _present(sample: Sample) -> Tensor:
    """Return which grids are present, (n, 2) of bool."""
    return torch.stack((sample.grids.gravity_mask, sample.grids.magnetic_mask), 1).flatten(2).any(2)


def boundaries(models: Tensor) -> Tensor:
    """Return the cells at whose faces any property changes.

    Parameters
    ----------
    models : (n, n_properties, nz, ny, nx) torch.Tensor
        Models of n samples.

    Returns
    -------
    (n, nz, ny, nx) torch.Tensor of bool
        True for these cells.
    """
    largest = models.abs().amax((2, 3, 4), keepdim=True)
    found = torch.zeros_like(models[:, 0], dtype=torch.bool)
    for dim in (2, 3, 4):
        changes = (models.diff(dim=dim).abs() > _SMALLEST_CHANGE * largest).any(1)
        size = changes.shape[dim - 1]
        found.narrow(dim - 1, 0, size).logical_or_(changes)
        found.narrow(dim - 1, 1, size).logical_or_(changes)
    return found


def _metrics(sample: Sample, predicted: GravMagModels) -> dict[str, Tensor]:
    """Return the metrics of every sample, NaN where the true property is zero everywhere."""
    found = torch.stack((predicted.density, predicted.susceptibility), 1)
    dims = (2, 3, 4)
    size, error = sample.models.square().sum(dims).sqrt(), (found - sample.models).square().sum(dims).sqrt()
    rms = torch.where(size > 0, error / size, torch.nan)
    half = 0.5 * sample.models.abs().amax(dims, keepdim=True)
    true_bodies, found_bodies = sample.models.abs() > half, found.abs() > half
    union = (true_bodies | found_bodies).sum(dims)
    iou = torch.where(size > 0, (true_bodies & found_bodies).sum(dims) / union.clamp(min=1), torch.nan)
    parts = {"rms": rms, "iou": iou, "chi": sample.chi(found, exact=False)}
    names = ("density", "susceptibility")
    return {f"{part}_{name}": values[:, i] for part, values in parts.items() for i, name in enumerate(names)}
