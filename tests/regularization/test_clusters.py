"""Guided fuzzy c-means: memberships, centres and what holds them."""

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import maps

from simpeg_jointdl.regularization import GuidedFuzzyCMeans
from tests.registry import make_problem
from tests.regularization import oracles

TARGETS = np.array([[0.6, 20.0], [1.1, 35.0], [1.7, 50.0]])
SCALES = np.array([0.5, 20.0])


@pytest.fixture
def problem():
    mesh, active_cells, wires, model = make_problem(2, "tree", 2, "some")
    cells = oracles.Cells(mesh, active_cells)
    weights = np.random.default_rng(1).uniform(0.3, 2.0, (cells.n, 2))

    def make(centers=TARGETS, **options):
        return GuidedFuzzyCMeans(
            mesh, wires, centers, scales=SCALES, active_cells=active_cells, weights={"own": weights}, **options
        )

    return make, model, cells, weights


@pytest.mark.parametrize("fuzziness", [1.1, 1.5, 2.0, 4.0])
def test_memberships(problem, fuzziness):
    make, model, cells, weights = problem
    got = make(fuzziness=fuzziness).memberships(model)
    wanted, _ = oracles.memberships(model.reshape(2, -1), weights, cells.volumes, TARGETS, SCALES, fuzziness)
    np.testing.assert_allclose(got.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


def test_gradient_is_that_at_fixed_memberships(problem):
    make, model, cells, weights = problem
    coupling, p, q = make(fuzziness=1.7), model.reshape(2, -1), 1.7
    u, _ = oracles.memberships(p, weights, cells.volumes, TARGETS, SCALES, q)
    wanted = np.zeros_like(p)
    for k, center in enumerate(TARGETS):
        for a in range(2):
            wanted[a] += 2 * weights[:, a] * cells.volumes * u[:, k] ** q * (p[a] - center[a]) / SCALES[a] ** 2
    np.testing.assert_allclose(coupling.deriv(model), wanted.ravel(), rtol=1e-9, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("guidance", [0.0, 1.0, [0.2, 0.0, 5.0], [np.inf, 1.0, 0.0]], ids=str)
def test_update_obeys_its_formula(problem, guidance):
    make, model, cells, weights = problem
    coupling = make(guidance=guidance)
    coupling.centers = TARGETS * 1.2
    p, measure = model.reshape(2, -1), weights * cells.volumes[:, None]
    u, _ = oracles.memberships(p, weights, cells.volumes, TARGETS * 1.2, SCALES)
    wanted = TARGETS.copy()
    for k, strength in enumerate(np.broadcast_to(guidance, 3)):
        for a in range(2):
            if np.isfinite(strength):
                eta = strength * measure[:, a].sum() / 3
                mass = np.sum(measure[:, a] * u[:, k] ** 2)
                moment = np.sum(measure[:, a] * u[:, k] ** 2 * p[a])
                wanted[k, a] = (moment + eta * TARGETS[k, a]) / (mass + eta)
    np.testing.assert_allclose(coupling.update(model), wanted, rtol=1e-12)
    np.testing.assert_array_equal(coupling.targets, TARGETS)


@pytest.mark.parametrize("fuzziness", [1.3, 2.0, 3.0])
@pytest.mark.parametrize("guidance", [0.0, 0.5, [0.0, np.inf, 2.0]], ids=str)
def test_update_never_increases_the_value(problem, guidance, fuzziness):
    make, model, _, _ = problem
    coupling = make(guidance=guidance, fuzziness=fuzziness)
    values = [coupling(model)]
    for _ in range(8):
        coupling.update(model)
        values.append(coupling(model))
    assert (np.diff(values) <= 1e-12 * values[0]).all()
    assert values[-1] < values[0]


def test_fixed_centers_do_not_move(problem):
    make, model, _, _ = problem
    coupling = make(guidance=np.inf)
    np.testing.assert_array_equal(coupling.update(model), TARGETS)


def test_a_free_cluster_without_any_cell_stays(problem):
    make, _, cells, _ = problem
    coupling = make(guidance=0.0)
    on_two = TARGETS[np.arange(cells.n) % 2]  # every cell on the first or the second centre
    np.testing.assert_allclose(coupling.update(on_two.T.ravel()), TARGETS, rtol=1e-12)


def test_cells_on_centers_cost_nothing(problem):
    make, _, cells, _ = problem
    coupling = make()
    model = TARGETS[np.arange(cells.n) % 3].T.ravel()
    assert coupling(model) == 0.0
    np.testing.assert_array_equal(coupling.deriv(model), 0.0)
    np.testing.assert_array_equal(coupling.cell_values(model), 0.0)
    np.testing.assert_allclose(coupling.memberships(model), np.eye(3)[np.arange(cells.n) % 3], atol=1e-12)


def test_cells_sum_to_the_value_while_centers_are_on_target(problem):
    make, model, _, _ = problem
    coupling = make()
    assert coupling.cell_values(model).sum() == pytest.approx(coupling(model), rel=1e-12)
    coupling.centers = TARGETS * 1.2
    assert coupling.cell_values(model).sum() < coupling(model)


def test_a_property_of_no_weight_is_not_moved(problem):
    make, model, cells, _ = problem
    coupling = make()
    coupling.set_weights(own=np.tile([1.0, 0.0], (cells.n, 1)))
    gradient = coupling.deriv(model).reshape(2, -1)
    assert np.abs(gradient[0]).max() > 0
    np.testing.assert_array_equal(gradient[1], 0.0)


def test_centers_are_copies(problem):
    make, model, _, _ = problem
    given = TARGETS.copy()
    coupling = make(given)
    value = coupling(model)
    given[:] = coupling.centers[:] = 0.0
    for handed_out in (coupling.centers, coupling.targets, coupling.scales, coupling.guidance):
        handed_out[:] = 7.0
    assert coupling(model) == value
    np.testing.assert_array_equal(coupling.targets, TARGETS)


def test_new_centers_are_used_at_once(problem):
    make, model, _, _ = problem
    coupling = make(guidance=0.0)
    value = coupling(model)
    coupling.centers = TARGETS + SCALES
    assert coupling(model) == pytest.approx(make(TARGETS + SCALES)(model), rel=1e-12)
    assert coupling(model) != value


@pytest.mark.parametrize("balance", [0.0, 0.5])
@pytest.mark.parametrize("number", [2, 3, 5])
def test_clusters_can_be_replaced_whatever_their_number(problem, number, balance):
    make, model, _, _ = problem
    new = np.random.default_rng(number).uniform([0.5, 15.0], [1.8, 55.0], (number, 2))
    coupling, fresh = make(guidance=0.5, balance=balance), make(new, guidance=0.5, balance=balance)
    coupling(model)
    coupling.set_clusters(new)
    assert coupling.n_clusters == number
    for one in (coupling, fresh):
        one.update(model)
    assert coupling(model) == fresh(model)
    np.testing.assert_array_equal(coupling.deriv(model), fresh.deriv(model))
    np.testing.assert_array_equal(coupling.targets, new)
    other = make(guidance=0.5, balance=balance)
    other.restore_checkpoint_state(coupling.checkpoint_state())
    assert other(model) == coupling(model)
    np.testing.assert_array_equal(other.guidance, coupling.guidance)


def test_bad_clusters_leave_the_old_ones(problem):
    make, model, _, _ = problem
    coupling = make(guidance=[0.5, np.inf, 1.0])
    value = coupling(model)
    with pytest.raises(ValueError, match=r"GuidedFuzzyCMeans\.guidance: .* or 2 of them"):
        coupling.set_clusters(TARGETS[:2])
    with pytest.raises(ValueError, match=r"GuidedFuzzyCMeans\.centers: got one cluster"):
        coupling.set_clusters(TARGETS[:1], 1.0)
    assert coupling(model) == value
    coupling.set_clusters(TARGETS[:2], [np.inf, 0.1])
    np.testing.assert_array_equal(coupling.guidance, [np.inf, 0.1])


# balance ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("balance", [0.5, 1.0])
@pytest.mark.parametrize("fuzziness", [1.3, 2.0, 3.0])
def test_balanced_clusters_obey_the_laws(problem, balance, fuzziness):
    make, model, cells, _ = problem
    coupling = make(balance=balance, fuzziness=fuzziness, guidance=0.5)
    coupling.update(model)
    assert np.ptp(coupling.checkpoint_state()["factors"]) > 0.01
    rng = np.random.default_rng(0)
    v = rng.standard_normal(model.size) * np.repeat(SCALES, cells.n)
    h = 1e-5
    slope = (coupling(model + h * v) - coupling(model - h * v)) / (2 * h)
    assert coupling.deriv(model) @ v == pytest.approx(slope, rel=1e-6)
    residual = coupling.residual(model)
    assert residual @ residual == pytest.approx(coupling(model), rel=1e-12)
    hessian = coupling.deriv2(model, v)
    assert v @ hessian >= 0
    np.testing.assert_allclose(coupling.hessian_diagonal(model) * v, hessian, rtol=1e-9)
    np.testing.assert_allclose(coupling.memberships(model).sum(axis=1), 1.0, rtol=1e-12)
    # memberships minimise the sum: any others, at these factors, cost more
    value = coupling(model)
    coupling.restore_checkpoint_state(coupling.checkpoint_state())
    assert coupling(model) == value


def test_balance_is_off_until_the_first_update_and_by_default(problem):
    make, model, _, _ = problem
    assert make(balance=1.0)(model) == make()(model)
    plain = make(guidance=np.inf)
    plain.update(model)
    assert plain(model) == make(guidance=np.inf)(model)
    for wrong in (-0.1, 1.5, np.nan):
        with pytest.raises(ValueError, match=r"GuidedFuzzyCMeans\.balance"):
            make(balance=wrong)


@pytest.mark.parametrize(("balance", "kept"), [(0.0, False), (0.5, True), (1.0, True)])
def test_a_small_body_keeps_its_volume_if_balanced(balance, kept):
    """A block of 4 % of the cells, blurred to less than half its contrast, beside a large background."""
    mesh = TensorMesh([200, 1])
    wires = maps.Wires(("a", 200), ("b", 200))
    truth = np.zeros(200)
    truth[100:108] = 1.0
    x = np.arange(200.0)
    blur = np.exp(-0.5 * ((x[:, None] - x) / 7.0) ** 2)
    blur /= blur.sum(axis=1, keepdims=True)
    both = np.tile(blur @ truth, 2)
    assert 0.2 < both.max() < 0.5
    coupling = GuidedFuzzyCMeans(mesh, wires, [[0.0, 0.0], [1.0, 1.0]], guidance=np.inf, balance=balance)
    model = both.copy()
    for _ in range(60):  # to the model that is near the blurred one and to the centres
        coupling.update(model)
        diagonal = coupling.hessian_diagonal(model)
        gradient = coupling.deriv(model) + 0.2 * diagonal.mean() * (model - both)
        model = model - gradient / (diagonal + 0.2 * diagonal.mean())
    volume = np.count_nonzero(model[:200] > 0.5)
    assert (volume > 0) == kept
    if kept:
        assert 8 <= volume <= 10  # 8 in truth


def test_strengths_weigh_properties_but_not_memberships(problem):
    make, model, cells, weights = problem
    coupling, p, strengths = make(guidance=np.inf), model.reshape(2, -1), np.array([0.2, 5.0])
    coupling.strengths = strengths
    coupling.update(model)
    u, _ = oracles.memberships(p, weights, cells.volumes, TARGETS, SCALES)
    np.testing.assert_allclose(coupling.memberships(model), u, rtol=1e-9, atol=1e-12)
    elsewhere = model * np.random.default_rng(3).uniform(0.9, 1.1, model.size)
    squares = [np.square((elsewhere.reshape(2, -1) - c[:, None]) / SCALES[:, None]) for c in coupling.centers]
    measure = strengths[:, None] * (weights * cells.volumes[:, None]).T
    wanted = sum((u[:, k] ** 2 * measure * square).sum() for k, square in enumerate(squares))
    assert coupling(elsewhere) == pytest.approx(wanted, rel=1e-9)


def test_held_memberships_make_the_coupling_quadratic(problem):
    make, model, *_ = problem
    coupling = make(guidance=np.inf)
    coupling.strengths = [0.2, 5.0]
    coupling.update(model)
    step = np.random.default_rng(4).standard_normal(model.size) * np.abs(model).mean()
    exact = coupling(model) + coupling.deriv(model) @ step + 0.5 * step @ coupling.deriv2(model, step)
    assert coupling(model + step) == pytest.approx(exact, rel=1e-12)


def test_memberships_are_held_only_with_strengths(problem):
    make, model, *_ = problem
    coupling, free = make(guidance=np.inf), make(guidance=np.inf)
    coupling.hold_memberships(model)
    assert coupling(1.1 * model) == free(1.1 * model)
    coupling.strengths = [0.2, 5.0]
    coupling.hold_memberships(model)
    held = coupling.deriv2(1.1 * model).diagonal()
    np.testing.assert_allclose(held, coupling.deriv2(model).diagonal(), rtol=1e-12)


def test_strengths_and_held_memberships_survive_a_checkpoint(problem):
    make, model, *_ = problem
    coupling, other = make(guidance=np.inf), make(guidance=np.inf)
    coupling.strengths = [0.2, 5.0]
    coupling.update(model)
    other.restore_checkpoint_state(coupling.checkpoint_state())
    assert other(1.1 * model) == coupling(1.1 * model)


@pytest.mark.parametrize("bad", [[1.0], [1.0, 0.0], [1.0, np.nan], [-1.0, 1.0]])
def test_bad_strengths(problem, bad):
    with pytest.raises(ValueError, match=r"strengths: got .*wanted"):
        problem[0]().strengths = bad
