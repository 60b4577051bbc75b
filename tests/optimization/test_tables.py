"""Minimizers print SimPEG's tables, or nothing at all, and take the same steps."""

import copy

import numpy as np
import pytest
from simpeg import optimization as simpeg_optimization

from simpeg_jointdl import optimization
from tests.optimization.layered_problem import make_linear
from tests.optimization.linear_problem import make_linear_problem

MAKERS = {
    "ProjectedGNCG": lambda **options: optimization.ProjectedGNCG(maxIter=3, cg_rtol=1e-3, **options),
    "BoundedGaussNewton": lambda **options: optimization.BoundedGaussNewton(maxIter=3, **options),
    "LevenbergMarquardt": lambda **options: optimization.LevenbergMarquardt(maxIter=3, **options),
    "TorchMinimize": lambda **options: optimization.TorchMinimize(maxIter=3, **options),
}
SIMPEGS = {
    "ProjectedGNCG": lambda: simpeg_optimization.ProjectedGNCG(maxIter=3, cg_rtol=1e-3),
    "InexactGaussNewton": lambda: simpeg_optimization.InexactGaussNewton(maxIter=3),
    "SteepestDescent": lambda: simpeg_optimization.SteepestDescent(maxIter=3),
}


class Rises:
    """A function whose gradient points uphill, so that every line search fails."""

    def __call__(self, x, return_g=True, return_H=True):
        import scipy.sparse as sp

        parts = [0.5 * float(x @ x), *[-x] * return_g, *[sp.identity(x.size, format="csr")] * return_H]
        return tuple(parts) if len(parts) > 1 else parts[0]


def run(opt):
    return make_linear_problem().inversion(opt).run(np.zeros(40))


@pytest.mark.parametrize("name", MAKERS)
def test_the_switch_decides_what_is_printed_and_nothing_else(name, capsys):
    shown = run(MAKERS[name]())
    assert "STOP!" in capsys.readouterr().out
    hidden = run(MAKERS[name](print_tables=False))
    assert capsys.readouterr().out == ""
    np.testing.assert_array_equal(shown, hidden)


def test_occam_prints_nothing_without_tables(capsys):
    problem = make_linear()
    problem.inversion(optimization.Occam(3, maxIter=3, print_tables=False)).run(problem.start)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", SIMPEGS)
def test_a_view_of_simpegs_minimizer_prints_nothing_and_shares_its_state(name, capsys):
    opt, other = SIMPEGS[name](), SIMPEGS[name]()
    shown = run(opt)
    assert "====" in capsys.readouterr().out
    inversion = make_linear_problem().inversion(other)
    inversion.opt = optimization.without_tables(other)
    np.testing.assert_array_equal(inversion.run(np.zeros(40)), shown)
    assert capsys.readouterr().out == ""
    assert other.iter == opt.iter
    assert other.xc is inversion.opt.xc
    assert isinstance(inversion.opt, type(other))
    other.printDone()
    assert "STOP!" in capsys.readouterr().out


def test_a_view_of_ours_is_silent_though_the_minimizer_is_not(capsys):
    opt = optimization.ProjectedGNCG(maxIter=3, cg_rtol=1e-3, print_tables=True)
    inversion = make_linear_problem().inversion(opt)
    inversion.opt = optimization.without_tables(opt)
    inversion.run(np.zeros(40))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("require_decrease", [True, False])
def test_failed_line_searches_are_not_announced(require_decrease, capsys):
    make = simpeg_optimization.InexactGaussNewton
    first, second = (make(maxIter=2, maxIterLS=2, require_decrease=require_decrease) for _ in range(2))
    shown = first.minimize(Rises(), np.ones(3))
    assert ("Boo" if require_decrease else "Stepping anyways") in capsys.readouterr().out
    np.testing.assert_array_equal(optimization.without_tables(second).minimize(Rises(), np.ones(3)), shown)
    assert capsys.readouterr().out == ""


def test_a_view_is_viewed_once_and_copied_as_a_view():
    opt = simpeg_optimization.ProjectedGNCG(maxIter=3, cg_rtol=1e-3)
    view = optimization.without_tables(opt)
    assert optimization.without_tables(view) is view
    both = copy.deepcopy({"view": view, "original": opt})
    assert vars(both["view"]) is vars(both["original"])
    assert both["original"] is not opt


def test_a_minimizer_that_serves_a_second_inversion_does_so_silently(capsys):
    opt = optimization.ProjectedGNCG(maxIter=1, cg_rtol=1e-3, print_tables=False)
    run(opt)
    run(opt)
    assert capsys.readouterr().out == ""
