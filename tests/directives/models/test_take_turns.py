"""One property moves while the others are fixed, and couplings begin when `start` says."""

import logging
from itertools import pairwise

import numpy as np
import pytest
from simpeg import inverse_problem, inversion, optimization
from simpeg.directives import InversionDirective

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem


class Watch(InversionDirective):
    """Records what each iteration began with and ended at, after all other directives."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def initialize(self):
        self.rows = [self._row()]

    def endIter(self):
        self.rows.append(self._row())

    def _row(self):
        listed = self.inversion.directiveList.dList
        (schedule,) = (d for d in listed if isinstance(d, directives.JointBetaSchedule))
        weights = [d.weights.copy() for d in listed if isinstance(d, directives.EstimateCouplingWeights)]
        return {
            "model": self.invProb.model.copy(),
            "turn": np.flatnonzero(schedule.steering).tolist(),
            "misfits": list(self.invProb.dmisfit.multipliers),
            "fitted": schedule.fitted,
            "weight": weights[0][0] if weights else 0.0,
            "settled": all(getattr(d, "settled", True) for d in listed if isinstance(d, directives.UpdateJointIRLS)),
        }


def make(problem, *, start="structure", coupled=True, irls=None, max_iterations=150, turns=True, **options):
    watch = Watch()
    coupling = [regularization.CrossGradient(problem.mesh, problem.wires)] if coupled else []
    steps = [directives.UpdateJointSensitivityWeights(), directives.JointBetaSchedule()]
    steps += [irls] if irls else []
    steps += [directives.TakeTurns(**options)] if turns else []
    steps += [directives.EstimateCouplingWeights(start=start)] if coupled else []
    steps += [directives.UpdateJointPreconditioner(), watch]
    made = problem.inversion([*problem.terms, *coupling], steps, max_iterations=max_iterations, bounded=True)
    return made, watch


def find(made, kind):
    (found,) = (d for d in made.directiveList.dList if isinstance(d, kind))
    return found


def block(problem, k):
    n = problem.mesh.n_cells
    return slice(k * n, (k + 1) * n)


# turns ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n_properties", [2, 3])
def test_properties_that_wait_do_not_move_at_all(n_properties):
    problem = make_joint_problem(n_properties)
    made, watch = make(problem, max_rounds=3, tolerance=1e-6, turn_iterations=4)
    made.run(problem.start)
    assert {row["turn"][0] for row in watch.rows} == set(range(n_properties))
    for before, after in zip(watch.rows[:-1], watch.rows[1:], strict=True):
        (mover,) = before["turn"]
        for k in range(n_properties):
            if k != mover:
                np.testing.assert_array_equal(before["model"][block(problem, k)], after["model"][block(problem, k)])
    assert (watch.rows[0]["model"] != watch.rows[-1]["model"])[problem.truth > 0].all()


def test_data_of_properties_that_wait_are_left_out():
    problem = make_joint_problem()
    made, watch = make(problem, max_rounds=1)
    made.run(problem.start)
    for row in watch.rows:
        assert row["misfits"] == [float(k in row["turn"]) for k in (0, 1)]


def test_bounds_and_multipliers_are_restored():
    problem = make_joint_problem()
    misfits = [2.0 * problem.misfits[0], 3.0 * problem.misfits[1]]
    steps = [directives.JointBetaSchedule(), directives.TakeTurns(), directives.UpdateJointPreconditioner()]
    made = problem.inversion(problem.terms, steps, misfits=misfits, bounded=True, max_iterations=60)
    for _ in range(2):  # also after a second run
        made.run(problem.start)
        assert list(made.invProb.dmisfit.multipliers) == [2.0, 3.0]
        np.testing.assert_array_equal(made.opt.lower, np.zeros(problem.start.size))
        np.testing.assert_array_equal(made.opt.upper, np.full(problem.start.size, np.inf))


@pytest.mark.parametrize("order", [None, (1, 0)])
def test_the_first_property_of_a_sequence_is_inverted_as_if_it_were_alone(order):
    problem, other = make_joint_problem(), make_joint_problem()
    sequence, _ = make(problem, order=order)
    k = 0 if order is None else order[0]
    alone = other.inversion(
        other.terms,
        [
            directives.UpdateJointSensitivityWeights(),
            directives.JointBetaSchedule(),
            directives.TakeTurns(order),
            directives.UpdateJointPreconditioner(),
        ],
        max_iterations=150,
        bounded=True,
    )
    found, wanted = sequence.run(problem.start), alone.run(other.start)
    np.testing.assert_array_equal(found[block(problem, k)], wanted[block(problem, k)])
    assert not np.allclose(found[block(problem, 1 - k)], wanted[block(problem, 1 - k)], rtol=1e-2)


def test_every_property_ends_with_its_data_in_the_tolerated_range():
    problem = make_joint_problem(3)
    made, _ = make(problem)
    made.run(problem.start)
    chi = find(made, directives.JointBetaSchedule).chi
    assert ((chi <= 1.0) & (chi > 0.85)).all()


def test_rounds_end_when_nothing_changes_any_more():
    problem = make_joint_problem()
    made, watch = make(problem, max_rounds=30, tolerance=0.05, max_iterations=400)
    made.run(problem.start)
    turns = find(made, directives.TakeTurns)
    assert 2 <= turns.round < 30
    # models at the end of each turn of a property
    passing = [i for i in range(1, len(watch.rows)) if watch.rows[i]["turn"] != watch.rows[i - 1]["turn"]]
    passing.append(len(watch.rows) - 1)
    for k in (0, 1):
        models = [watch.rows[i]["model"][block(problem, k)] for i in passing if watch.rows[i - 1]["turn"] == [k]]
        last, before = models[-1], models[-2]
        assert np.linalg.norm(last - before) <= 0.05 * np.linalg.norm(last - last.mean())


@pytest.mark.parametrize("max_rounds", [1, 2])
def test_there_are_at_most_max_rounds_rounds(max_rounds):
    problem = make_joint_problem()
    made, watch = make(problem, max_rounds=max_rounds, tolerance=1e-9)
    made.run(problem.start)
    order = [row["turn"][0] for row in watch.rows]
    passes = sum(a != b for a, b in pairwise(order))
    assert passes == 2 * max_rounds - 1
    assert find(made, directives.TakeTurns).round == max_rounds


def test_a_turn_that_takes_too_long_ends_with_a_warning(caplog):
    problem = make_joint_problem()
    made, watch = make(problem, turn_iterations=3)
    logging.getLogger("SimPEG").propagate = True
    made.run(problem.start)
    assert made.opt.iter == 6
    assert [row["turn"][0] for row in watch.rows] == [0, 0, 0, 1, 1, 1, 1]
    assert "turn of property 0 ended after 3 iterations, though its data were not fitted" in caplog.text


# when couplings begin ---------------------------------------------------------------------------------------
def begin(watch):
    return next(i for i, row in enumerate(watch.rows) if row["weight"] > 0.0)


def sparse_problem():
    problem = make_joint_problem(sparse=True)
    for term in problem.terms:
        term.norms = [0.0, 1.0, 1.0, 1.0]
    return problem


@pytest.mark.parametrize("turns", [False, True])
def test_couplings_begin_with_the_first_structure(turns):
    problem = make_joint_problem()
    made, watch = make(problem, turns=turns)
    made.run(problem.start)
    n = problem.mesh.n_cells
    at = begin(watch)
    spans = [np.ptp(watch.rows[i]["model"].reshape(2, n), axis=1) for i in (at - 1, at)]
    assert (spans[0] == 0.0).any()
    assert (spans[1] > 0.0).all()


@pytest.mark.parametrize("turns", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_couplings_begin_once_all_data_are_fitted(turns, sparse):
    """With turns this is in the last turn of the first round, not in the turn of the first property."""
    problem = sparse_problem() if sparse else make_joint_problem()
    irls = directives.UpdateJointIRLS(n_steps=5) if sparse else None
    made, watch = make(problem, start="fitted", turns=turns, irls=irls)
    made.run(problem.start)
    assert begin(watch) == next(i for i, row in enumerate(watch.rows) if row["fitted"].all())
    assert len(watch.rows) > begin(watch) + 1, "the run ended as the coupling began"
    assert (find(made, directives.JointBetaSchedule).chi <= 1.0).all()


@pytest.mark.parametrize("turns", [False, True])
def test_couplings_begin_once_all_directives_have_settled(turns):
    problem = sparse_problem()
    made, watch = make(problem, start="settled", turns=turns, irls=directives.UpdateJointIRLS(n_steps=5))
    made.run(problem.start)
    first = begin(watch)
    assert watch.rows[first]["fitted"].all()
    assert watch.rows[first]["settled"]
    assert not any(row["fitted"].all() and row["settled"] for row in watch.rows[:first])
    assert len(watch.rows) > first + 1, "the run ended as the coupling began"
    assert (find(made, directives.JointBetaSchedule).chi <= 1.0).all()


@pytest.mark.parametrize("start", ["fitted", "settled"])
def test_the_last_turn_waits_for_the_coupling(start):
    problem = make_joint_problem()
    made, watch = make(problem, start=start)
    made.run(problem.start)
    assert watch.rows[begin(watch)]["turn"] == [1]
    assert watch.rows[-1]["weight"] > 0.0


@pytest.mark.parametrize("start", ["fitted", "settled"])
def test_waiting_couplings_need_a_schedule(start):
    problem = make_joint_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    made = problem.inversion([*problem.terms, coupling], [directives.EstimateCouplingWeights(start=start)])
    with pytest.raises(ValueError, match="EstimateCouplingWeights: found 0 JointBetaSchedule"):
        made.run(problem.start)


def test_unknown_start():
    with pytest.raises(ValueError, match="start: got 'soon', wanted one of 'structure', 'fitted', 'settled'"):
        directives.EstimateCouplingWeights(start="soon")


# bad input --------------------------------------------------------------------------------------------------
def test_an_optimizer_without_bounds_is_refused():
    problem = make_joint_problem()
    combined = inverse_problem.BaseInvProblem(
        problem.misfits[0] + problem.misfits[1],
        problem.terms[0] + problem.terms[1],
        optimization.InexactGaussNewton(maxIter=2, cg_maxiter=5, cg_rtol=1e-3),
        print_version=False,
        init_bfgs=False,
    )
    made = inversion.BaseInversion(combined, directiveList=[directives.JointBetaSchedule(), directives.TakeTurns()])
    with pytest.raises(TypeError, match=r"InexactGaussNewton has no bounds.*ProjectedGNCG"):
        made.run(problem.start)


@pytest.mark.parametrize("order", [(0,), (0, 0), (0, 2), (0, 1, 2)])
def test_wrong_order(order):
    problem = make_joint_problem()
    made, _ = make(problem, order=order)
    with pytest.raises(ValueError, match=r"TakeTurns.order: got .*wanted each of \[0, 1\] once"):
        made.run(problem.start)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_rounds": 0}, "max_rounds: got 0"),
        ({"turn_iterations": 0}, "turn_iterations: got 0"),
        ({"tolerance": 0.0}, r"tolerance: got 0\.0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=f"TakeTurns.{message}"):
        directives.TakeTurns(**options)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (lambda: [directives.TakeTurns(), directives.JointBetaSchedule()], "after JointBetaSchedule"),
        (
            lambda: [directives.JointBetaSchedule(), directives.TakeTurns(), directives.UpdateJointIRLS()],
            "TakeTurns must stand after UpdateJointIRLS",
        ),
        (
            lambda: [directives.JointBetaSchedule(), directives.EstimateCouplingWeights(), directives.TakeTurns()],
            "before EstimateCouplingWeights",
        ),
    ],
)
def test_the_order_of_directives_is_checked(steps, message):
    problem = make_joint_problem(sparse=True)
    with pytest.raises(ValueError, match=message):
        problem.inversion(problem.terms, steps())


def test_turns_need_a_schedule():
    problem = make_joint_problem()
    made = problem.inversion(problem.terms, [directives.TakeTurns()])
    with pytest.raises(ValueError, match="TakeTurns: found 0 JointBetaSchedule"):
        made.run(problem.start)
