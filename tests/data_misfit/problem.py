"""Small problems with outliers, one with linear and one with nonlinear data."""

from __future__ import annotations

import numpy as np
from discretize import TensorMesh
from simpeg import maps
from simpeg.data import Data
from simpeg.simulation import LinearSimulation

N_DATA = 60


def line(model_map=None) -> LinearSimulation:
    """Data on a line, or on the exponential of one: intercept and slope."""
    matrix = np.stack([np.ones(N_DATA), np.linspace(-1.0, 1.0, N_DATA)], axis=1)
    return LinearSimulation(model_map=maps.IdentityMap(nP=2) if model_map is None else model_map, G=matrix)


def curved() -> LinearSimulation:
    """Data on a line whose intercept and slope are exponentials of the parameters."""
    return line(maps.ExpMap(TensorMesh([2])))


def observe(simulation, truth, *, outliers=0.05, std=0.1, seed=0) -> Data:
    """Data with Gaussian noise, and a share of outliers, all five standard deviations too large."""
    rng = np.random.default_rng(seed)
    clean = simulation.dpred(truth)
    noise = std * rng.standard_normal(clean.size)
    wrong = rng.choice(clean.size, round(outliers * clean.size), replace=False)
    noise[wrong] += 5.0 * std
    return Data(simulation.survey, dobs=clean + noise, standard_deviation=np.full(clean.size, std))
