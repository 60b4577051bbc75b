"""Values against the formulas written out in dense numpy, to 1e-12."""

import numpy as np
import pytest

from simpeg_jointdl.regularization import CrossGradient, Gramian, GuidedFuzzyCMeans, LocalPearson
from tests.registry import make_problem
from tests.regularization import oracles

SITUATIONS = [(2, "tensor", 2, "some"), (2, "tree", 3, "all"), (3, "tensor", 3, "some"), (3, "tree", 2, "some")]
GRAMIANS = {
    "gradient": dict(),
    "gradient, raw": dict(normalized=False),
    "gradient, windows": dict(window=2),
    "gradient, raw, overlap": dict(window=3, overlap=0.5, normalized=False),
    "gradient, pointwise": dict(window=1),
    "gradient, no floor": dict(window=2, floor=0.0),
    "gradient, all at once": dict(window=2, pairwise=False),
    "identity": dict(operator="identity"),
    "identity, windows": dict(operator="identity", window=2, overlap=0.5, floor=0.2),
    "identity, centered": dict(operator="identity", centered=True),
    "identity, centered windows": dict(operator="identity", window=3, overlap=0.7, centered=True),
    "identity, all at once": dict(operator="identity", pairwise=False),
    "identity, all at once, centered": dict(operator="identity", window=3, pairwise=False, centered=True),
    "identity, all at once, raw": dict(operator="identity", window=3, pairwise=False, normalized=False),
    "log": dict(operator="log"),
    "log, centered windows, raw": dict(operator="log", window=2, centered=True, normalized=False),
    "laplacian": dict(operator="laplacian"),
    "laplacian, windows": dict(operator="laplacian", window=2, overlap=0.5),
    "laplacian, centered": dict(operator="laplacian", centered=True, normalized=False),
}


class Problem:
    """A coupling's inputs, with one weight for all properties and one for each, and its oracle's."""

    def __init__(self, situation, device):
        self.mesh, active, self.wires, self.model = make_problem(*situation)
        self.cells = oracles.Cells(self.mesh, active)
        self.properties = self.model.reshape(situation[2], -1)
        rng = np.random.default_rng(2)
        shared, own = rng.uniform(0.5, 2, self.cells.n), rng.uniform(0.2, 3, self.properties.shape[::-1])
        self.weights = shared[:, None] * own  # (n_cells, n_properties)
        self.options = dict(active_cells=active, weights={"shared": shared, "own": own}, device=device)

    def window(self, options):
        size = options.get("window")
        return options if size is None else {**options, "window": (size,) * self.mesh.dim}


@pytest.fixture(params=SITUATIONS, ids=lambda s: "-".join(map(str, s)))
def problem(request, device):
    return Problem(request.param, device)


def assert_value(coupling, problem, wanted):
    assert coupling(problem.model) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("options", [{}, dict(normalized=True), dict(normalized=True, floor=0.7)], ids=str)
def test_cross_gradient(problem, options):
    coupling = CrossGradient(problem.mesh, problem.wires, **options, **problem.options)
    assert_value(
        coupling, problem, oracles.cross_gradient(problem.cells, problem.properties, problem.weights, **options)
    )


@pytest.mark.parametrize("name", GRAMIANS)
def test_gramian(problem, name):
    options = problem.window(GRAMIANS[name])
    coupling = Gramian(problem.mesh, problem.wires, **options, **problem.options)
    assert_value(coupling, problem, oracles.gramian(problem.cells, problem.properties, problem.weights, **options))


@pytest.mark.parametrize("options", [dict(window=2), dict(window=3, overlap=0.0), dict(window=3, floor=0.3)], ids=str)
def test_local_pearson_is_a_centered_gramian(problem, options):
    options = problem.window({"overlap": 0.5, **options})
    coupling = LocalPearson(problem.mesh, problem.wires, **options, **problem.options)
    wanted = oracles.gramian(
        problem.cells, problem.properties, problem.weights, operator="identity", centered=True, **options
    )
    assert_value(coupling, problem, wanted)


def test_local_pearson_without_floor_is_the_weighted_correlation(problem):
    window = (3,) * problem.mesh.dim
    coupling = LocalPearson(problem.mesh, problem.wires, window=window, floor=0.0, **problem.options)
    assert_value(coupling, problem, oracles.pearson(problem.cells, problem.properties, problem.weights, window))


@pytest.mark.parametrize(
    "options", [dict(), dict(fuzziness=1.4, guidance=0.0), dict(fuzziness=3.0, guidance=[0.5, 2.0])], ids=str
)
def test_fuzzy_cmeans(problem, options):
    n = problem.wires.nP // problem.cells.n
    targets = np.array([[0.6, 20.0, 0.1], [1.5, 40.0, 0.4]])[:, :n]
    centers = targets * [[1.1], [0.9]]
    coupling = GuidedFuzzyCMeans(problem.mesh, problem.wires, targets, **options, **problem.options)
    coupling.centers = centers
    wanted = oracles.fuzzy_cmeans(
        problem.properties,
        problem.weights,
        problem.cells.volumes,
        centers,
        targets,
        scales=np.ptp(targets, axis=0),
        guidance=np.broadcast_to(options.get("guidance", 1.0), 2),
        fuzziness=options.get("fuzziness", 2.0),
    )
    assert_value(coupling, problem, wanted)


def test_cell_values_of_the_cross_gradient(problem):
    coupling = CrossGradient(problem.mesh, problem.wires, **problem.options)
    wanted = np.zeros(problem.cells.n)
    gradients = [problem.cells.gradient(p) for p in problem.properties]
    for a in range(len(gradients)):
        for b in range(a):
            dot = [np.sum(gradients[i] * gradients[j], axis=1) for i, j in ((a, a), (b, b), (a, b))]
            w = problem.cells.volumes * oracles.pair_weights(problem.weights, (a, b))
            wanted += w * (dot[0] * dot[1] - dot[2] ** 2)  # the dot-product form of the same square
    np.testing.assert_allclose(coupling.cell_values(problem.model), wanted, rtol=1e-9, atol=1e-12 * wanted.max())
