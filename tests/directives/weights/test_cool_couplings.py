"""The trade-off parameter of couplings over a network: its first value, and when it is divided."""

import numpy as np
import pytest

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem

KIND = directives.CoolCouplings


def standing(directive, model=None):
    """An inversion with a cross-gradient only, at a model, with the directive initialized there."""
    problem = make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    inversion = problem.inversion([1.0 * coupling], [directive], beta=0.0)
    model = structured(problem) if model is None else model
    inversion.invProb.startup(model)
    inversion.opt.xc = model
    directive.initialize()
    return problem, inversion


def structured(problem):
    return problem.truth * (1.0 + 0.3 * np.random.default_rng(0).standard_normal(problem.truth.size))


def trace(function, model):
    product = function.deriv2(model, np.eye(model.size)[0])
    assert product.shape == model.shape
    return sum(function.deriv2(model, unit)[i] for i, unit in enumerate(np.eye(model.size)))


def step(directive, inversion, iteration, chi):
    misfits = inversion.invProb.dmisfit.objfcts
    inversion.invProb.dpred = np.concatenate(
        [m.data.dobs + value**0.5 * m.data.standard_deviation for m, value in zip(misfits, chi, strict=True)]
    )
    inversion.opt.iter = iteration
    directive.endIter()


def test_begins_at_the_ratio_of_the_traces():
    directive = KIND(0.5)
    problem, inversion = standing(directive)
    model = structured(problem)
    wanted = 0.5 * trace(inversion.invProb.dmisfit, model) / trace(inversion.invProb.reg, model)
    assert inversion.invProb.beta == pytest.approx(wanted, rel=0.3)  # four random vectors


def test_is_proportional_to_the_ratio_and_the_same_every_time():
    betas = [standing(KIND(ratio))[1].invProb.beta for ratio in (0.1, 0.1, 1.0)]
    assert betas[0] == betas[1]
    assert betas[2] == pytest.approx(10.0 * betas[0])


def test_waits_for_structure():
    directive = KIND()
    problem = make_joint_problem()
    _, inversion = standing(directive, problem.start)
    assert inversion.invProb.beta == 0.0
    inversion.opt.xc = structured(problem)
    step(directive, inversion, 1, (5.0, 5.0))
    assert inversion.invProb.beta == pytest.approx(standing(KIND())[1].invProb.beta)


def test_it_is_divided_every_few_iterations_until_all_data_are_fitted():
    directive = KIND(cooling=4.0, rate=3, chifact=[1.0, 2.0])
    _, inversion = standing(directive)
    first, betas = inversion.invProb.beta, []
    for iteration in range(1, 10):
        step(directive, inversion, iteration, (1.0, 2.1 if iteration < 9 else 1.9))
        betas.append(inversion.invProb.beta / first)
    np.testing.assert_allclose(betas, [1, 1, 1 / 4, 1 / 4, 1 / 4, 1 / 16, 1 / 16, 1 / 16, 1 / 16])


def test_a_term_is_weakened_only_by_its_own_data():
    problem = make_joint_problem()
    terms = [1.0 * regularization.CrossGradient(problem.mesh, problem.wires) for _ in range(3)]
    directive = KIND(rate=1, data=[[0], [1], []])
    inversion = problem.inversion(terms, [directive], beta=0.0)
    inversion.invProb.startup(structured(problem))
    inversion.opt.xc = structured(problem)
    directive.initialize()
    beta = inversion.invProb.beta
    for chi in ((2.0, 0.9), (2.0, 2.0), (0.9, 0.9)):
        step(directive, inversion, 1, chi)
    assert inversion.invProb.beta == beta
    assert list(inversion.invProb.reg.multipliers) == [0.25, 0.5, 1.0]


def test_data_must_have_one_entry_per_term():
    with pytest.raises(ValueError, match=r"CoolCouplings.data: got 2, wanted one per term, 1"):
        standing(KIND(data=[[0], [1]]))


def test_a_checkpoint_keeps_whether_couplings_have_begun():
    directive, other = KIND(), KIND()
    _, inversion = standing(directive)
    other.inversion = inversion
    other.restore_checkpoint_state(directive.checkpoint_state())
    beta = inversion.invProb.beta
    step(other, inversion, 1, (5.0, 5.0))
    assert inversion.invProb.beta == beta


@pytest.mark.parametrize(
    "options", [{"ratio": 0.0}, {"ratio": np.nan}, {"cooling": 1.0}, {"rate": 0}], ids=lambda one: next(iter(one))
)
def test_bad_input(options):
    with pytest.raises(ValueError, match=r"CoolCouplings\.(ratio|cooling|rate): got .*, wanted a"):
        KIND(**options)


def test_targets_are_one_per_data_set():
    with pytest.raises(ValueError, match=r"CoolCouplings.chifact: got shape \(3,\), wanted .* 2 of them"):
        standing(KIND(chifact=[1.0, 1.0, 1.0]))
