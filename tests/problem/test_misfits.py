"""Data misfits of an inverse problem: misfit factors, finite data, and the parameters they depend on."""

import numpy as np
import pytest
from simpeg import data_misfit, maps, objective_function
from simpeg.data import Data

from simpeg_jointdl._problem.misfits import check_data, chi_factors, misfit_support
from simpeg_jointdl.data_misfit import HuberDataMisfit
from tests.optimization.problem import DenseSimulation

N_DATA, N = (4, 6), 5
WIRES = maps.Wires(("a", N), ("b", N))
RESIDUAL = np.repeat([0.5, 1.0], N_DATA)  # one and two standard deviations


def make_misfits(kind=data_misfit.L2DataMisfit):
    rng, made = np.random.default_rng(0), []
    for n_data, wire in zip(N_DATA, (WIRES.a, WIRES.b), strict=True):
        simulation = DenseSimulation(model_map=wire, G=rng.standard_normal((n_data, N)))
        deviation = np.full(n_data, 0.5)
        observed = Data(simulation.survey, dobs=np.arange(1.0, n_data + 1), standard_deviation=deviation)
        made.append(kind(data=observed, simulation=simulation))
    return objective_function.ComboObjectiveFunction(made, [1.0, 100.0])


def test_chi_is_the_squared_residual_per_datum_whatever_the_multipliers():
    misfits = make_misfits()
    observed = np.concatenate([one.data.dobs for one in misfits.objfcts])
    np.testing.assert_allclose(chi_factors(misfits, observed + RESIDUAL), [1.0, 4.0])


def test_a_misfit_with_a_chi_of_its_own_computes_it():
    misfits = make_misfits(HuberDataMisfit)
    observed = np.concatenate([one.data.dobs for one in misfits.objfcts])
    wanted = [one.chi(np.full(n, size)) for one, n, size in zip(misfits.objfcts, N_DATA, (1.0, 2.0), strict=True)]
    np.testing.assert_allclose(chi_factors(misfits, observed + RESIDUAL), wanted)


def test_finite_data_are_accepted():
    check_data(make_misfits())


@pytest.mark.parametrize("what", ["data", "uncertainties"])
def test_data_that_are_not_finite_are_refused_by_the_number_of_their_misfit(what):
    misfits = make_misfits()
    observed = misfits.objfcts[1].data
    if what == "data":
        observed.dobs = np.full(N_DATA[1], np.nan)
    else:
        observed.standard_deviation = np.full(N_DATA[1], np.inf)
    with pytest.raises(ValueError, match=rf"data misfit 1 .*: got NaN or infinite {what}, wanted none"):
        check_data(misfits)


def test_parameters_that_a_misfit_depends_on():
    first, second = make_misfits().objfcts
    rng, model = np.random.default_rng(0), np.ones(2 * N)
    np.testing.assert_array_equal(misfit_support(first, model, rng), np.arange(2 * N) < N)
    np.testing.assert_array_equal(misfit_support(second, model, rng), np.arange(2 * N) >= N)
