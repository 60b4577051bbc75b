"""The contract check of simulations finds the faults it is for."""

import numpy as np
import pytest
from simpeg import maps

from simpeg_jointdl import testing
from tests.optimization.problem import DenseSimulation

MODEL = np.random.default_rng(0).uniform(1.0, 2.0, 4)
MATRIX = np.random.default_rng(1).standard_normal((3, 4))


class Whole(DenseSimulation):
    """A linear simulation with all that the contract asks for."""

    def getJtJdiag(self, m, W=None, f=None):
        jacobian = self.getJ(m)
        jacobian = jacobian if W is None else W @ jacobian
        return np.sum(jacobian**2, axis=0)

    def getJ(self, m, f=None):
        return self.G @ self.model_map.deriv(m).toarray()


class Transposed(Whole):
    def Jtvec(self, m, v, f=None):
        return 1.01 * super().Jtvec(m, v, f=f)


class ForgetsWeights(Whole):
    def getJtJdiag(self, m, W=None, f=None):
        return super().getJtJdiag(m)


class WrongSensitivities(Whole):
    def getJ(self, m, f=None):
        return 2.0 * super().getJ(m)


def make(kind):
    return kind(model_map=maps.ExpMap(nP=4), G=MATRIX)


def test_a_simulation_passes():
    testing.check_simulation(make(Whole), MODEL)


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (Transposed, "Jtvec, against the transpose of Jvec"),
        (ForgetsWeights, "getJtJdiag with weights"),
        (WrongSensitivities, "getJ, against Jvec"),
    ],
)
def test_a_broken_simulation_is_found(broken, match):
    with pytest.raises(AssertionError, match=match):
        testing.check_simulation(make(broken), MODEL)
