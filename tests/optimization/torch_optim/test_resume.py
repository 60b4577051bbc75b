"""A run of TorchMinimize that was killed continues to the same model."""

import numpy as np
import pytest
from simpeg import directives as simpeg_directives

from simpeg_jointdl import directives
from simpeg_jointdl.optimization import TorchMinimize
from tests.optimization.linear_problem import make_linear_problem
from tests.optimization.torch_optim.problems import START, Cool, adam, quiet


class Killed(BaseException):
    """Simulates the end of a process by a signal."""


class Die(simpeg_directives.SaveEveryIteration):
    """Simulates the end of the process before an iteration is saved."""

    file_abs_path = None

    def __init__(self, at):
        super().__init__()
        self.at = at

    def initialize(self):
        """Nothing to save."""

    def endIter(self):
        if self.opt.iter == self.at:
            raise Killed


RUNS = {
    "adam": {"optimizer": "adam", "lr": 0.02},
    "amsgrad": {"optimizer": "adamw", "lr": 0.02, "optimizer_options": {"amsgrad": True}},
    "onecycle": {"optimizer": "adam", "lr": 0.05, "scheduler": "onecycle"},
    "cosine": {"optimizer": "nadam", "lr": 0.02, "scheduler": "cosine", "steps_per_iteration": 3},
    "plateau": {"optimizer": "sgd", "lr": 1e-6, "scheduler": "plateau", "optimizer_options": {"momentum": 0.9}},
    "lbfgs": {"optimizer": "lbfgs"},
    "bounded": {"optimizer": "adam", "lr": 0.02, "lower": -0.2, "upper": 0.3, "max_gradient_norm": 10.0},
    "float32": {"optimizer": "adam", "lr": 0.02, "dtype": "float32"},
    "groups": {"optimizer": "adam", "lr": 0.02, "parameter_groups": [{"parameters": slice(10, 20), "lr": 1e-3}]},
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("at", [2, 5, 10])
def test_a_killed_run_continues_to_the_same_model(name, at, tmp_path, device):
    def make(path, *more):
        opt = quiet(TorchMinimize(**RUNS[name], maxIter=14, target_chi=None, device=device))
        steps = [directives.SaveLog(), Cool(), *more, directives.SaveCheckpoint(path)]
        return make_linear_problem().inversion(opt, steps, beta=1.0)

    whole = make(tmp_path / "whole.npz")
    expected = whole.run(START)
    with pytest.raises(Killed):
        make(tmp_path / "killed.npz", Die(at)).run(START)
    again = make(tmp_path / "killed.npz")
    found = directives.resume(again, tmp_path / "killed.npz")
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)
    assert again.opt.iter == 14
    assert (again.opt.steps, again.opt.kept_step) == (whole.opt.steps, whole.opt.kept_step)
    assert again.opt.f == pytest.approx(whole.opt.f, rel=1e-10)
    assert again.opt.learning_rates == pytest.approx(whole.opt.learning_rates)


def test_a_run_that_has_ended_at_the_noise_is_not_continued(tmp_path):
    def make():
        opt = adam(patience=3)
        return make_linear_problem().inversion(opt, [directives.SaveCheckpoint(tmp_path / "run.npz")])

    whole = make()
    expected = whole.run(START)
    again = make()
    np.testing.assert_array_equal(directives.resume(again, tmp_path / "run.npz"), expected)
    assert again.opt.stopped_because == "target"
    assert again.opt.steps == whole.opt.steps


def test_a_run_is_resumed_with_more_iterations_than_its_schedule(tmp_path):
    def make(n):
        opt = adam(maxIter=n, scheduler="onecycle", target_chi=None)
        return make_linear_problem().inversion(opt, [directives.SaveCheckpoint(tmp_path / "run.npz")])

    make(5).run(START)
    again = make(9)
    directives.resume(again, tmp_path / "run.npz")
    assert again.opt.iter == 9


def test_a_checkpoint_of_another_optimizer(tmp_path):
    path = tmp_path / "run.npz"
    make_linear_problem().inversion(adam(maxIter=3), [directives.SaveCheckpoint(path)]).run(START)
    opt = quiet(TorchMinimize("sgd", 1e-6, maxIter=5))
    other = make_linear_problem().inversion(opt, [directives.SaveCheckpoint(path)])
    with pytest.raises(ValueError, match="the checkpoint is of TorchMinimize, Adam, this is TorchMinimize, SGD"):
        directives.resume(other, path)
