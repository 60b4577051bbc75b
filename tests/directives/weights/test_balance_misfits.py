"""Data sets that share all parameters are weighed by how far they are from their targets, and none is lost."""

import numpy as np
import pytest

from simpeg_jointdl import directives
from tests.directives.problem import make_joint_problem

KIND = directives.BalanceMisfits


def at_chi(directive, chi, multipliers=(1.0, 1.0)):
    """An inversion whose data sets have this χ, after an iteration of the directive."""
    problem = make_joint_problem()
    misfits = [factor * misfit for factor, misfit in zip(multipliers, problem.misfits, strict=True)]
    inversion = problem.inversion(problem.terms, [directive], misfits=misfits)
    directive.initialize()
    see(directive, inversion, chi)
    return inversion


def see(directive, inversion, chi):
    predicted = [
        misfit.data.dobs + value**0.5 * misfit.data.standard_deviation
        for misfit, value in zip(inversion.invProb.dmisfit.objfcts, chi, strict=True)
    ]
    inversion.invProb.dpred = np.concatenate(predicted)
    directive.endIter()


def multipliers(inversion):
    return np.array(inversion.invProb.dmisfit.multipliers)


@pytest.mark.parametrize("chi", [(9.0, 0.9), (0.5, 3.0), (1.0, 1.0), (20.0, 5.0)])
def test_only_data_fitted_better_than_their_noise_lose_weight(chi):
    np.testing.assert_allclose(multipliers(at_chi(KIND(), chi)), np.minimum(1.0, np.array(chi) ** 4))


def test_targets_power_and_multipliers_of_the_user_are_used():
    inversion = at_chi(KIND(chifact=[2.0, 1.0], power=2.0), (1.0, 0.5), multipliers=(3.0, 0.1))
    np.testing.assert_allclose(multipliers(inversion), [3.0 * 0.25, 0.1 * 0.25])


def test_a_data_set_keeps_a_least_weight_and_regains_its_own():
    directive = KIND()
    inversion = at_chi(directive, (1e-3, 4.0), multipliers=(2.0, 1.0))
    np.testing.assert_allclose(multipliers(inversion), [0.02, 1.0])
    see(directive, inversion, (4.0, 1.0))
    np.testing.assert_allclose(multipliers(inversion), [2.0, 1.0])


def test_data_that_stay_below_their_noise_lose_more_weight():
    """Adam's steps do not shrink with the gradient: a constant part of the weight once left gravity at a χ of 0.7."""
    directive = KIND()
    inversion = at_chi(directive, (0.8, 4.0))
    for _ in range(3):
        see(directive, inversion, (0.8, 4.0))
    np.testing.assert_allclose(multipliers(inversion), [0.8**16, 1.0])
    see(directive, inversion, (1.0, 1.0))
    np.testing.assert_allclose(multipliers(inversion), [0.8**16, 1.0])


def test_a_checkpoint_keeps_the_multipliers_of_the_user():
    directive = KIND()
    inversion = at_chi(directive, (0.5, 4.0), multipliers=(2.0, 1.0))
    other = KIND()
    other.inversion = inversion
    other.initialize()
    other.restore_checkpoint_state(directive.checkpoint_state())
    see(other, inversion, (9.0, 1.0))
    np.testing.assert_allclose(multipliers(inversion), [2.0, 1.0])


def test_a_second_run_begins_with_the_multipliers_of_the_user():
    directive = KIND()
    inversion = at_chi(directive, (0.5, 4.0), multipliers=(2.0, 1.0))
    directive.initialize()
    np.testing.assert_allclose(multipliers(inversion), [2.0, 1.0])
    inversion.invProb.dmisfit.multipliers = [3.0, 1.0]
    directive.initialize()
    see(directive, inversion, (9.0, 9.0))
    np.testing.assert_allclose(multipliers(inversion), [3.0, 1.0])


def test_targets_are_one_per_data_set():
    with pytest.raises(ValueError, match=r"BalanceMisfits.chifact: got shape \(3,\), wanted .* 2 of them"):
        at_chi(KIND(chifact=[1.0, 1.0, 1.0]), (1.0, 1.0))


@pytest.mark.parametrize("options", [{"chifact": 0.0}, {"chifact": [1.0, -1.0]}, {"power": 0.0}, {"power": np.nan}])
def test_bad_input(options):
    with pytest.raises(ValueError, match=r"BalanceMisfits\.(chifact|power): got .*, wanted .* above 0"):
        KIND(**options)
