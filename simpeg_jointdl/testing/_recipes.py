"""Contract checks for recipes."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..directives import read_log
from ..recipes import BaseRecipe
from ._laws import check_close, check_that

CHIFACT = {"chifact": -1.0}  # an option that every recipe refuses, unless it has another name for it


def check_recipe(
    create: functools.partial[BaseRecipe],
    folder: Path,
    *,
    wrong: Mapping[str, Any] = CHIFACT,
    has_files: bool = True,
    copiers: Sequence[Callable[[BaseRecipe], BaseRecipe]] = (copy.deepcopy,),
    rtol: float = 1e-8,
) -> None:
    """Check that a recipe does what every recipe does.

    It prints nothing without progress, gives the same result again, keeps a log, continues from a checkpoint, names
    itself in errors, and can be copied before and after it has run.

    Parameters
    ----------
    create : functools.partial
        The function that makes the recipe, with its data and options, but without `progress`, `checkpoint` and `log`.
        The problem should be small, since the recipe is created and run several times.
    folder : pathlib.Path
        Empty folder for the files.
    wrong : dict of str to object
        Options that the function refuses with a ValueError.
    has_files : bool
        Whether the function takes `checkpoint` and `log`.
    copiers : sequence of callable
        Functions that copy a recipe: ``copy.deepcopy``, or one that pickles it and reads it back.
    rtol : float
        Largest difference of a continued run, relative to the largest entry.

    Raises
    ------
    AssertionError
        If a check fails; it names the check.
    """
    make = functools.partial(create, progress=False)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        recipe = make()
        check_before_run(recipe)
        copies = [copied(recipe) for copied in copiers]
        found = check_run(recipe)
        for one in copies:
            check_same(results_of(one.run()), found, 0.0, "the run of a copy")
        check_same(results_of(make().run()), found, 0.0, "the run of another recipe")
        for one in (copied(recipe) for copied in copiers):
            check_same(one.properties(one.model), recipe.properties(recipe.model), 0.0, "a copy after the run")
            check_close(one.chi, recipe.chi, 0.0, "chi of a copy after the run")
        check_errors(create.func.__name__, make, wrong, folder, has_files)
        if has_files:
            check_files(make, folder, found, int(recipe.inversion.opt.iter), rtol)
    check_that(not printed.getvalue(), f"with progress=False nothing is printed, got {printed.getvalue()[:80]!r}")


def check_before_run(recipe: BaseRecipe) -> None:
    """Check what a recipe says before it has run."""
    name = type(recipe).__name__
    start = recipe.properties(recipe.initial_model)
    check_that(recipe.model is None, "model is None before the run")
    check_that(list(start) == list(recipe.maps), "properties and maps have the same names")
    check_that(all(np.isfinite(values).all() for values in start.values()), "the starting model is finite")
    _check_refused(lambda: recipe.properties(np.zeros(3)), ValueError, f"{name}.properties: ")
    _check_refused(lambda: recipe.chi, ValueError, f"{name}.chi: ")
    _check_refused(recipe.resume, ValueError, f"{name}.resume: ")


def check_run(recipe: BaseRecipe) -> dict[str, np.ndarray]:
    """Check a run, and return what it found."""
    found = results_of(recipe.run())
    check_that(recipe.model is not None and recipe.model.shape == recipe.initial_model.shape, "model after the run")
    check_that(np.isfinite(recipe.chi).all(), "chi is finite after the run")
    check_that(set(recipe.properties(recipe.model)) <= set(found), "run returns every property")
    check_that(all(np.isfinite(values).all() for values in found.values()), "what the run returns is finite")
    check_that(len(recipe.log.history["chi"]) > 0, "the log has the misfits of every iteration")
    return found


def check_errors(name: str, make: Callable[..., BaseRecipe], wrong: Mapping, folder: Path, has_files: bool) -> None:
    """Check that errors begin with the name of the function and its argument."""
    for argument, value in wrong.items():
        _check_refused(functools.partial(make, **{argument: value}), ValueError, f"{name}.{argument}: ")
    _check_refused(functools.partial(make, no_such_argument=1), TypeError, f"{name}() got an unexpected")
    for argument in ("checkpoint", "log") if has_files else ():
        path = {argument: folder / "absent" / "file"}
        _check_refused(functools.partial(make, **path), OSError, f"{name}.{argument}: ")


def check_files(
    make: Callable[..., BaseRecipe], folder: Path, found: Mapping[str, np.ndarray], iterations: int, rtol: float
) -> None:
    """Check the log, and that a run that was cut off goes on to the same result."""
    files = {"checkpoint": folder / "state.npz", "log": folder / "log.csv"}
    cut = make(**files)
    cut.inversion.opt.maxIter = max(1, iterations // 2)
    cut.run()
    check_that(len(read_log(files["log"])["iteration"]) == cut.inversion.opt.iter, "one line of the log per iteration")
    check_same(results_of(make(**files).resume()), found, rtol, "a run that was continued")
    check_that(len(read_log(files["log"])["iteration"]) == iterations, "a continued run continues the log")
    check_same(results_of(make(**files).resume()), found, rtol, "a run that had ended, resumed")


def results_of(found: Any) -> dict[str, np.ndarray]:
    """Return what a run found as arrays by name, whether it is a dict or an object with members."""
    return dict(found) if isinstance(found, Mapping) else dict(found.members)


def check_same(found: Mapping, wanted: Mapping, rtol: float, what: str) -> None:
    """Check that two results have the same names and values."""
    check_that(list(found) == list(wanted), f"{what} has the same names")
    for name, values in wanted.items():
        check_close(found[name], values, rtol, f"{name} of {what}")


def _check_refused(call: Callable[[], Any], error: type[Exception], begin: str) -> None:
    try:
        call()
    except error as caught:
        check_that(str(caught).startswith(begin), f"an error that begins with {begin!r}, got {str(caught)[:80]!r}")
        return
    check_that(False, f"{error.__name__} that begins with {begin!r}")
