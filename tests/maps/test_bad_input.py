"""Every module that cannot stand for a model says why, and what to do."""

import numpy as np
import pytest
import torch
from discretize import TensorMesh

from simpeg_jointdl import maps
from tests.maps.problem import network, seeded

MESH = TensorMesh([3, 2, 2])
INPUTS = np.linspace(-1.0, 1.0, 12).reshape(4, 3)


def linear(*more, n=2):
    return seeded(lambda: torch.nn.Sequential(torch.nn.Linear(3, 3), *more, torch.nn.Linear(3, n)))


class OnlyBuffers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.ones(3))


class Own(torch.nn.Module):
    """A parameter, and any function of it."""

    def __init__(self, function):
        super().__init__()
        self.weight, self.function = torch.nn.Parameter(torch.arange(1.0, 4.0)), function
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        return self.function(self, x)


def overwrite_needed(module, x):
    y = torch.exp(x * module.weight)
    y += 1.0
    return y.mul_(2.0)


def overwrite_input(module, x):
    x += 1.0
    return x * module.weight


def count_calls(module, x):
    module.seen += 1.0
    return x * module.weight


MODULES = {
    "no module": (lambda: np.tanh, TypeError, "torch.nn.Module"),
    "no parameters": (lambda: torch.nn.Tanh(), ValueError, "has no parameters"),
    "buffers only": (OnlyBuffers, ValueError, "only the buffers \\['table'\\]"),
    "dropout": (lambda: linear(torch.nn.Dropout(0.5)), ValueError, "training mode.*Call module.eval"),
    "batch norm": (lambda: linear(torch.nn.BatchNorm1d(3)), ValueError, "training mode.*Call module.eval"),
    "in place": (lambda: Own(overwrite_needed), ValueError, "Replace in-place operations"),
    "writes to its inputs": (lambda: Own(overwrite_input), ValueError, "writes to its inputs or buffers"),
    "writes to buffers": (lambda: Own(count_calls), ValueError, "writes to its inputs or buffers"),
    "random": (lambda: Own(lambda m, x: x * m.weight * _noise(x)), ValueError, "other outputs the second time"),
    "NaN": (lambda: Own(lambda m, x: x * torch.log(-m.weight)), ValueError, "12 of 12 outputs are NaN"),
    "tuple": (lambda: Own(lambda m, x: (x, x)), TypeError, "its output is tuple"),
    "whole numbers": (lambda: Own(lambda m, x: (x > 0).long()), TypeError, "its output is torch.int64"),
}
GENERATOR = torch.Generator().manual_seed(0)


def _noise(x):
    return torch.rand(x.shape, generator=GENERATOR, dtype=x.dtype)


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    make, error, message = MODULES[name]
    with pytest.raises(error, match=message):
        maps.TorchMap(make(), INPUTS)


def test_evaluation_mode_is_enough():
    module = linear(torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(3)).eval()
    mapping = maps.TorchMap(module, INPUTS)
    assert (mapping * mapping.initial_model()).shape == (8,)


def test_wrong_number_of_values():
    with pytest.raises(ValueError, match=r"output of shape \(4, 2\) with 8 values, wanted 4"):
        maps.TorchMap(linear(), INPUTS, n_values=4)


@pytest.mark.parametrize("frozen", ["nothing.*", ["0.weight", "nothing"]])
def test_frozen_names_that_do_not_exist(frozen):
    with pytest.raises(ValueError, match=r"matches no parameter, wanted some of \['0.weight'"):
        maps.TorchMap(linear(), INPUTS, frozen=frozen)


def test_everything_frozen():
    with pytest.raises(ValueError, match="every parameter is frozen"):
        maps.TorchMap(linear(), INPUTS, frozen="*")


@pytest.mark.parametrize("model", [np.zeros(5), np.zeros((20, 1)), np.zeros(0)])
def test_models_of_another_length(model):
    mapping = maps.TorchMap(linear(), INPUTS)
    with pytest.raises(ValueError, match="wanted \\(20,\\)"):
        mapping.deriv(model)


def test_not_a_number_says_whose_it_is():
    mapping = maps.TorchMap(linear(), INPUTS)
    with pytest.raises(FloatingPointError, match="the model contains NaN"):
        mapping * np.full(20, np.nan)
    with pytest.raises(FloatingPointError, match="its outputs at this model contain NaN or infinite"):
        mapping * np.full(20, 1e200)


def test_no_way_to_draw_afresh():
    mapping = maps.TorchMap(Own(lambda m, x: x * m.weight), INPUTS)
    np.testing.assert_array_equal(mapping.initial_model(), [1, 2, 3])
    with pytest.raises(ValueError, match="cannot be initialized from a seed"):
        mapping.initial_model(random_seed=0)


ARGUMENTS = [
    ({"bounds": [(0, 1)]}, "got 1 pairs for 2 properties"),
    ({"bounds": [(0, 1), (2, 1)]}, "property 1 got \\(2, 1\\), wanted a lower bound below"),
    ({"bounds": [(0, 1), 3]}, "property 1 got 3, wanted \\(lower, upper\\)"),
    ({"bounds": [(0, 1), None], "start": [1.0, 0.0]}, "property 0 got 1, wanted a value strictly between 0 and 1"),
    ({"start": [0.0]}, "wanted 2 values of each"),
    ({"points_per_cell": 0}, "points_per_cell: got 0"),
    ({"points_per_cell": (1, 2)}, "points_per_cell: got \\(1, 2\\)"),
    ({"domain": [[0, 0, 0], [1, 1, 0]]}, "domain: got"),
    ({"n_properties": 0}, "n_properties=0"),
    ({"max_points": 0}, "max_points=0"),
    ({"n_properties": 3}, "got an output of \\(12, 2\\), wanted \\(12, 3\\)"),
]


@pytest.mark.parametrize(("options", "message"), ARGUMENTS)
def test_inr_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        maps.INRMap(MESH, network=network(2), **{"n_properties": 2, **options})


def test_points_elsewhere():
    mapping = maps.INRMap(MESH, network=network(1))
    with pytest.raises(ValueError, match="wanted \\(n_points, 3\\)"):
        mapping.evaluate(mapping.initial_model(), np.zeros(3))
