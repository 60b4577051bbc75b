"""Every coupling and every recipe with its options, on small problems: what contract tests run over.

A new coupling enters with one line here: a name, and how it is made from a mesh and property maps. So does a new
recipe: a name, and a function that gives the partial call of it.
"""

from functools import cache, partial

import discretize
import numpy as np
from simpeg import data_misfit, maps

from simpeg_jointdl import datasets, networks, recipes
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.potential_fields import gravity, magnetics
from simpeg_jointdl.regularization import CrossGradient, Gramian, GuidedFuzzyCMeans, LocalPearson


def windowed(coupling, size, **options):
    """A coupling with windows of `size` cells along every axis, whatever the mesh's dimension."""

    def make(mesh, wire_map, **kwargs):
        return coupling(mesh, wire_map, window=(size,) * mesh.dim, **options, **kwargs)

    return make


def clusters(off_target=0.0, **options):
    """Three clusters, their centres moved off their targets."""

    def make(mesh, wire_map, **kwargs):
        n_properties = len(wire_map.maps if isinstance(wire_map, maps.Wires) else wire_map)
        centers = np.outer([0.6, 1.1, 1.9], SCALES[:n_properties])
        centers[1] *= 1.0 + 0.2 * np.arange(n_properties)
        coupling = GuidedFuzzyCMeans(mesh, wire_map, centers, **options, **kwargs)
        coupling.centers = (1.0 + off_target) * centers
        return coupling

    return make


SCALES = np.array([1.0, 30.0, 0.2])  # properties differ in their units

COUPLINGS = {
    "cross-gradient": CrossGradient,
    "cross-gradient, normalized": partial(CrossGradient, normalized=True),
    "cross-gradient, normalized, no floor": partial(CrossGradient, normalized=True, floor=0.0),
    "pearson": windowed(LocalPearson, 2),
    "pearson, wide, no floor": windowed(LocalPearson, 3, overlap=0.7, floor=0.0),
    "clusters, guided": clusters(off_target=0.1, guidance=[0.5, 1.0, 0.0]),
    "clusters, free": clusters(guidance=0.0, fuzziness=1.5),
    "clusters, fixed": clusters(guidance=np.inf, scales=None),
    "gramian, all at once": partial(Gramian, operator="identity", pairwise=False),
    "gramian, all at once, gradient windows": windowed(Gramian, 2, pairwise=False),
    "gramian, all at once, overlap, raw": windowed(
        Gramian, 3, overlap=0.5, operator="identity", pairwise=False, normalized=False
    ),
}
for _operator in ("identity", "log", "gradient", "laplacian"):
    for _normalized in (True, False):
        _name = f"gramian, {_operator}" + ("" if _normalized else ", raw")
        _options = dict(operator=_operator, normalized=_normalized)
        COUPLINGS[_name] = partial(Gramian, **_options)
        COUPLINGS[f"{_name}, windows"] = windowed(Gramian, 2, **_options)
        if _operator == "gradient":  # one value per cell always depends on another
            COUPLINGS[f"{_name}, pointwise"] = windowed(Gramian, 1, **_options)
        elif _normalized or _operator == "identity":
            COUPLINGS[f"{_name}, centered"] = partial(Gramian, centered=True, **_options)
            COUPLINGS[f"{_name}, centered windows"] = windowed(Gramian, 2, overlap=0.5, centered=True, **_options)


def tensor_mesh(dim: int) -> discretize.TensorMesh:
    """Cells of uneven widths: 42 in 2-D, 48 in 3-D."""
    widths = ([1, 1, 2, 1.5, 1, 3, 1], [2, 1, 1, 1.5, 1, 1]) if dim == 2 else ([1, 1, 2, 1], [2, 1, 1], [1, 1.5, 1, 2])
    return discretize.TensorMesh([np.array(h, dtype=float) for h in widths])


def tree_mesh(dim: int) -> discretize.TreeMesh:
    """Cells of two sizes with hanging faces: 34 in 2-D, 36 in 3-D."""
    coarse = {
        2: [[1, 1], [3, 3], [5, 3], [7, 7], [3, 7], [1, 3]],
        3: [[1, 1, 1], [3, 1, 1], [1, 3, 1], [3, 3, 3]],
    }[dim]
    finest = {2: 3, 3: 2}[dim]  # 8 cells along an axis, or 4
    mesh = discretize.TreeMesh([np.ones(2**finest)] * dim, diagonal_balance=False)
    mesh.refine(finest - 1, finalize=False)
    mesh.insert_cells(np.array(coarse) - 0.5, [finest] * len(coarse), finalize=True)
    return mesh


MESHES = {"tensor": tensor_mesh, "tree": tree_mesh}


def some_active(mesh) -> np.ndarray:
    """All cells but a corner of topography and one inside."""
    extent = mesh.cell_centers - mesh.origin
    active = extent.sum(axis=1) < 0.75 * extent.sum(axis=1).max()
    active[np.flatnonzero(active)[active.sum() // 2]] = False
    return active


def make_wires(n_cells: int, n_properties: int) -> maps.Wires:
    """One part per property."""
    return maps.Wires(*[(name, n_cells) for name in ("density", "velocity", "susceptibility")[:n_properties]])


def make_model(n_cells: int, n_properties: int, random_seed: int = 0) -> np.ndarray:
    """Positive properties of different sizes, partly related."""
    rng = np.random.default_rng(random_seed)
    common, own = rng.uniform(0.5, 2.0, n_cells), rng.uniform(0.5, 2.0, (n_properties, n_cells))
    return ((0.5 * common + 0.5 * own) * SCALES[:n_properties, None]).ravel()


def make_problem(dim=2, mesh="tensor", n_properties=2, active="all", random_seed=0):
    """A mesh, its active cells (None for all), wires over all properties, and a model."""
    mesh = MESHES[mesh](dim)
    active_cells = None if active == "all" else some_active(mesh)
    n_cells = mesh.n_cells if active_cells is None else int(active_cells.sum())
    return mesh, active_cells, make_wires(n_cells, n_properties), make_model(n_cells, n_properties, random_seed)


# recipes ------------------------------------------------------------------------------------------------
@cache
def blocks():
    """Gravity and magnetics of two blocks, 144 cells under 36 stations."""
    return datasets.load("two_blocks", cell_size=300.0, shape=(6, 6, 4), n_stations=(6, 6), noise=0.06)


def blocks_data(density=None, susceptibility=None):
    """Data sets and simulations of the blocks; maps of one property each if not given."""
    survey, identity = blocks(), maps.IdentityMap(nP=blocks().mesh.n_cells)
    simulations = [
        gravity.Simulation3DIntegral(survey.mesh, survey=survey.gravity.survey(), rhoMap=density or identity),
        magnetics.Simulation3DIntegral(
            survey.mesh, survey=survey.magnetics.survey(), chiMap=susceptibility or identity
        ),
    ]
    return [survey.gravity.data(), survey.magnetics.data()], simulations


def joint(**options):
    """A joint inversion of the blocks."""
    mesh = blocks().mesh
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    pairs = zip(*blocks_data(wires.density, wires.susceptibility), strict=True)
    misfits = [data_misfit.L2DataMisfit(data=data, simulation=simulation) for data, simulation in pairs]
    options = {"bounds": {"susceptibility": (0.0, np.inf)}, "cg_iterations": 20, "max_iterations": 6} | options
    return partial(recipes.create_joint_inversion, mesh, misfits, wires, **options)


def implicit(create, **options):
    """An inversion of the blocks for a small network."""
    n_outputs = options.get("units", 1 if create is recipes.create_inr_ensemble else 2)
    network = networks.ImplicitNetwork(3, n_outputs, width=8, depth=2, activation="gelu", random_seed=0)
    options = {"bounds": [(-1.0, 1.0), (0.0, 0.2)], "network": network} | options
    return partial(create, *blocks_data(), **options)


def learned_prior():
    """An inversion of the blocks with a decoder too small to have learned anything."""
    decoder = networks.GeologyVAE(shape=(8, 8, 8), n_latent=8, n_bodies=4, width=8)
    options = {"decoder": decoder, "n_candidates": 2, "n_starts": 1, "max_iterations": 3}
    return partial(recipes.create_prior_inversion, *blocks_data(), **options)


def of_network(create, **options):
    """An inversion of the blocks that starts from a network that has learned nothing."""
    network = networks.GravMagUNet(widths=(4, 8), n_lifted=4, random_seed=3).eval().requires_grad_(False)
    return partial(create, *blocks_data(), network=network, **options)


def soundings(**options):
    """Two soundings over five layers."""
    log_rho = np.array([[1.5, 2.0, 1.0, 2.5, 1.5], [2.0, 1.5, 2.5, 1.0, 2.0]])
    thicknesses = 100.0 * 2.0 ** np.arange(4)
    made = synthetic.make_soundings(10.0**log_rho, thicknesses, np.logspace(-1, 3, 12), noise=0.03, random_seed=0)
    return partial(recipes.create_mt_inversion, made.floored(0.05), thicknesses=thicknesses, device="cpu", **options)


def mt_network():
    """Layers from a network that has learned nothing."""
    return networks.MT1DUNet(widths=(8, 8), n_nodes=32, n_hidden=8).requires_grad_(False)


_HEADS = recipes.FineTuning(trained=["layers.head.*"], dtype="float32")
_TRAINING = recipes.Training(trained=["layers.head.*"], dtype="float32")
_ANCHOR = recipes.Anchor(target="prediction")
_CELLS = recipes.CellOptions(max_iterations=3)

RECIPES = {
    "joint": partial(joint, couplings=CrossGradient),
    "joint, sparse, cooperative": partial(
        joint, couplings=CrossGradient, strategy="cooperative", norms=(0, 1, 1, 1), max_iterations=1
    ),
    "joint, data space": partial(
        joint, preconditioner="data-space", coupling_ratios=2.0, couplings=windowed(Gramian, 3)
    ),
    "implicit, free": partial(implicit, recipes.create_inr_inversion, max_iterations=1),
    "implicit, units": partial(
        implicit, recipes.create_inr_inversion, units=1, max_iterations=4, couplings=CrossGradient
    ),
    "implicit, ensemble": partial(implicit, recipes.create_inr_ensemble, n_members=2, max_iterations=4),
    "learned prior": learned_prior,
    "fine-tuned": partial(
        of_network,
        recipes.create_finetuned_inversion,
        tuning=_HEADS,
        anchor=_ANCHOR,
        chifact=3.0,
        max_iterations=2,
        couplings=CrossGradient,
    ),
    "warm-started": partial(of_network, recipes.create_warm_started_inversion, cells=_CELLS, dtype="float32"),
    "retraining": partial(
        of_network, recipes.create_retraining, training=_TRAINING, cells=_CELLS, rounds=2, tolerance=1e-6
    ),
    "soundings": lambda: soundings(network=mt_network()),
    "soundings, half-space": partial(soundings, start="halfspace"),
}
