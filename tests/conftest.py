"""Knobs of the tests: where they compute, what they skip, and that nothing in them is left to chance."""

import gc
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

OURS = tuple(str(Path(__file__).parents[1] / name) + os.sep for name in ("simpeg_jointdl", "tests"))
TORCH_SEED = 0x5EED

os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="torch device of tests that take the device fixture")
    parser.addoption("--dtype", default="float64", choices=["float64", "float32"], help="their type")
    parser.addoption("--benchmark", action="store_true", help="also run tests marked as benchmarks")


def pytest_configure(config):
    torch.set_num_threads(1)  # small tensors; two threads that wait for a busy core take 100 times as long
    # torch's own, when torch.func.jvp first runs in a process
    config.addinivalue_line("filterwarnings", "ignore:.torch.jit.script. is deprecated:DeprecationWarning")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--benchmark"):
        for item in items:
            if "benchmark" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="a measurement: run with --benchmark"))


@pytest.fixture(scope="session")
def device(pytestconfig) -> torch.device:
    """Where to compute, ``--device``."""
    return torch.device(pytestconfig.getoption("--device"))


@pytest.fixture(scope="session")
def dtype(pytestconfig) -> torch.dtype:
    """What to compute in, ``--dtype``; tests of laws that hold to round-off stay in float64."""
    return getattr(torch, pytestconfig.getoption("--dtype"))


@pytest.fixture(scope="session", autouse=True)
def _numpy_randomness_is_seeded():
    """numpy's global generator, and ``default_rng()`` without a seed, raise when we call them; others may."""
    state = np.random.mtrand._rand
    legacy = [name for name in dir(np.random) if getattr(getattr(np.random, name), "__self__", None) is state]
    with pytest.MonkeyPatch.context() as patch:
        for name in [*legacy, "default_rng"]:
            patch.setattr(np.random, name, _guarded(name, getattr(np.random, name)))
        yield


@pytest.fixture(autouse=True)
def _torch_randomness_is_seeded():
    """A test that moves torch's global generator without having seeded it fails."""
    generator = torch.default_generator
    generator.manual_seed(TORCH_SEED)
    before = generator.get_state()
    yield
    if generator.initial_seed() == TORCH_SEED and not torch.equal(before, generator.get_state()):
        pytest.fail("unseeded randomness: torch's global generator was used; pass generator= or seed it")


@pytest.fixture
def field_data() -> Path:
    """Folder of the field data; tests that need it are skipped visibly without it."""
    folder = os.environ.get("SIMPEG_JOINTDL_DATA")
    if not folder:
        pytest.skip("field data: set SIMPEG_JOINTDL_DATA to their folder")
    return Path(folder)


def _guarded(name, function):
    def guarded(*args, **kwargs):
        given = [*args, *kwargs.values()]
        is_seeded = name == "default_rng" and given and given[0] is not None
        if not is_seeded and sys._getframe(1).f_code.co_filename.startswith(OURS):
            msg = f"unseeded randomness: np.random.{name}; use np.random.default_rng(random_seed)"
            raise AssertionError(msg)
        return function(*args, **kwargs)

    return guarded


def pytest_collection_finish(session):
    # SimPEG collects garbage at every evaluation; torch's modules alone make that 0.1 s each, and its optimizers
    # import many more when the first of them is made
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    gc.collect()
    gc.freeze()
