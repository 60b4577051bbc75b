"""Minimizers of this package are pickled and copied before and after a run, and then run as before."""

import copy
import pickle

import numpy as np
import pytest

from simpeg_jointdl import optimization
from tests.optimization.layered_problem import make_linear
from tests.optimization.linear_problem import make_linear_problem

MAKERS = {
    "ProjectedGNCG": lambda: optimization.ProjectedGNCG(maxIter=3, cg_rtol=1e-3, print_tables=False),
    "BoundedGaussNewton": lambda: optimization.BoundedGaussNewton(maxIter=3, print_tables=False),
    "LevenbergMarquardt": lambda: optimization.LevenbergMarquardt(maxIter=3, print_tables=False),
    "TorchMinimize": lambda: optimization.TorchMinimize("adam", scheduler="cosine", maxIter=3, print_tables=False),
    "Occam": lambda: optimization.Occam(3, maxIter=3, print_tables=False),
    "EnsembleLevenbergMarquardt": lambda: optimization.EnsembleLevenbergMarquardt(print_tables=False),
}
COPIES = pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["copy", "pickle"]
)


@COPIES
@pytest.mark.parametrize("name", MAKERS)
def test_a_new_minimizer_keeps_its_settings_and_tables(name, copied):
    opt = MAKERS[name]()
    other = copied(opt)
    assert type(other) is type(opt)
    assert other.maxIter == opt.maxIter
    for table in ("stoppers", "stoppersLS", "printers", "printersLS"):
        assert getattr(other, table) == getattr(opt, table)


@COPIES
@pytest.mark.parametrize("name", list(MAKERS)[:5])
def test_a_copied_inversion_runs_to_the_same_model(name, copied):
    problem = make_linear() if name == "Occam" else make_linear_problem()
    start = problem.start if name == "Occam" else np.zeros(40)
    inversion = problem.inversion(MAKERS[name]())
    inversion.stoppers = []  # SimPEG's inversion never reads them, and their lambda functions cannot be pickled
    model = inversion.run(start)
    other = copied(inversion)
    assert other.opt.parent is other.invProb
    np.testing.assert_array_equal(other.opt.xc, model)
    np.testing.assert_array_equal(other.run(start), model)
