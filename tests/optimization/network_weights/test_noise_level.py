"""Damped Gauss-Newton ends at the noise level, and says why it ended."""

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import inverse_problem, inversion, maps, regularization
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit
from simpeg.simulation import LinearSimulation

from simpeg_jointdl.data_misfit import HuberDataMisfit, StudentTDataMisfit
from simpeg_jointdl.optimization import EnsembleLevenbergMarquardt, LevenbergMarquardt

N_DATA, N_MODEL, STD = 60, 80, 0.1


def make(misfit=L2DataMisfit, *, outliers=0, **options):
    """An inversion with more parameters than data and one row a thousand times larger than the others; its misfit."""
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((N_DATA, N_MODEL))
    matrix[0] *= 1e3
    simulation = LinearSimulation(model_map=maps.IdentityMap(nP=N_MODEL), G=matrix)
    noise = STD * rng.standard_normal(N_DATA)
    noise[1 : 1 + outliers] += 5.0 * STD
    dobs = matrix @ rng.standard_normal(N_MODEL) + noise
    term = misfit(Data(simulation.survey, dobs=dobs, standard_deviation=np.full(N_DATA, STD)), simulation)
    optimizer = LevenbergMarquardt(space="model", cg_rtol=1e-8, cg_maxiter=300, **options)
    optimizer.printers = []
    nothing = regularization.Smallness(TensorMesh([N_MODEL]))
    problem = inverse_problem.BaseInvProblem(term, nothing, optimizer, beta=0.0, init_bfgs=False, print_version=False)
    return inversion.BaseInversion(problem, directiveList=[]), term


def chi_of(misfit, model) -> float:
    residual = misfit.W @ misfit.residual(model)
    return misfit.chi(residual) if hasattr(misfit, "chi") else residual @ residual / N_DATA


@pytest.mark.parametrize("outliers", [0, 3])
@pytest.mark.parametrize("misfit", [L2DataMisfit, HuberDataMisfit, StudentTDataMisfit])
def test_ends_at_the_noise(misfit, outliers):
    made, term = make(misfit, outliers=outliers)
    model = made.run(np.zeros(N_MODEL))
    assert made.opt.stopped_because == "target"
    assert 0.95 <= chi_of(term, model) <= 1.05


def test_a_step_that_fits_the_noise_is_shortened():
    """One datum outweighs the others, so that it is fitted at any damping; the minimizer once gave up there."""
    made, term = make(damping=1e-6)
    residual = np.full(N_DATA, np.sqrt(0.8))
    residual[0] = np.sqrt(0.4 * N_DATA)
    start = np.linalg.lstsq(term.simulation.G, term.data.dobs + STD * residual, rcond=None)[0]
    assert chi_of(term, start) == pytest.approx(1.2, abs=0.02)
    model = made.run(start)
    assert made.opt.stopped_because == "target"
    assert 0.95 <= chi_of(term, model) <= 1.05


def test_a_checkpoint_keeps_the_misfits_that_shorten_steps():
    made, _ = make(maxIter=1)
    made.run(np.zeros(N_MODEL))
    first, other = made.opt, LevenbergMarquardt()
    first.damping, first._last_chi = 3.0, np.array([7.0])
    other.restore_checkpoint_state(first.checkpoint_state())
    assert (other.damping, other._last_chi) == (3.0, np.array([7.0]))
    other.restore_checkpoint_state({"damping": 2.0})  # state of an older version
    assert (other.damping, other._last_chi) == (2.0, None)


def test_every_run_begins_with_the_first_damping():
    made, _ = make(damping=1e-2)
    first = made.run(np.zeros(N_MODEL))
    assert made.opt.damping != 1e-2
    np.testing.assert_array_equal(made.run(np.zeros(N_MODEL)), first)
    made.opt.damping = 1e3
    made.opt.startup(np.zeros(N_MODEL))
    assert made.opt.damping == 1e3


def test_a_model_that_fits_already_is_at_the_target():
    made, term = make()
    fitted = np.linalg.lstsq(term.simulation.G, term.data.dobs, rcond=None)[0]
    model = made.run(fitted.copy())
    assert made.opt.stopped_because == "target"
    np.testing.assert_array_equal(model, fitted)


def test_a_minimum_above_the_noise_level_is_reported():
    made, term = make(target_chi=1e-30, tolerance=0.0, max_tries=3)
    made.run(np.linalg.lstsq(term.simulation.G, term.data.dobs, rcond=None)[0])
    assert made.opt.stopped_because == "no descent"


def test_an_ensemble_needs_a_target():
    with pytest.raises(
        TypeError, match=r"EnsembleLevenbergMarquardt\.target_chi: got None, wanted a finite number above 0"
    ):
        EnsembleLevenbergMarquardt(target_chi=None)
