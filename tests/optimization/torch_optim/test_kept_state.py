"""TorchMinimize on plain functions: which state it returns, and when it stops."""

import logging

import numpy as np
import pytest

from tests.optimization.torch_optim.problems import CURVATURES, Bowl, run


def test_the_best_state_is_kept():
    """With too long steps the function decreases first and increases then."""
    bowl = Bowl()
    found, minimizer = run("sgd", 0.2, maxIter=30, function=bowl, optimizer_options={"momentum": 0.97})
    values = [CURVATURES @ (x - 1.0) ** 2 for x in bowl.seen[:31]]
    best = int(np.argmin(values))
    assert 0 < best < 30
    assert minimizer.kept_step == best
    np.testing.assert_array_equal(found, bowl.seen[best])
    assert minimizer.f == values[best]
    last, _ = run("sgd", 0.2, maxIter=30, optimizer_options={"momentum": 0.97}, keep="last")
    np.testing.assert_array_equal(last, bowl.seen[30])


def test_stall():
    found, minimizer = run("adam", 0.1, maxIter=5000, stall=7)
    assert minimizer.stopped_because == "stall"
    assert minimizer.steps == minimizer.kept_step + 7
    assert minimizer.f < 1.0
    assert np.isfinite(found).all()


@pytest.mark.parametrize("bad", [{"nan_at": 9}, {"nan_gradient_at": 9}])
@pytest.mark.parametrize("steps_per_iteration", [1, 3])
@pytest.mark.parametrize("keep", ["best", "first", "last"])
def test_not_finite(bad, steps_per_iteration, keep, caplog):
    bowl = Bowl(**bad)
    with caplog.at_level(logging.WARNING, "SimPEG"):
        found, minimizer = run(
            "sgd", 1e-2, maxIter=50, function=bowl, steps_per_iteration=steps_per_iteration, keep=keep
        )
    assert minimizer.stopped_because == "nonfinite"
    assert "at step 8; back to the state after step 7" in caplog.text
    np.testing.assert_array_equal(found, bowl.seen[7])  # the function decreased until then
    assert minimizer.f == pytest.approx(CURVATURES @ (found - 1.0) ** 2)


def test_a_model_that_is_not_finite_is_not_evaluated(caplog):
    bowl = Bowl()
    with caplog.at_level(logging.WARNING, "SimPEG"), np.errstate(over="ignore", invalid="ignore"):
        found, minimizer = run("sgd", 1e30, maxIter=50, function=bowl, dtype="float32")
    assert minimizer.stopped_because == "nonfinite"
    assert all(np.isfinite(x).all() for x in bowl.seen)
    np.testing.assert_array_equal(found, 0.0)


def test_tolerances_count_only_if_given():
    _, minimizer = run("adam", 1e-3, maxIter=30)
    assert minimizer.stopped_because == "maxIter"
    _, minimizer = run("adam", 1e-3, maxIter=30, tolF=0.1, tolX=0.1)
    assert (minimizer.stopped_because, minimizer.iter) == ("tolerance", 1)
