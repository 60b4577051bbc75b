"""Arguments that TorchMinimize refuses, and its messages."""

import numpy as np
import pytest
import torch

from simpeg_jointdl.optimization import TorchMinimize
from tests.optimization.torch_optim.problems import Bowl, quiet

ERRORS = [
    ({"optimizer": "adamm"}, ValueError, r"optimizer: got 'adamm' \(did you mean 'adam'\?\), wanted one of"),
    ({"optimizer": 3}, TypeError, r"optimizer: got int, wanted a name, or a class or function such as torch\.optim"),
    ({"scheduler": "cosinus"}, ValueError, r"scheduler: got 'cosinus' \(did you mean 'cosine'\?\)"),
    ({"scheduler": 1.0}, TypeError, r"scheduler: got float, wanted a name"),
    ({"optimizer_options": {"momentum": 0.9}}, ValueError, r"optimizer_options: Adam\(.*was refused \(.*'momentum'"),
    ({"optimizer_options": {"betas": (2.0, 0.9)}}, ValueError, r"optimizer_options: Adam\(.*Invalid beta"),
    ({"scheduler": "step"}, ValueError, r"scheduler_options: StepLR\(\) was refused \(.*step_size"),
    ({"scheduler": "cosine", "scheduler_options": {"T": 1}}, ValueError, r"scheduler_options: CosineAnnealingLR"),
    ({"lr": 0.0}, ValueError, r"lr: got 0\.0, wanted a finite number above 0"),
    ({"lr": "fast"}, TypeError, r"lr: got 'fast'"),
    ({"maxIter": 0}, ValueError, r"maxIter: got 0, wanted a whole number of at least 1"),
    ({"maxIter": 2.5}, ValueError, r"maxIter: got 2\.5"),
    ({"patience": 0}, ValueError, r"patience: got 0"),
    ({"stall": -1}, ValueError, r"stall: got -1"),
    ({"steps_per_iteration": True}, TypeError, r"steps_per_iteration: got True"),
    ({"keep": "all"}, ValueError, r"keep: got 'all', wanted one of 'best', 'first', 'last'"),
    ({"target_chi": 0.0}, ValueError, r"target_chi: got 0, wanted every entry above 0"),
    ({"target_chi": "low"}, TypeError, r"target_chi: got an array of <U3"),
    ({"target_chi": [1.0, np.nan]}, ValueError, r"target_chi: got 1 of 2 entries that are NaN or infinite"),
    ({"max_gradient_norm": np.inf}, ValueError, r"max_gradient_norm: got inf"),
    ({"dtype": "float16"}, ValueError, r"dtype: got 'float16'"),
    ({"device": "abacus"}, ValueError, r"device: got 'abacus'"),
    ({"parameter_groups": {"lr": 1.0}}, TypeError, r"parameter_groups: got .*, wanted a list of dicts"),
    ({"parameter_groups": [{"lr": 1.0}]}, TypeError, r"parameter_groups: got .*, wanted a list of dicts"),
]


@pytest.mark.parametrize(("options", "kind", "message"), ERRORS, ids=lambda one: str(one)[:40])
def test_arguments(options, kind, message):
    with pytest.raises(kind, match=message):
        TorchMinimize(**options)


@pytest.mark.parametrize("where", [slice(2, 2), slice(0, 6, 2), slice(7, 9), slice(3, 5)])
def test_groups_that_do_not_fit(where):
    groups = [{"parameters": slice(4, 6)}, {"parameters": where}]
    minimizer = quiet(TorchMinimize(parameter_groups=groups))
    with pytest.raises(ValueError, match=r"parameter_groups\[1\]: got slice.* of 6 parameters, wanted a slice"):
        minimizer.minimize(Bowl(), np.zeros(6))


def test_groups_with_options_that_do_not_fit():
    minimizer = quiet(TorchMinimize(parameter_groups=[{"parameters": slice(2), "lr": -1.0}]))
    with pytest.raises(ValueError, match=r"parameter_groups\[0\]\['lr'\]: got -1\.0, wanted a finite number above 0"):
        minimizer.minimize(Bowl(), np.zeros(6))


@pytest.mark.parametrize(("options", "what"), [({"lower": 0.0}, "bounds"), ({"max_gradient_norm": 1.0}, "max_grad")])
def test_lbfgs_takes_no_bounds_and_no_shortened_gradients(options, what):
    minimizer = quiet(TorchMinimize("lbfgs", **options))
    with pytest.raises(ValueError, match=f"'lbfgs' searches for its steps itself and takes no {what}"):
        minimizer.minimize(Bowl(), np.zeros(6))
    endless = quiet(TorchMinimize("lbfgs", lower=-np.inf, upper=np.inf, maxIter=30))
    np.testing.assert_allclose(endless.minimize(Bowl(), np.zeros(6)), 1.0, atol=1e-3)


@pytest.mark.parametrize("start", [np.array([0.0, np.nan]), np.zeros((2, 3)), np.zeros(0)])
def test_starting_models(start):
    with pytest.raises(ValueError, match=r"minimize: got x0 of shape .* NaN or infinite, wanted finite numbers"):
        quiet(TorchMinimize()).minimize(Bowl(), start)


@pytest.mark.parametrize("bad", [{"nan_at": 1}, {"nan_gradient_at": 1}])
def test_a_function_that_is_not_finite_at_the_start(bad):
    with pytest.raises(ValueError, match="NaN or infinite at the starting model; begin at another one"):
        quiet(TorchMinimize()).minimize(Bowl(**bad), np.zeros(6))


def test_a_gradient_of_another_shape():
    with pytest.raises(ValueError, match=r"gave a gradient of shape \(2,\), wanted \(6,\)"):
        quiet(TorchMinimize()).minimize(lambda x, **flags: (1.0, np.zeros(2)), np.zeros(6))


@pytest.mark.parametrize(("which", "make"), [("optimizer", lambda p: None), ("scheduler", lambda o: 3)])
def test_functions_that_make_something_else(which, make):
    minimizer = quiet(TorchMinimize(**{which: make}))
    with pytest.raises(TypeError, match=rf"{which}: made a .*, wanted a"):
        minimizer.minimize(Bowl(), np.zeros(6))


OPTIMIZERS = [
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_of_torch_takes_a_vector_or_is_refused_by_torch(name):
    """Torch has some for sparse gradients or for matrices only."""
    if name in ("SparseAdam", "Muon"):
        with pytest.raises((ValueError, RuntimeError)):
            quiet(TorchMinimize(name, maxIter=2)).minimize(Bowl(), np.zeros(6))
        return
    found = quiet(TorchMinimize(name, maxIter=2)).minimize(Bowl(), np.zeros(6))
    assert (found > 0.0).all()
