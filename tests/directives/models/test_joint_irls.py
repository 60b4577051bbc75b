"""Sparse norms begin for each property when its own data are fitted, and are restored after the run."""

import numpy as np
import pytest
from simpeg import directives as simpeg_directives
from simpeg.directives import InversionDirective

from simpeg_jointdl import directives, regularization
from tests.directives.problem import make_joint_problem

NORMS = [0.0, 1.0, 1.0, 1.0]


class Watch(InversionDirective):
    """Records norms, thresholds, χ and models of every iteration, after all other directives."""

    def __init__(self, terms, schedule):
        super().__init__()
        self.terms, self.schedule, self.rows = terms, schedule, []

    def endIter(self):
        self.rows.append(
            {
                "norms": [list(term.norms) for term in self.terms],
                "thresholds": [[part.irls_threshold for part in term.objfcts] for term in self.terms],
                "fitted": self.schedule.fitted,
                "model": self.invProb.model.copy(),
            }
        )


def sparse_problem(n_properties=2, norms=NORMS):
    problem = make_joint_problem(n_properties, sparse=True)
    for term in problem.terms:
        term.norms = list(norms)
    return problem


def make(problem, *, couplings=(), max_iterations=60, bounded=True, chifact=1.0, **options):
    schedule, irls = directives.JointBetaSchedule(chifact), directives.UpdateJointIRLS(**options)
    watch = Watch(problem.terms, schedule)
    steps = [directives.UpdateJointSensitivityWeights(), schedule, irls]
    steps += [directives.EstimateCouplingWeights()] if couplings else []
    steps += [directives.UpdateJointPreconditioner(), watch]
    inversion = problem.inversion([*problem.terms, *couplings], steps, max_iterations=max_iterations, bounded=bounded)
    return inversion, schedule, irls, watch


def first_sparse(watch, k):
    return next(i for i, row in enumerate(watch.rows) if row["norms"][k] == NORMS)


def test_a_term_is_smooth_until_its_own_data_are_fitted():
    problem = sparse_problem()
    # magnetics has a higher target, so that it is fitted first
    inversion, _, _, watch = make(problem, chifact=[1.0, 20.0])
    inversion.run(problem.start)
    begins = [first_sparse(watch, k) for k in (0, 1)]
    assert begins[1] < begins[0]
    for k, begin in enumerate(begins):
        assert begin == next(i for i, row in enumerate(watch.rows) if row["fitted"][k])
        assert all(row["norms"][k] == [2.0] * 4 for row in watch.rows[:begin])


def test_a_smooth_term_has_the_weights_of_a_smooth_norm():
    problem = sparse_problem()
    inversion, _, _, _ = make(problem, max_iterations=2)
    inversion.run(problem.start)
    for term in problem.terms:
        for part in term.objfcts:
            np.testing.assert_array_equal(part.get_weights("irls"), 1.0)


def test_thresholds_start_at_the_percentile_and_fall_by_the_factor_in_every_step():
    problem = sparse_problem()
    inversion, _, irls, watch = make(problem, n_steps=6, cooling_factor=1.5, percentile=90.0)
    inversion.run(problem.start)
    n = problem.mesh.n_cells
    for k in (0, 1):
        begin = first_sparse(watch, k)
        values = np.abs(watch.rows[begin]["model"][k * n : (k + 1) * n] - problem.start[k * n])
        thresholds = np.array([row["thresholds"][k] for row in watch.rows[begin:]])
        assert thresholds[0, 0] == pytest.approx(np.percentile(values, 90.0))
        # SimPEG's smoothness has no reference model by default
        slopes = np.abs(watch.rows[begin]["model"][k * n : (k + 1) * n])
        base = problem.terms[k].regularization_mesh.base_length
        np.testing.assert_allclose(thresholds[0, 1:], np.percentile(slopes, 90.0) / base)
        steps = np.minimum(np.arange(len(thresholds)), irls.n_steps - 1)
        np.testing.assert_allclose(thresholds, thresholds[0] / 1.5 ** steps[:, None])
        assert len(thresholds) >= irls.n_steps


def test_weights_are_those_of_simpegs_own_update_at_the_final_model():
    problem = sparse_problem()
    inversion, _, _, watch = make(problem)
    inversion.run(problem.start)
    kept = [[part.get_weights("irls").copy() for part in term.objfcts] for term in problem.terms]
    for term, weights in zip(problem.terms, kept, strict=True):
        term.update_weights(watch.rows[-1]["model"])
        for part, weight in zip(term.objfcts, weights, strict=True):
            assert np.ptp(weight) > 0.0
            np.testing.assert_array_equal(part.get_weights("irls"), weight)


@pytest.mark.parametrize("n_steps", [3, 20])
def test_the_run_does_not_end_before_all_steps_are_done(n_steps):
    problem = sparse_problem()
    coupling = regularization.CrossGradient(problem.mesh, problem.wires)
    inversion, schedule, irls, watch = make(problem, couplings=[coupling], n_steps=n_steps)
    inversion.run(problem.start)
    assert irls.settled
    assert (schedule.chi <= 1.0).all()
    assert len(watch.rows) >= max(first_sparse(watch, k) for k in (0, 1)) + n_steps
    assert len(watch.rows) < 60


@pytest.mark.parametrize("max_iterations", [2, 60])
def test_norms_are_restored_and_a_second_run_gives_the_same_model(max_iterations):
    """Also after a run that ended before any term became sparse, which once left them at 2."""
    problem = sparse_problem()
    inversion, _, _, _ = make(problem, max_iterations=max_iterations)
    models = []
    for _ in range(2):
        models.append(inversion.run(problem.start).copy())
        assert [list(term.norms) for term in problem.terms] == [NORMS, NORMS]
    np.testing.assert_allclose(models[1], models[0], rtol=1e-4, atol=1e-5)


def test_one_property_and_one_misfit_end_sparser_than_smooth_at_the_same_misfit():
    little, chi = [], []
    for norms in (NORMS, [2.0] * 4):
        problem = sparse_problem(1, norms)
        problem.terms[0].alpha_s = 1.0
        inversion, schedule, _, _ = make(problem)
        model = inversion.run(problem.start)
        little.append((np.abs(model) < 0.02).mean())
        chi.append(schedule.chi[0])
    assert all(0.85 < one <= 1.0 for one in chi)
    assert little[0] > little[1] + 0.1


def test_smooth_terms_stay_smooth_beside_sparse_ones():
    problem, smooth = sparse_problem(), make_joint_problem()
    problem.terms[1] = smooth.terms[1]
    problem.terms[1]._mapping = problem.wires.susceptibility
    schedule, irls = directives.JointBetaSchedule(), directives.UpdateJointIRLS(n_steps=4)
    inversion = problem.inversion(
        problem.terms, [schedule, irls, directives.UpdateJointPreconditioner()], max_iterations=40
    )
    inversion.run(problem.start)
    assert problem.terms[0].norms == NORMS
    assert irls.settled
    assert (schedule.chi <= 1.0).all()


# bad input --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, "n_steps: got 0"),
        ({"cooling_factor": 0.9}, r"cooling_factor: got 0\.9"),
        ({"cooling_factor": np.nan}, "cooling_factor: got nan"),
        ({"percentile": 0.0}, r"percentile: got 0\.0"),
        ({"percentile": 101.0}, r"percentile: got 101\.0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=f"UpdateJointIRLS.{message}"):
        directives.UpdateJointIRLS(**options)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (lambda: [directives.UpdateJointIRLS()], "put a JointBetaSchedule before it"),
        (lambda: [directives.UpdateJointIRLS(), directives.JointBetaSchedule()], "after JointBetaSchedule"),
        (
            lambda: [
                directives.JointBetaSchedule(),
                directives.UpdateJointPreconditioner(),
                directives.UpdateJointIRLS(),
            ],
            "before UpdateJointPreconditioner",
        ),
        (
            lambda: [
                directives.JointBetaSchedule(),
                directives.EstimateCouplingWeights(),
                directives.UpdateJointIRLS(),
            ],
            "before EstimateCouplingWeights",
        ),
        (
            lambda: [
                simpeg_directives.UpdateIRLS(),
                directives.JointBetaSchedule(),
                directives.UpdateJointIRLS(),
                directives.UpdateJointPreconditioner(),
            ],
            "use one of the two",
        ),
    ],
)
def test_the_order_of_directives_is_checked(steps, message):
    problem = sparse_problem()
    with pytest.raises(ValueError, match=message):
        problem.inversion(problem.terms, steps())


def test_no_sparse_term():
    problem = make_joint_problem()
    inversion = problem.inversion(problem.terms, [directives.JointBetaSchedule(), directives.UpdateJointIRLS()])
    with pytest.raises(ValueError, match="no Sparse term; use some"):
        inversion.run(problem.start)
