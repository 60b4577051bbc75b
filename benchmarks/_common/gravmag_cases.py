"""Unseen models with their data, and problems that differ from what the network was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from discretize import TensorMesh
from simpeg.data import Data
from simpeg.maps import IdentityMap
from simpeg.potential_fields import gravity as simpeg_gravity
from simpeg.potential_fields import magnetics as simpeg_magnetics

from simpeg_jointdl import datasets
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.potential_fields import gravity, magnetics

SHAPE, CELL, FIELD = (16, 32, 32), 50.0, 50_000.0
KINDS = {
    "layers": 0.15, "folds": 0.5, "faults": 0.25, "blocks": 0.5, "ellipsoids": 0.3, "intrusions": 0.2, "dykes": 0.2,
}  # fmt: skip
SETS = ("unseen", "direction", "noise", "cells", "camp_blocks", "two_bodies")
PROPERTIES = ("density", "susceptibility")
_FIRST = 1_000_000  # seeds of cases; training and validation draw others
_TRIES = 100


@dataclass
class Case:
    """Data, simulations that take one property each, and the true models on their mesh."""

    mesh: object
    data: list
    simulations: list
    truth: dict

    def simulations_through(self, mappings) -> list:
        """The simulations again, behind maps from a larger model to density and to susceptibility."""
        engines = [simulation.engine for simulation in self.simulations]
        return _simulations(self.mesh, [one.survey for one in self.data], mappings, engines)


def make_case(which: str, sharing: str, number: int) -> Case:
    """Make a case of a set: ``"unseen"`` is as in training; the others differ in one respect.

    ``direction``: a field of inclination -17 and declination 123 degrees; ``noise``: 20 % of the rms, twice the largest
    of the training; ``cells``: half as large over the same geology, so that bodies are twice as large in cells.
    """
    if which in ("camp_blocks", "two_bodies"):
        return _published(which)
    rng = np.random.default_rng([_FIRST, number, ("whole", "partly", "none").index(sharing)])
    models = _models(rng, sharing, 0.5 if which == "cells" else 1.0)
    size = CELL * (0.5 if which == "cells" else 1.0)
    nz, ny, nx = SHAPE
    mesh = TensorMesh([np.full(nx, size), np.full(ny, size), np.full(nz, size)], origin=(0.0, 0.0, -nz * size))
    height = size * np.exp(rng.uniform(np.log(0.1), np.log(2.0)))
    sine, declination = rng.uniform(-1.0, 1.0), rng.uniform(-180.0, 180.0)
    field = (FIELD, float(np.degrees(np.arcsin(sine))), declination)
    noise = np.exp(rng.uniform(np.log(0.01), np.log(0.1), 2))
    field = (FIELD, -17.0, 123.0) if which == "direction" else field
    noise = np.full(2, 0.2) if which == "noise" else noise
    simulations = _simulations(mesh, _surveys(mesh, height, field))
    data = []
    for simulation, name, level in zip(simulations, PROPERTIES, noise, strict=True):
        exact = simulation.dpred(models[name])
        deviation = level * np.sqrt(np.mean(exact**2))
        values = exact + deviation * rng.standard_normal(exact.size)
        data.append(Data(simulation.survey, dobs=values, standard_deviation=deviation))
    return Case(mesh, data, simulations, models)


def _models(rng, sharing: str, part: float) -> dict:
    """Both properties, neither of them zero everywhere, over a part of the unit domain from its top."""
    nz, ny, nx = SHAPE
    x, y = (part * (2.0 * (np.arange(n) + 0.5) / n - 1.0) for n in (nx, ny))
    z = part * (np.arange(nz) + 0.5) / nz
    points = np.stack([np.broadcast_to(one, SHAPE) for one in (x, y[:, None], z[:, None, None])], -1).reshape(-1, 3)
    for _ in range(_TRIES):
        seed = int(rng.integers(2**31))
        drawn = synthetic.sample_geology(points, 1, kinds=KINDS, sharing=sharing, random_seed=seed)[0]
        if (drawn.abs().amax(1) > 0).all() and (drawn.std(1) > 0).all():
            upward = torch.flip(drawn.view(2, *SHAPE), (1,)).reshape(2, -1).numpy()
            return dict(zip(PROPERTIES, upward, strict=True))
    raise RuntimeError(f"{_TRIES} models had only one property.")


def _surveys(mesh, height, field):
    x, y = np.meshgrid(mesh.cell_centers_x, mesh.cell_centers_y)
    locations = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, height)])
    points = simpeg_gravity.receivers.Point(locations, components="gz")
    totals = simpeg_magnetics.receivers.Point(locations, components="tmi")
    source = dict(zip(("amplitude", "inclination", "declination"), field, strict=True))
    return [
        simpeg_gravity.survey.Survey(simpeg_gravity.sources.SourceField([points])),
        simpeg_magnetics.survey.Survey(simpeg_magnetics.sources.UniformBackgroundField([totals], **source)),
    ]


def _simulations(mesh, surveys, mappings=None, engines=("toeplitz", "toeplitz")):
    mappings = [IdentityMap(nP=mesh.n_cells)] * 2 if mappings is None else mappings
    return [
        gravity.Simulation3DIntegral(mesh, survey=surveys[0], rhoMap=mappings[0], engine=engines[0]),
        magnetics.Simulation3DIntegral(mesh, survey=surveys[1], chiMap=mappings[1], engine=engines[1]),
    ]


def _published(which: str) -> Case:
    """Published data on the network's mesh for them, and the published true model at the centers of its cells."""
    from simpeg_jointdl.networks import GravMagUNet

    survey = datasets.load(which, **({"size": "small"} if which == "camp_blocks" else {}))
    data = [survey.gravity.data(), survey.magnetics.data()]
    mesh = GravMagUNet(widths=(8,), n_lifted=4).mesh_for(*data)
    places = survey.mesh.point2index(mesh.cell_centers) if hasattr(survey.mesh, "point2index") else None
    inside = survey.mesh.is_inside(mesh.cell_centers)
    truth = {name: np.where(inside, survey.true_models[name][places], 0.0) for name in PROPERTIES}
    return Case(mesh, data, _simulations(mesh, [one.survey for one in data], None, ("auto", "auto")), truth)
