"""TorchMinimize on plain functions gives the same as a loop in torch, with one evaluation per step."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from discretize.tests import rosenbrock
from simpeg.optimization import IterationPrinters

from simpeg_jointdl.optimization import TorchMinimize
from tests.optimization.torch_optim.problems import Bowl, plain_loop, run

# what it is ------------------------------------------------------------------------------------------
OPTIMIZERS = {
    "adam": (torch.optim.Adam, {}),
    "AdamW": (torch.optim.AdamW, {"weight_decay": 0.1}),
    "sgd": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "nadam": (torch.optim.NAdam, {}),
    "radam": (torch.optim.RAdam, {"betas": (0.8, 0.9)}),
    "adagrad": (torch.optim.Adagrad, {}),
    "rprop": (torch.optim.Rprop, {}),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_the_plain_loop(name, device):
    kind, options = OPTIMIZERS[name]
    expected = plain_loop(lambda x: kind(x, lr=0.05, **options), 40)
    for optimizer in (name, kind):
        found, minimizer = run(optimizer, 0.05, maxIter=40, optimizer_options=options, keep="last", device=device)
        np.testing.assert_allclose(found, expected, rtol=1e-13 if device.type == "cpu" else 1e-10)
    assert minimizer.steps == minimizer.iter == 40
    assert minimizer.stopped_because == "maxIter"


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_lbfgs_equals_the_plain_loop(line_search):
    options = {"max_iter": 3, "line_search_fn": line_search, "max_eval": 20}
    expected = plain_loop(lambda x: torch.optim.LBFGS(x, lr=0.3, **options), 4)
    found, _ = run("lbfgs", 0.3, maxIter=4, optimizer_options=options, keep="last")
    np.testing.assert_allclose(found, expected, rtol=1e-12)


SCHEDULES = {
    "onecycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.05, total_steps=30),
    "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 30),
    "CosineAnnealingLR": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 30),
    "linear": lambda o: torch.optim.lr_scheduler.LinearLR(o, total_iters=30),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_have_the_length_of_the_run(name):
    expected = plain_loop(lambda x: torch.optim.Adam(x, lr=0.05), 30, SCHEDULES[name])
    for scheduler in (name, SCHEDULES[name]):
        found, _ = run("adam", 0.05, maxIter=10, steps_per_iteration=3, scheduler=scheduler, keep="last")
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_schedules_with_options_and_the_plateau():
    _, minimizer = run("sgd", 0.1, maxIter=7, scheduler="step", scheduler_options={"step_size": 3, "gamma": 0.1})
    assert minimizer.learning_rates == pytest.approx((1e-3,))
    options = {"patience": 2, "factor": 0.5}
    _, minimizer = run("sgd", 0.3, maxIter=60, scheduler="plateau", scheduler_options=options)
    assert minimizer.learning_rates[0] < 0.3


def test_a_function_may_make_the_optimizer_and_the_scheduler():
    def optimizer(parameters, lr=0.02):
        return torch.optim.Adam(parameters, lr=lr, eps=1e-3)

    def scheduler(made):
        return torch.optim.lr_scheduler.LambdaLR(made, lambda step: 1.0 / (1.0 + step))

    found, minimizer = run(optimizer, maxIter=4, scheduler=scheduler, keep="last")
    expected = plain_loop(optimizer, 4, scheduler)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert minimizer.learning_rates == pytest.approx((0.02 / 5.0,))


# where it goes ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "lr", "n"), [("adam", 0.1, 400), ("sgd", 0.05, 400), ("lbfgs", None, 30)])
def test_a_quadratic_function(name, lr, n):
    found, minimizer = run(name, lr, maxIter=n)
    np.testing.assert_allclose(found, 1.0, atol=1e-5)
    assert minimizer.f == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("name", "lr", "n"), [("adam", 0.05, 3000), ("lbfgs", None, 60)])
def test_rosenbrock(name, lr, n):
    """The function of discretize's tests, in the form of SimPEG's minimizers."""
    found, _ = run(name, lr, maxIter=n, function=rosenbrock, start=np.array([-1.0, 1.5]))
    np.testing.assert_allclose(found, 1.0, atol=1e-3)


@pytest.mark.parametrize("steps_per_iteration", [1, 4])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_one_evaluation_per_step(steps_per_iteration, keep):
    bowl = Bowl()
    _, minimizer = run("adam", 1e-3, maxIter=20, steps_per_iteration=steps_per_iteration, function=bowl, keep=keep)
    assert bowl.count == minimizer.evaluations == 20 * steps_per_iteration + 1
    assert minimizer.steps == 20 * steps_per_iteration
    assert minimizer.iter == 20


def test_lbfgs_does_not_evaluate_a_point_again():
    bowl = Bowl()
    run("lbfgs", maxIter=6, function=bowl)
    rounded = [tuple(x) for x in bowl.seen]
    assert sum(a == b for a, b in pairwise(rounded)) == 0


def test_models_that_were_returned_are_never_written_to():
    bowl = Bowl()
    start = np.zeros(6)
    bowl.seen_values = []

    def function(x, **flags):
        bowl.seen_values.append(x.copy())
        return bowl(x, **flags)

    run("adam", 0.1, maxIter=10, function=function, start=start)
    for kept, then in zip(bowl.seen, bowl.seen_values, strict=True):
        np.testing.assert_array_equal(kept, then)
    np.testing.assert_array_equal(start, 0.0)


def test_every_run_gives_the_same_result():
    one, minimizer = run("adam", 0.1, maxIter=30, scheduler="onecycle")
    again = minimizer.minimize(Bowl(), np.zeros(6))
    np.testing.assert_array_equal(one, again)
    assert minimizer.steps == 30


def test_callbacks_and_printers_see_every_iteration(capsys):
    minimizer = TorchMinimize("adam", 0.1, maxIter=6, steps_per_iteration=2)
    minimizer.printers = [*minimizer.printers, IterationPrinters.aSet]
    models = []
    minimizer.callback = models.append
    minimizer.minimize(Bowl(), np.zeros(6))
    assert len(models) == 6
    shown = capsys.readouterr().out
    assert "TorchMinimize, Adam" in shown
    assert "1.00e-01" in shown
    assert "maxIter" in shown


# bounds, groups, types --------------------------------------------------------------------------------
@pytest.mark.parametrize(("lower", "upper"), [(None, 0.5), (1.5, None), (-0.2, np.linspace(0.2, 1.2, 6))])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bounds(lower, upper, dtype, device):
    bowl = Bowl()
    where = {"dtype": dtype, "device": device}
    found, minimizer = run("adam", 0.05, maxIter=300, lower=lower, upper=upper, function=bowl, **where)
    ends = (-np.inf if lower is None else lower, np.inf if upper is None else upper)
    assert all((x >= ends[0]).all() and (x <= ends[1]).all() for x in bowl.seen)
    np.testing.assert_allclose(found, np.clip(np.ones(6), *ends), atol=1e-3)
    assert minimizer.activeSet(found).any()


def test_gradients_are_shortened():
    expected = plain_loop(lambda x: torch.optim.SGD(x, lr=0.1), 8, clip=0.5)
    found, _ = run("sgd", 0.1, maxIter=8, max_gradient_norm=0.5, keep="last")
    np.testing.assert_allclose(found, expected, rtol=1e-5)  # torch adds 1e-6 to the norm
    long, _ = run("sgd", 0.1, maxIter=8, max_gradient_norm=1e9, keep="last")
    np.testing.assert_array_equal(long, run("sgd", 0.1, maxIter=8, keep="last")[0])


def test_groups_of_parameters():
    groups = [{"parameters": slice(2, 4), "lr": 1e-12}, {"parameters": slice(5, None), "lr": 0.2}]
    found, minimizer = run("sgd", 0.1, maxIter=5, parameter_groups=groups, keep="last")
    assert minimizer.learning_rates == (0.1, 1e-12, 0.2)
    plain = plain_loop(lambda x: torch.optim.SGD(x, lr=0.1), 5)
    np.testing.assert_allclose(found[[0, 1, 4]], plain[[0, 1, 4]], rtol=1e-13)
    np.testing.assert_allclose(found[2:4], 0.0, atol=1e-10)
    assert found[5] == pytest.approx(plain_loop(lambda x: torch.optim.SGD(x, lr=0.2), 5)[5], rel=1e-13)
    _, minimizer = run("adam", 0.1, maxIter=5, parameter_groups=groups, scheduler="onecycle")
    assert len(minimizer.learning_rates) == 3


def test_groups_of_all_parameters():
    groups = [{"parameters": slice(3)}, {"parameters": slice(3, 6), "lr": 0.01}]
    _, minimizer = run("adam", 0.1, maxIter=2, parameter_groups=groups)
    assert minimizer.learning_rates == (0.1, 0.01)


def test_float32():
    bowl = Bowl()
    found, _ = run("adam", 0.05, maxIter=40, dtype="float32", function=bowl, keep="last")
    expected = plain_loop(lambda x: torch.optim.Adam(x, lr=0.05), 40, dtype=torch.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.dtype == np.float64
    assert all(np.array_equal(x, x.astype(np.float32)) for x in bowl.seen)
