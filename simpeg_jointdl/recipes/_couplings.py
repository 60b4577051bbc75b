"""Couplings as the recipes take them: ready-made, or as what makes them."""

from __future__ import annotations

from collections.abc import Iterable

from simpeg.objective_function import BaseObjectiveFunction
from simpeg.regularization import BaseSimilarityMeasure


def listed_couplings(couplings) -> list:
    """Return a list of what was given for ``couplings=``: None, one, or a sequence."""
    if couplings is None:
        return []
    if isinstance(couplings, str) or callable(couplings) or not isinstance(couplings, Iterable):
        return [couplings]
    return list(couplings)


def made_coupling(who: str, make, mesh, **options) -> BaseSimilarityMeasure:
    """Make a coupling from a class or function; TypeError if it makes anything else."""
    # SimPEG's objective functions are callable, but make nothing
    if not callable(make) or isinstance(make, BaseObjectiveFunction):
        raise TypeError(_not_a_coupling(who, make))
    coupling = make(mesh, **options)
    if not isinstance(coupling, BaseSimilarityMeasure):
        raise TypeError(_not_a_coupling(who, coupling))
    return coupling


def _not_a_coupling(who: str, coupling) -> str:
    return (
        f"{who}.couplings: got {type(coupling).__name__}, wanted a coupling, or what makes one: a class "
        "such as regularization.CrossGradient, or functools.partial(regularization.Gramian, window=...). "
        "Strengths go into coupling_ratios."
    )
