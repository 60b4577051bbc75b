"""What a process holds before a minimization stays out of SimPEG's collections of garbage, and comes back after it."""

import gc

import numpy as np
import pytest
import scipy.sparse as sp

from simpeg_jointdl.optimization import BoundedGaussNewton, ProjectedGNCG


class Bowl:
    """½ |x - 1|², which counts what is frozen whenever it is evaluated."""

    def __init__(self, fails=False):
        self.fails, self.frozen = fails, []

    def __call__(self, x, return_g=True, return_H=True):
        self.frozen.append(gc.get_freeze_count())
        if self.fails:
            msg = "no"
            raise ArithmeticError(msg)
        value = 0.5 * np.sum((x - 1.0) ** 2)
        rest = [x - 1.0] * return_g + [sp.eye(x.size, format="csr")] * return_H
        return (value, *rest) if rest else value


@pytest.fixture(autouse=True)
def nothing_frozen():
    """The test session freezes what it has imported; not here."""
    before = gc.get_freeze_count()
    gc.unfreeze()
    yield
    assert gc.get_freeze_count() == 0
    if before:
        gc.freeze()


@pytest.mark.parametrize("minimizer", [ProjectedGNCG, BoundedGaussNewton])
def test_frozen_only_while_it_runs(minimizer):
    bowl = Bowl()
    found = minimizer(maxIter=3, cg_rtol=1e-3).minimize(bowl, np.zeros(4))
    np.testing.assert_allclose(found, 1.0, rtol=1e-6)
    assert min(bowl.frozen) > 1000
    assert gc.get_freeze_count() == 0


def test_given_back_after_an_error():
    with pytest.raises(ArithmeticError):
        ProjectedGNCG(maxIter=3, cg_rtol=1e-3).minimize(Bowl(fails=True), np.zeros(4))


def test_what_others_have_frozen_is_left_to_them():
    gc.freeze()
    try:
        before = gc.get_freeze_count()
        ProjectedGNCG(maxIter=3, cg_rtol=1e-3).minimize(Bowl(), np.zeros(4))
        assert 0.9 * before < gc.get_freeze_count() <= before  # frozen objects still die when nobody refers to them
    finally:
        gc.unfreeze()
