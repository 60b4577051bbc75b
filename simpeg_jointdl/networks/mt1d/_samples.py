"""Synthetic magnetotelluric measurements: any frequencies, with unequal errors, outliers and missing points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ...datasets.synthetic import layer_thicknesses, sample_layered_earth
from ...kernels import layered_sounding
from ._soundings import Soundings

Tensor = torch.Tensor


@dataclass(frozen=True)
class Measurement:
    """Frequencies, errors and gaps of the soundings of a training set.

    Attributes
    ----------
    band : (float, float)
        Decimal logarithms of the lowest and highest possible frequency in Hz.
    least_decades : float
        Smallest width of the band of a sounding in decades.
    whole_band : float
        Fraction of the soundings that have the whole band.
    n_frequencies : int
        Number of frequencies of a sounding before points are removed.
    dropped : float
        Largest fraction of the points of a sounding that are removed; half of the soundings keep all points.
    noise : (float, float)
        Range of the relative standard deviation of the impedance, log-uniform per sounding.
    exact : float
        Fraction of the soundings without noise.
    outliers : float
        Fraction of the points, in a quarter of the soundings, whose noise is ten times larger than their error.
    """

    band: tuple[float, float]
    least_decades: float
    whole_band: float
    n_frequencies: int = 40
    dropped: float = 0.6
    noise: tuple[float, float] = (0.01, 0.1)
    exact: float = 0.5
    outliers: float = 0.0


#: Measurement of each design. The frequencies of the wide design are for its first thickness of 20 m.
MEASUREMENTS: dict[str, Measurement] = {
    "published": Measurement(band=(0.0, 4.0), least_decades=1.8, whole_band=0.4),
    "wide": Measurement(band=(-4.0, 4.0), least_decades=1.5, whole_band=0.1, exact=0.1, outliers=0.05),
}


def simulate(log_resistivity: Tensor, thicknesses: Tensor, log_frequency: Tensor) -> tuple[Tensor, Tensor]:
    """Return the decimal logarithm of apparent resistivity (ohm m) and the phase (rad), each (n, n_frequencies)."""
    resistivity, phase = layered_sounding(10.0**log_frequency, 10.0**-log_resistivity, thicknesses)
    return torch.log10(resistivity), phase


def sample_soundings(
    n: int, design: str, generator: torch.Generator, measurement: Measurement | None = None
) -> tuple[Tensor, Soundings]:
    """Return random layered earths of a design and soundings over them, on the device of the generator.

    Parameters
    ----------
    n : int
        Number of soundings.
    design : {"wide", "published"}
        Layers and prior.
    generator : torch.Generator
        Source of the random numbers.
    measurement : Measurement, optional
        Frequencies, errors and gaps; by default those of the training set of the design.

    Returns
    -------
    model : (n, n_layers) torch.Tensor
        Decimal logarithm of the resistivity in ohm m.
    soundings : Soundings
        Measured data.
    """
    measurement = MEASUREMENTS[design] if measurement is None else measurement
    device = generator.device
    model = sample_layered_earth(n, design, random_seed=generator, device=device, dtype=torch.float32)
    log_frequency, present = _frequencies(n, measurement, generator)
    thicknesses = layer_thicknesses(design).to(model)
    resistivity, phase = simulate(model, thicknesses, log_frequency)
    return model, measure(log_frequency, resistivity, phase, present, measurement, generator)


def measure(
    log_frequency: Tensor,
    resistivity: Tensor,
    phase: Tensor,
    present: Tensor,
    measurement: Measurement,
    generator: torch.Generator,
) -> Soundings:
    """Return soundings with noise, outliers and errors, from the logarithm of exact resistivities and exact phases."""
    draw = _Draw(len(resistivity), generator)
    lower, upper = (math.log(value) for value in measurement.noise)
    error = torch.exp(draw.uniform(1) * (upper - lower) + lower).expand_as(resistivity)
    error = torch.where(draw.chance(measurement.exact), 0.0, error)
    shape = resistivity.shape[1]
    is_outlier = draw.chance(0.25) & (draw.uniform(shape) < measurement.outliers)
    actual = torch.where(is_outlier, 10.0 * error, error)
    resistivity = resistivity + actual * draw.normal(shape) * (2.0 / math.log(10.0))
    phase = (phase + actual * draw.normal(shape)).clamp(1e-3, 0.5 * math.pi - 1e-3)
    error = torch.where(present, error, torch.inf)
    missing = ~present
    return Soundings(log_frequency, resistivity.masked_fill(missing, 0.0), phase.masked_fill(missing, 0.8), error)


def _frequencies(n: int, measurement: Measurement, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return decimal logarithms of frequencies in Hz, equally spaced or perturbed, and which of them have data."""
    draw = _Draw(n, generator)
    (low, high), count = measurement.band, measurement.n_frequencies
    width = measurement.least_decades + draw.uniform(1) * (high - low - measurement.least_decades)
    width = torch.where(draw.chance(measurement.whole_band), high - low, width)
    first = low + draw.uniform(1) * (high - low - width)
    steps = torch.linspace(0.0, 1.0, count, device=generator.device)
    perturbation = torch.where(draw.chance(0.5), 0.9 * (draw.uniform(count) - 0.5), 0.0) / (count - 1)
    frequencies = first + width * (steps + perturbation).clamp(0.0, 1.0)
    part = torch.where(draw.chance(0.5), measurement.dropped * draw.uniform(1), 0.0)
    present = draw.uniform(count) >= part
    present[:, count // 2] = True  # at least one point
    return frequencies, present


class _Draw:
    """Random numbers (n, width) from a generator, on its device, in float32."""

    def __init__(self, n: int, generator: torch.Generator):
        self.n, self.options = n, {"generator": generator, "device": generator.device, "dtype": torch.float32}

    def uniform(self, width: int) -> Tensor:
        return torch.rand(self.n, width, **self.options)

    def normal(self, width: int) -> Tensor:
        return torch.randn(self.n, width, **self.options)

    def chance(self, probability: float) -> Tensor:
        return self.uniform(1) < probability
