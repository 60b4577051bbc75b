"""Weights of couplings are estimated from spectral norms."""

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import directives as simpeg_directives
from simpeg import maps
from simpeg import regularization as simpeg_regularization

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem


def initialized(problem, terms, *steps, model=None, multipliers=None):
    """The inversion after its directives have been initialized at a model."""
    inversion = problem.inversion(terms, steps)
    if multipliers is not None:
        inversion.invProb.reg.multipliers = multipliers
    inversion.invProb.startup(problem.truth if model is None else model)
    inversion.directiveList.call("initialize")
    return inversion


def structured_model(problem, seed=0):
    rng = np.random.default_rng(seed)
    return problem.truth + 0.1 * np.abs(problem.truth).max() * rng.standard_normal(problem.truth.size)


def dense_norm(term, model, block):
    return np.linalg.norm((term.deriv2(model) @ np.eye(model.size)[:, block])[block], 2)


def test_weight_is_the_ratio_of_spectral_norms():
    problem = make_joint_problem()
    model = structured_model(problem)
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    estimate = directives.EstimateCouplingWeights()
    initialized(problem, [*problem.terms, coupling], estimate, model=model)
    n, ratios = problem.mesh.n_cells, []
    properties = model.reshape(2, n)
    excursion = np.abs(properties - np.median(properties, axis=1, keepdims=True))
    cells = np.flatnonzero((excursion > 0.1 * excursion.max(axis=1, keepdims=True)).any(axis=0))
    for k, term in enumerate(problem.terms):
        block = k * n + cells
        ratios.append(dense_norm(term, model, block) / dense_norm(coupling, model, block))
    np.testing.assert_allclose(estimate.weights, np.sqrt(np.prod(ratios)), rtol=0.2)  # few power iterations


def test_uniform_start_gives_zero_and_no_nan():
    problem = make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    estimate = directives.EstimateCouplingWeights()
    initialized(problem, [*problem.terms, coupling], estimate, model=problem.start)
    assert estimate.weights == [0.0]


def test_the_weight_is_set_as_soon_as_there_is_structure():
    problem = make_joint_problem()
    coupling = regularization.LocalPearson(problem.mesh, problem.wires, window=(4, 4, 3))
    estimate = directives.EstimateCouplingWeights()
    steps = (directives.JointBetaSchedule(), estimate, directives.UpdateJointPreconditioner())
    problem.inversion([*problem.terms, coupling], steps, max_iterations=2).run(problem.start)
    assert estimate.weights[0] > 0


@pytest.mark.parametrize("name", ["cross", "normalized", "gramian", "pearson", "clusters"])
@pytest.mark.parametrize("length", [1.0, 100.0])
def test_strength_does_not_depend_on_units_or_cell_size(name, length):
    """Scaled problems give the same weighted Hessian, relative to the regularization, in scaled units."""
    strengths = []
    for scale, units in ((1.0, (1.0, 1.0)), (length, (1000.0, 1e-3))):
        mesh = TensorMesh([np.full(6, scale), np.full(5, scale), np.full(4, scale)])
        n = mesh.n_cells
        wires = maps.Wires(("first", n), ("second", n))
        rng = np.random.default_rng(3)
        model = np.concatenate([unit * rng.normal(size=n) for unit in units])
        centers = np.array([[0.0, 0.0], [1.0, 1.0]]) * units
        coupling = {
            "cross": lambda: regularization.CrossGradient(mesh, wires),  # noqa: B023
            "normalized": lambda: regularization.CrossGradient(mesh, wires, normalized=True),  # noqa: B023
            "gramian": lambda: regularization.Gramian(mesh, wires),  # noqa: B023
            "pearson": lambda: regularization.LocalPearson(mesh, wires, window=(3, 3, 3)),  # noqa: B023
            "clusters": lambda: regularization.GuidedFuzzyCMeans(mesh, wires, centers),  # noqa: B023
        }[name]()
        terms = [
            simpeg_regularization.WeightedLeastSquares(mesh, mapping=wire, alpha_s=1e-2)
            for wire in (wires.first, wires.second)
        ]
        problem = make_joint_problem()
        # trade-off parameters at which all terms are equally stiff, whatever their units
        multipliers = [unit**-2.0 for unit in units]
        inversion = problem.inversion([*(1.0 * t for t in terms), coupling], [])
        inversion.invProb.reg.multipliers = [*multipliers, 1.0]
        estimate = directives.EstimateCouplingWeights(sensitivity_weights=False)
        estimate.inversion = inversion
        inversion.invProb.model = model
        estimate.initialize()
        total = sum(m * term(model) for m, term in zip(multipliers, terms, strict=True))
        strengths.append(estimate.weights[0] * coupling(model) / total)
    np.testing.assert_allclose(strengths[1], strengths[0], rtol=1e-6)


def test_ratios_scale_each_weight():
    problem = make_joint_problem()
    couplings = [
        regularization.CrossGradient(problem.mesh, problem.wires),
        regularization.Gramian(problem.mesh, problem.wires),
    ]
    weights = []
    for ratios in (1.0, (0.1, 10.0)):
        estimate = directives.EstimateCouplingWeights(ratios)
        # couplings may come anywhere among the terms
        initialized(problem, [couplings[0], *problem.terms, couplings[1]], estimate)
        weights.append(estimate.weights)
    np.testing.assert_allclose(weights[1] / weights[0], (0.1, 10.0), rtol=1e-12)


def test_other_multipliers_stay_as_they_are():
    problem = make_joint_problem(3)
    pairs = [regularization.CrossGradient(problem.mesh, problem.wires) for _ in range(3)]
    estimate = directives.EstimateCouplingWeights()
    inversion = initialized(problem, [*problem.terms, *pairs], estimate, multipliers=[2.0, 3.0, 4.0, 1.0, 1.0, 1.0])
    assert inversion.invProb.reg.multipliers[:3] == [2.0, 3.0, 4.0]
    assert (estimate.weights > 0).all()
    assert len(estimate.weights) == 3


def test_weights_are_estimated_again_only_when_trade_off_parameters_change():
    problem = make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    estimate = directives.EstimateCouplingWeights()
    inversion = initialized(problem, [*problem.terms, coupling], estimate)
    first = estimate.weights
    inversion.invProb.model = 2.0 * problem.truth
    estimate.endIter()
    np.testing.assert_array_equal(estimate.weights, first)
    multipliers = list(inversion.invProb.reg.multipliers)
    inversion.invProb.reg.multipliers = [0.5 * multipliers[0], 0.5 * multipliers[1], multipliers[2]]
    estimate.endIter()
    np.testing.assert_allclose(estimate.weights, first / 8.0, rtol=1e-6)  # halved, at a model twice as large


def test_couplings_get_sensitivity_weights_unless_switched_off():
    problem = make_joint_problem()
    for wanted in (True, False):
        coupling = regularization.GuidedFuzzyCMeans(problem.mesh, problem.wires, [[0, 0], [1.0, 0.05]])
        steps = (
            directives.UpdateJointSensitivityWeights(),
            directives.EstimateCouplingWeights(sensitivity_weights=wanted),
        )
        initialized(problem, [*problem.terms, coupling], *steps)
        assert ("sensitivity" in coupling.weights_keys) is wanted
    coupling = regularization.GuidedFuzzyCMeans(problem.mesh, problem.wires, [[0, 0], [1.0, 0.05]])
    steps = (directives.UpdateJointSensitivityWeights(), directives.EstimateCouplingWeights())
    initialized(problem, [*problem.terms, coupling], *steps)
    handed = coupling.get_weights("sensitivity")
    for k, term in enumerate(problem.terms):
        expected = term.objfcts[0].get_weights("sensitivity")
        np.testing.assert_allclose(handed[:, k], expected / expected.max())


def test_it_also_weighs_simpegs_own_coupling():
    problem = make_joint_problem()
    coupling = simpeg_regularization.CrossGradient(problem.mesh, problem.wires)
    estimate = directives.EstimateCouplingWeights()
    initialized(problem, [*problem.terms, coupling], estimate)
    assert np.isfinite(estimate.weights).all()
    assert estimate.weights[0] > 0


@pytest.mark.parametrize(
    ("make_terms", "ratios", "message"),
    [
        (lambda p, c: p.terms, 1.0, "no coupling"),
        (lambda p, c: [c, c], 1.0, "couplings only"),
        (lambda p, c: [*p.terms, c], -1.0, "ratios"),
        (lambda p, c: [*p.terms, c], (1.0, 2.0), "ratios"),
        (lambda p, c: [*p.terms, c], np.nan, "ratios"),
    ],
)
def test_bad_input(make_terms, ratios, message):
    problem = make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    with pytest.raises(ValueError, match=f"EstimateCouplingWeights.*{message}"):
        initialized(problem, make_terms(problem, coupling), directives.EstimateCouplingWeights(ratios))


@pytest.mark.parametrize(
    "steps",
    [
        lambda: [directives.EstimateCouplingWeights(), directives.UpdateJointSensitivityWeights()],
        lambda: [directives.EstimateCouplingWeights(), directives.JointBetaSchedule()],
        lambda: [directives.UpdateJointPreconditioner(), directives.EstimateCouplingWeights()],
        lambda: [simpeg_directives.UpdatePreconditioner(), directives.JointBetaSchedule()],
    ],
)
def test_wrong_order_is_refused(steps):
    problem = make_joint_problem()
    with pytest.raises(ValueError, match="must stand"):
        problem.inversion([*problem.terms], steps())


def test_a_growing_coupling_grows_while_data_are_fitted_and_is_weakened_otherwise():
    problem = make_joint_problem()
    coupling = regularization.GuidedFuzzyCMeans(problem.mesh, problem.wires, [[0.0, 0.0], [1.0, 0.05]], guidance=np.inf)
    weights = directives.EstimateCouplingWeights(start="fitted", growth=2.0)
    schedule = directives.JointBetaSchedule()
    parts, fits, betas, growths = [], [], [], []

    class Watch(simpeg_directives.InversionDirective):
        def endIter(self):
            parts.append(weights._part if weights._started else 0.0)
            fits.append(bool((schedule.chi <= 1.1).all()))
            betas.append(schedule.betas)
            growths.append(weights._growth)

    steps = [
        directives.UpdateJointSensitivityWeights(),
        schedule,
        weights,
        Watch(),
        directives.UpdateJointPreconditioner(),
    ]
    problem.inversion([*problem.terms, coupling], steps, max_iterations=60).run(problem.start)
    begun = np.flatnonzero(parts)
    assert parts[begun[0]] == pytest.approx(0.01)
    for i in begun[1:]:
        if growths[i] < growths[i - 1]:  # it was weakened, and trade-off parameters stay as they were
            assert parts[i] == pytest.approx(parts[i - 1] / growths[i - 1])
        elif parts[i] != parts[i - 1]:
            assert fits[i]
            assert parts[i] == pytest.approx(min(1.0, growths[i] * parts[i - 1]))
    assert parts[-1] > 0.1
    first = betas[begun[0]]
    assert all((one >= first / 4.5).all() for one in betas[begun[0] : begun[-1]])
    assert weights.settled
    assert (schedule.chi <= 1.0).all()


def test_clusters_are_as_stiff_as_each_propertys_regularization():
    problem = make_joint_problem()
    model, n = structured_model(problem), problem.mesh.n_cells
    coupling = regularization.GuidedFuzzyCMeans(problem.mesh, problem.wires, [[0.0, 0.0], [1.0, 0.05]], guidance=np.inf)
    estimate = directives.EstimateCouplingWeights(ratios=0.3)
    initialized(problem, [*problem.terms, coupling], estimate, model=model, multipliers=[1e-3, 10.0, 1.0])
    assert np.prod(coupling.strengths) == pytest.approx(1.0)
    cells = np.flatnonzero((np.abs(model.reshape(2, n)) > 0.1 * np.abs(model.reshape(2, n)).max(1)[:, None]).any(0))
    for k, beta in enumerate([1e-3, 10.0]):
        block = cells + k * n
        ours = estimate.weights[0] * dense_norm(coupling, model, block)
        assert ours == pytest.approx(0.3 * beta * dense_norm(problem.terms[k], model, block), rel=0.25)


def test_growth_must_be_above_1():
    with pytest.raises(ValueError, match=r"growth: got 1\.0, wanted a finite number above 1"):
        directives.EstimateCouplingWeights(growth=1.0)
