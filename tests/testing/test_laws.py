"""The checks of derivatives and operators find the faults they are for."""

import numpy as np
import pytest

from simpeg_jointdl import testing
from tests.core.operator_problem import dense, wrap

POINT = np.array([1.0, -2.0, 0.5])


def test_the_gradient_of_a_cubic_passes_and_a_wrong_one_does_not():
    testing.check_derivative_order(lambda m: np.sum(m**3), lambda m: 3 * m**2, POINT)
    with pytest.raises(AssertionError, match=r"the Taylor remainder has order .* wanted 2"):
        testing.check_derivative_order(lambda m: np.sum(m**3), lambda m: 3.01 * m**2, POINT)
    with pytest.raises(AssertionError, match=r"gradient: got shape \(1,\), wanted \(3,\)"):
        testing.check_derivative_order(lambda m: np.sum(m**3), lambda m: m[:1], POINT)


def test_a_linear_function_has_no_remainder_but_round_off():
    testing.check_derivative_order(lambda m: m @ POINT, lambda m: POINT, POINT)


@pytest.mark.parametrize("shape", [(5, 5), (4, 6)])
def test_an_operator_passes_against_its_matrix_and_fails_against_another(shape):
    testing.check_operator(wrap(dense(*shape)), dense(*shape))
    with pytest.raises(AssertionError, match=r"A @ v: entry"):
        testing.check_operator(wrap(dense(*shape)), 1.001 * dense(*shape))


def test_an_operator_with_a_wrong_transpose_is_found():
    broken = wrap(dense(4, 6))
    broken._rmatvec = lambda v: dense(4, 6, seed=1).T @ v
    with pytest.raises(AssertionError, match=r"u @ A: entry"):
        testing.check_operator(broken, dense(4, 6))
