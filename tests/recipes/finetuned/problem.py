"""A small gravity and magnetic problem, and an untrained network, for the tests of fine-tuning."""

import numpy as np
from simpeg import maps

from simpeg_jointdl import datasets, optimization, recipes
from simpeg_jointdl.potential_fields import gravity, magnetics

BLOCKS = datasets.load("two_blocks", cell_size=300.0, shape=(12, 12, 6), n_stations=(12, 12), noise=0.05)
MESH, N = BLOCKS.mesh, BLOCKS.mesh.n_cells
DATA = [BLOCKS.gravity.data(), BLOCKS.magnetics.data()]
IDENTITY = maps.IdentityMap(nP=N)
DEVIATION = np.array(DATA[0].standard_deviation)
UP = np.array([0.0, 0.0, 500.0])
TOP = 500.0 - MESH.h[2][-1]  # of the mesh lifted by 500 m, less a layer of air


def simulations(mesh=MESH):
    identity = maps.IdentityMap(nP=mesh.n_cells)
    return [
        gravity.Simulation3DIntegral(mesh, survey=BLOCKS.gravity.survey(), rhoMap=identity),
        magnetics.Simulation3DIntegral(mesh, survey=BLOCKS.magnetics.survey(), chiMap=identity),
    ]


def make_with(create, network, data=DATA, simulation=None, **options):
    """A silent recipe of these data."""
    simulation = simulations() if simulation is None else simulation
    return create(data, simulation, network=network, **{"progress": False, **options})


def make(network, data=DATA, simulation=None, *, max_iterations=None, tuning=None, **options):
    """Over the weights in single precision; `tuning` as a dict."""
    tuning = recipes.FineTuning(**{"dtype": "float32", **(tuning or {})})
    return make_with(
        recipes.create_finetuned_inversion, network, data, simulation, tuning=tuning, max_iterations=max_iterations,
        **options,
    )  # fmt: skip


def make_warm(network, data=DATA, simulation=None, *, cells=None, **options):
    """Over cells; `cells` as a dict."""
    cells = recipes.CellOptions(**(cells or {}))
    create = recipes.create_warm_started_inversion
    return make_with(create, network, data, simulation, cells=cells, **{"dtype": "float32", **options})


def make_rounds(network, *, training=None, **options):
    """Rounds; `training` as a dict."""
    training = recipes.Training(**{"dtype": "float32", **(training or {})})
    return make_with(recipes.create_retraining, network, training=training, **options)


NEAR_PREDICTION = recipes.Anchor(target="prediction")  # which saves an inversion


def few_steps(n=1):
    """Steps that go somewhere, and take little time."""
    return optimization.LevenbergMarquardt(maxIter=n, space="model", cg_maxiter=10)


def chi_of(properties):
    found = []
    for name, simulation, data in zip(("density", "susceptibility"), simulations(), DATA, strict=True):
        residual = (simulation.dpred(properties[name]) - data.dobs) / data.standard_deviation
        found.append(np.mean(residual**2))
    return np.array(found)


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}
