"""Weights reach every coupling, and so do volumes."""

import discretize
import numpy as np
import pytest

from simpeg_jointdl.regularization import CrossGradient, Gramian, LocalPearson
from tests.registry import COUPLINGS, make_model, make_problem, make_wires

PAIRS = {
    "cross-gradient": CrossGradient,
    "gramian": lambda mesh, wires, **options: Gramian(mesh, wires, window=(2, 2), **options),
    "pearson": lambda mesh, wires, **options: LocalPearson(mesh, wires, window=(3, 3), **options),
}


@pytest.mark.parametrize("name", COUPLINGS)
def test_value_is_proportional_to_a_common_factor(name):
    mesh, active_cells, wires, model = make_problem(2, "tree", 3, "some")
    n = wires.nP // 3
    weights = np.random.default_rng(0).uniform(0.1, 2.0, n)
    values = []
    for factor in (1.0, 100.0):
        coupling = COUPLINGS[name](mesh, wires, active_cells=active_cells, weights={"own": factor * weights})
        values.append(coupling(model))
    assert values[1] == pytest.approx(100 * values[0], rel=1e-10)
    assert values[0] != pytest.approx(COUPLINGS[name](mesh, wires, active_cells=active_cells)(model), rel=1e-3)


@pytest.mark.parametrize("name", COUPLINGS)
def test_weights_are_set_replaced_and_removed_at_once(name):
    mesh, _, wires, model = make_problem(2, "tensor", 2)
    coupling, weights = COUPLINGS[name](mesh, wires), np.linspace(0.5, 2.0, mesh.n_cells)
    plain = coupling(model)
    coupling.set_weights(own=weights)
    weighted = coupling(model)
    assert weighted == pytest.approx(COUPLINGS[name](mesh, wires, weights={"own": weights})(model), rel=1e-12)
    coupling.set_weights(own=np.ones(mesh.n_cells))
    assert coupling(model) == pytest.approx(plain, rel=1e-12)
    coupling.set_weights(own=weights)
    coupling.remove_weights("own")
    assert coupling(model) == plain != weighted


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_take_the_geometric_mean_of_their_own_weights(name):
    mesh, _, wires, model = make_problem(2, "tree", 3)
    n = mesh.n_cells
    weights = np.random.default_rng(0).uniform(0.1, 2.0, (n, 3))
    wanted = 0.0
    for pair in ((0, 1), (0, 2), (1, 2)):
        of_pair = {"own": np.sqrt(weights[:, pair].prod(axis=1))}
        wanted += PAIRS[name](mesh, make_wires(n, 2), weights=of_pair)(model.reshape(3, n)[list(pair)].ravel())
    assert PAIRS[name](mesh, wires, weights={"own": weights})(model) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("name", COUPLINGS)
def test_a_cell_of_weight_zero_is_left_alone(name):
    mesh, _, wires, model = make_problem(2, "tensor", 2)
    weights = np.ones(mesh.n_cells)
    weights[[3, 17, 18]] = 0.0
    coupling = COUPLINGS[name](mesh, wires, weights={"own": weights})
    assert not coupling.cell_values(model)[[3, 17, 18]].any()
    for what in (coupling.deriv(model), coupling.hessian_diagonal(model), coupling.deriv2(model, model)):
        assert np.isfinite(what).all()


@pytest.mark.parametrize("name", COUPLINGS)
def test_all_weights_zero_cost_nothing(name):
    mesh, _, wires, model = make_problem(2, "tensor", 3)
    coupling = COUPLINGS[name](mesh, wires, weights={"own": np.zeros(mesh.n_cells)})
    assert coupling(model) == 0.0
    for what in (coupling.deriv(model), coupling.hessian_diagonal(model), coupling.deriv2(model, model)):
        np.testing.assert_array_equal(what, 0.0)


WITHOUT_DERIVATIVES = [name for name in COUPLINGS if not ("gradient" in name or "laplacian" in name)]


@pytest.mark.parametrize("name", WITHOUT_DERIVATIVES)
def test_a_stretched_mesh_counts_its_volume(name):
    mesh, _, wires, model = make_problem(2, "tensor", 2)
    stretched = discretize.TensorMesh([3 * mesh.h[0], mesh.h[1]])
    values = [COUPLINGS[name](one, wires)(model) for one in (mesh, stretched)]
    assert values[1] == pytest.approx(3 * values[0], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "power"), [("cross-gradient", 4), ("gramian, gradient, raw", 4), ("gramian, gradient", 0)]
)
def test_a_scaled_mesh_scales_gradients(name, power):
    """Volumes grow with the square of the length in 2-D, products of two gradients fall with its fourth power."""
    mesh, _, wires, model = make_problem(2, "tree", 2)
    scaled = discretize.TreeMesh([3 * h for h in mesh.h], diagonal_balance=False)
    scaled.insert_cells(3 * mesh.cell_centers, mesh.cell_levels_by_index(np.arange(mesh.n_cells)), finalize=True)
    np.testing.assert_allclose(scaled.cell_centers, 3 * mesh.cell_centers)
    values = [COUPLINGS[name](one, wires)(model) for one in (mesh, scaled)]
    assert values[1] == pytest.approx(values[0] * 3.0 ** (2 - power), rel=1e-11)


def test_volumes_are_weights_too():
    mesh, _, wires, _ = make_problem(2, "tensor", 2)
    model = make_model(mesh.n_cells, 2)
    coupling = COUPLINGS["cross-gradient"](mesh, wires)
    by_cell = coupling.cell_values(model) / mesh.cell_volumes
    coupling.set_weights(volume=np.ones(mesh.n_cells))
    np.testing.assert_allclose(coupling.cell_values(model), by_cell, rtol=1e-12)
