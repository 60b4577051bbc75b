"""Sensitivity weights with a threshold and a normalization for each property."""

import numpy as np
import pytest
from simpeg import directives as simpeg_directives
from simpeg import maps
from simpeg import regularization as simpeg_regularization

from simpeg_jointdl import directives
from tests.directives.problem import make_joint_problem


def at(problem, terms, directive, model, beta=1.0):
    inversion = problem.inversion(terms, [directive], beta=beta)
    inversion.invProb.startup(model)
    return inversion


def test_simpegs_weights_depend_on_units_and_ours_do_not():
    problem = make_joint_problem(3)
    peaks = {}
    for make in (simpeg_directives.UpdateSensitivityWeights, directives.UpdateJointSensitivityWeights):
        directive = make(threshold_value=1e-3)
        inversion = at(problem, problem.terms, directive, problem.truth)
        inversion.directiveList.call("initialize")
        peaks[make] = [term.objfcts[0].get_weights("sensitivity").max() for term in problem.terms]
    assert min(peaks[simpeg_directives.UpdateSensitivityWeights]) < 0.1
    np.testing.assert_allclose(peaks[directives.UpdateJointSensitivityWeights], 1.0)


def test_sensitivity_weights_are_root_sums_of_squares():
    problem = make_joint_problem()
    directive = directives.UpdateJointSensitivityWeights(threshold_value=0.0)
    at(problem, problem.terms, directive, problem.truth).directiveList.call("initialize")
    for misfit, term in zip(problem.misfits, problem.terms, strict=True):
        weighted = misfit.W @ misfit.simulation.G
        expected = np.linalg.norm(weighted, axis=0) / problem.mesh.cell_volumes
        for part in term.objfcts:
            np.testing.assert_allclose(part.get_weights("sensitivity"), expected / expected.max(), rtol=1e-4)


@pytest.mark.parametrize(
    ("method", "value", "normalization", "check"),
    [
        ("amplitude", 0.2, "maximum", lambda w: w.max() == 1.0 and w.min() == pytest.approx(0.2)),
        ("percentile", 50.0, "maximum", lambda w: np.sum(w == w.min()) >= w.size // 2),
        ("global", 1.0, "minimum", lambda w: w.min() == 1.0),
        ("amplitude", 0.1, None, lambda w: w.max() != 1.0),
    ],
)
def test_threshold_and_normalization_per_property(method, value, normalization, check):
    problem = make_joint_problem()
    directive = directives.UpdateJointSensitivityWeights(
        threshold_value=value, threshold_method=method, normalization_method=normalization
    )
    at(problem, problem.terms, directive, problem.truth).directiveList.call("initialize")
    assert all(check(term.objfcts[0].get_weights("sensitivity")) for term in problem.terms)


def test_a_property_without_sensitive_data_is_an_error():
    problem = make_joint_problem()
    directive = directives.UpdateJointSensitivityWeights()
    inversion = problem.inversion(problem.terms, [directive], misfits=problem.misfits[:1])
    inversion.invProb.startup(problem.truth)
    with pytest.raises(ValueError, match="UpdateJointSensitivityWeights: no data are sensitive"):
        inversion.directiveList.call("initialize")


def test_weights_are_sensitivities_to_the_values_of_a_nonlinear_map():
    """With p = log m, ∂d/∂p = m ∂d/∂m."""
    problem = make_joint_problem()
    n = problem.mesh.n_cells
    model = np.abs(problem.truth) + 0.3
    term = simpeg_regularization.WeightedLeastSquares(problem.mesh, mapping=maps.LogMap(nP=n) * problem.wires.density)
    directive = directives.UpdateJointSensitivityWeights(threshold_value=0.0)
    at(problem, [term, problem.terms[1]], directive, model).directiveList.call("initialize")
    weighted = problem.misfits[0].W @ problem.misfits[0].simulation.G
    expected = np.linalg.norm(weighted, axis=0) * model[:n] / problem.mesh.cell_volumes
    np.testing.assert_allclose(term.objfcts[0].get_weights("sensitivity"), expected / expected.max(), rtol=1e-4)
