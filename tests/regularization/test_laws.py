"""Laws every coupling obeys, before any stored number."""

import discretize
import numpy as np
import pytest
from simpeg import maps
from simpeg import regularization as simpeg_regularization

from simpeg_jointdl.regularization import CrossGradient, Gramian, GuidedFuzzyCMeans, LocalPearson
from tests.registry import COUPLINGS, MESHES, make_model, make_problem, make_wires

NORMALIZED = [name for name in COUPLINGS if "raw" not in name and "clusters" not in name and name != "cross-gradient"]
SCALE_FREE = [name for name in NORMALIZED if "log" not in name]
STRUCTURAL = [name for name in COUPLINGS if "gramian" in name or "gradient" in name or "pearson" in name]


def unit_square(kind):
    if kind == "tensor":
        return discretize.TensorMesh([32, 32])
    mesh = discretize.TreeMesh([8, 8], diagonal_balance=False)
    mesh.refine(2, finalize=False)
    mesh.insert_cells(np.array([[0.3, 0.3], [0.6, 0.8], [0.9, 0.4], [0.4, 0.6]]), [3] * 4, finalize=True)
    return mesh


@pytest.mark.parametrize("kind", MESHES)
@pytest.mark.parametrize("dim", [2, 3])
def test_proportional_models_cost_nothing(dim, kind):
    mesh, active_cells, wires, model = make_problem(dim, kind, 2, "some")
    first = model[: len(model) // 2]
    coupling = CrossGradient(mesh, wires, active_cells=active_cells)
    proportional = np.r_[first, -7.0 * first]
    assert coupling(proportional) < 1e-28 * coupling(model)
    assert np.abs(coupling.deriv(proportional)).max() < 1e-13 * np.abs(coupling.deriv(model)).max()


@pytest.mark.parametrize("kind", MESHES)
@pytest.mark.parametrize(("a1", "a2"), [(1.0, 2.0), (-0.5, 3.0), (2.0, 0.0)])
def test_linear_models_on_the_unit_square(kind, a1, a2):
    mesh = unit_square(kind)
    x, y = mesh.cell_centers.T
    model, wires = np.r_[a1 * x + a2 * y, a2 * x - a1 * y], make_wires(mesh.n_cells, 2)
    assert CrossGradient(mesh, wires)(model) == pytest.approx((a1**2 + a2**2) ** 2, rel=1e-12)


def test_where_simpeg_cross_gradient_differs():
    """Border half-weights and hanging faces bend its value, and no weight reaches it; ours is 25, and 2500."""
    values = {}
    for kind in MESHES:
        mesh = unit_square(kind)
        x, y = mesh.cell_centers.T
        model, wires = np.r_[x + 2 * y, 2 * x - y], make_wires(mesh.n_cells, 2)
        for factor in (1.0, 100.0):
            weights = {"own": np.full(mesh.n_cells, factor)}
            theirs = simpeg_regularization.CrossGradient(mesh, wires)
            theirs.set_weights(**weights)
            values[kind, factor] = theirs(model)
            assert CrossGradient(mesh, wires, weights=weights)(model) == pytest.approx(25 * factor, rel=1e-12)
    assert values["tensor", 1.0] == pytest.approx(23.46, abs=0.01)
    assert abs(values["tree", 1.0] - 25) > 1
    assert values["tensor", 100.0] == values["tensor", 1.0]


@pytest.mark.parametrize("n_properties", [2, 3])
@pytest.mark.parametrize(("dim", "kind"), [(2, "tensor"), (2, "tree"), (3, "tensor"), (3, "tree")])
def test_pointwise_gradient_gramian_is_the_squared_cross_gradient(dim, kind, n_properties):
    mesh, active_cells, wires, model = make_problem(dim, kind, n_properties, "some")
    cross = CrossGradient(mesh, wires, active_cells=active_cells)
    gramian = Gramian(mesh, wires, window=(1,) * dim, normalized=False, active_cells=active_cells)
    assert gramian(model) == pytest.approx(cross(model), rel=1e-12)
    wanted = cross.deriv(model)
    np.testing.assert_allclose(gramian.deriv(model), wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("n_properties", [2, 3])
def test_local_pearson_is_the_centered_normalized_identity_gramian(n_properties):
    mesh, _, wires, model = make_problem(2, "tree", n_properties)
    options = dict(window=(3, 3), overlap=0.5, floor=0.1)
    pearson = LocalPearson(mesh, wires, **options)
    gramian = Gramian(mesh, wires, operator="identity", centered=True, normalized=True, **options)
    assert pearson(model) == gramian(model)
    np.testing.assert_array_equal(pearson.deriv(model), gramian.deriv(model))


@pytest.mark.parametrize("name", SCALE_FREE)
def test_normalized_forms_do_not_know_units(name):
    mesh, _, wires, model = make_problem(2, "tensor", 2)
    coupling, n = COUPLINGS[name](mesh, wires), mesh.n_cells
    assert coupling(np.r_[1e4 * model[:n], -1e-3 * model[n:]]) == pytest.approx(coupling(model), rel=1e-10)


@pytest.mark.parametrize("name", [name for name in SCALE_FREE if "pearson" in name or "centered" in name])
def test_centered_forms_do_not_know_offsets(name):
    mesh, _, wires, model = make_problem(2, "tensor", 2)
    coupling, n = COUPLINGS[name](mesh, wires), mesh.n_cells
    assert coupling(np.r_[model[:n] + 10.0, model[n:]]) == pytest.approx(coupling(model), rel=1e-10)


@pytest.mark.parametrize("name", [name for name in COUPLINGS if "centered" in name and "log" in name])
def test_power_laws_cost_nothing_to_the_centered_log(name):
    mesh, _, wires, model = make_problem(2, "tree", 2)
    coupling, first = COUPLINGS[name](mesh, wires), model[: mesh.n_cells]
    assert coupling(np.r_[first, 310.0 * first**0.25]) < 1e-12 * coupling(model)


@pytest.mark.parametrize("n_properties", [2, 3])
@pytest.mark.parametrize("name", STRUCTURAL)
def test_uniform_models_cost_nothing_anywhere(name, n_properties):
    mesh, _, wires, _ = make_problem(2, "tree", n_properties)
    coupling = COUPLINGS[name](mesh, wires)
    model = np.repeat([2.7, 5.1, 0.3][:n_properties], mesh.n_cells)
    varied = make_model(mesh.n_cells, n_properties)
    v = np.random.default_rng(0).standard_normal(len(model))
    assert coupling(model) <= 1e-12 * coupling(varied)
    for what in (coupling.deriv, coupling.cell_values, coupling.residual):
        assert np.abs(what(model)).max() <= 1e-12 * np.abs(what(varied)).max()
    assert np.isfinite(coupling.deriv2(model, v)).all()
    assert np.isfinite(coupling.hessian_diagonal(model)).all()


@pytest.mark.parametrize("name", ["pearson", "pearson, wide, no floor", "gramian, identity, raw, centered windows"])
def test_constant_windows_cost_nothing_and_have_no_gradient(name):
    mesh, _, wires, model = make_problem(2, "tensor", 2)
    n, left = mesh.n_cells, mesh.cell_centers[:, 0] < 4
    for constant in (0, 1):  # first one property, then both
        some = slice(constant * n, (constant + 1) * n)
        model[some] = np.where(left, 2.7, model[some])
        coupling = COUPLINGS[name](mesh, wires)
        inside = mesh.cell_centers[:, 0] < 1  # all windows of these lie in the constant part
        gradient = coupling.deriv(model).reshape(2, n)
        if name == "pearson":  # through the floor, the other property's variance still counts elsewhere
            gradient = gradient[: constant + 1]
        for what in (coupling.cell_values(model)[None], gradient):
            assert np.abs(what[:, inside]).max() <= 1e-12 * np.abs(what).max()
        assert coupling(model) > 0


@pytest.mark.parametrize(
    "name", ["pearson", "gramian, identity, centered", "gramian, gradient", "gramian, gradient, windows"]
)
def test_dependent_noisy_and_independent_pairs_come_in_order(name):
    mesh = discretize.TensorMesh([16, 16])
    x, y = mesh.cell_centers.T
    rng = np.random.default_rng(4)
    first, noise = np.sin(5 * x) * np.cos(3 * y), rng.standard_normal(mesh.n_cells)
    coupling = COUPLINGS[name](mesh, make_wires(mesh.n_cells, 2))
    pairs = [3 * first, 3 * first + 0.02 * noise, 3 * first + 0.3 * noise, np.cos(7 * y) * np.sin(4 * x + 1)]
    values = [coupling(np.r_[first, second]) for second in pairs]
    assert values[0] < 1e-10 * values[-1]
    assert values == sorted(values)


REFINED = {
    "identity": lambda mesh, wires, k: Gramian(mesh, wires, operator="identity", window=(2 * k, 2 * k)),
    "log, overlap": lambda mesh, wires, k: Gramian(mesh, wires, operator="log", window=(2 * k, 2 * k), overlap=0.5),
    "raw": lambda mesh, wires, k: Gramian(mesh, wires, operator="identity", window=(2 * k, 2 * k), normalized=False),
    "all": lambda mesh, wires, k: Gramian(mesh, wires, operator="identity", pairwise=False),
    "pearson": lambda mesh, wires, k: LocalPearson(mesh, wires, window=(2 * k, 2 * k)),
    "clusters": lambda mesh, wires, k: GuidedFuzzyCMeans(mesh, wires, [[0.5, 10, 0.1], [2, 50, 0.3]]),
}


@pytest.mark.parametrize("name", REFINED)
def test_halving_every_cell_changes_nothing(name):
    """The same blocks in four times as many cells: volumes count, numbers of cells do not."""
    coarse = discretize.TensorMesh([np.array([1, 2, 1, 1.0]), np.array([1, 1, 3.0])])
    fine = discretize.TensorMesh([np.repeat(h / 2, 2) for h in coarse.h])
    model = make_model(coarse.n_cells, 3)
    blocks = model.reshape(3, *coarse.shape_cells[::-1]).repeat(2, axis=1).repeat(2, axis=2)
    values = [
        REFINED[name](mesh, make_wires(mesh.n_cells, 3), k)(m)
        for mesh, k, m in ((coarse, 1, model), (fine, 2, blocks.ravel()))
    ]
    assert values[1] == pytest.approx(values[0], rel=1e-12)


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("n", [3, 8, 20])
def test_cross_gradient_of_linear_models_does_not_know_the_cell_size(n, normalized):
    mesh = discretize.TensorMesh([np.full(n, 6.0 / n), np.full(5, 0.4), np.full(4, 0.5)])
    x, y, z = mesh.cell_centers.T
    model, wires = np.r_[x + y - z, 2 * x + 3 * z], maps.Wires(("a", mesh.n_cells), ("b", mesh.n_cells))
    square = np.sum(np.cross([1, 1, -1], [2, 0, 3]) ** 2)
    wanted = 24 * square / (3 * 13) if normalized else 24 * square
    options = dict(normalized=True, floor=0.0) if normalized else {}
    assert CrossGradient(mesh, wires, **options)(model) == pytest.approx(wanted, rel=1e-12)


def test_default_windows_of_pearson_fit_the_dimension():
    for shape, window in (((12, 10), (8, 6)), ((9, 9, 7), (8, 8, 6))):
        mesh = discretize.TensorMesh(list(shape))
        wires = maps.Wires(("first", mesh.n_cells), ("second", mesh.n_cells))
        model = np.random.default_rng(0).normal(size=2 * mesh.n_cells)
        assert LocalPearson(mesh, wires)(model) == LocalPearson(mesh, wires, window=window)(model)
