"""Fingerprints of inverse problems, which tell whether a checkpoint belongs to the problem at hand."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from simpeg.inversion import BaseInversion

from ..._core.protocols import HasSimulation
from .._base import is_passive
from ._state import sum_of_terms


def fingerprint(inversion: BaseInversion) -> dict[str, Any]:
    """Return what distinguishes an inverse problem from others, under names that a message can show.

    It covers data and uncertainties, terms, meshes, active cells, and the directives that change something. It leaves
    out what may differ between two parts of a run, such as the largest number of iterations.
    """
    problem = inversion.invProb
    misfits, terms = problem.dmisfit.objfcts, sum_of_terms(problem.reg).objfcts
    meshes = [getattr(term, "regularization_mesh", None) for term in terms]
    return {
        "number of data": [_n_data(misfit) for misfit in misfits],
        "observed data": [_digest(misfit, "dobs") for misfit in misfits],
        "uncertainties": [_digest(misfit, "standard_deviation") for misfit in misfits],
        "number of parameters": problem.reg.nP,
        "terms of the regularization": [type(term).__name__ for term in terms],
        "cells of the meshes": [None if mesh is None else int(mesh.mesh.n_cells) for mesh in meshes],
        "active cells": [None if mesh is None else int(mesh.n_cells) for mesh in meshes],
        "volumes of the cells": [None if mesh is None else _sha256(mesh.vol) for mesh in meshes],
        "directives": [type(one).__name__ for one in inversion.directiveList if not is_passive(one)],
    }


def differences(saved: dict[str, Any], current: dict[str, Any]) -> str:
    """Return in words what differs between two fingerprints; an empty string if nothing does."""
    return "; ".join(
        f"{key} {saved.get(key)} in the file, {current[key]} here" for key in current if saved.get(key) != current[key]
    )


def _n_data(misfit):
    return int(misfit.simulation.survey.nD) if isinstance(misfit, HasSimulation) else None


def _digest(misfit, name):
    data = getattr(misfit, "data", None)
    return None if data is None else _sha256(getattr(data, name))


def _sha256(values) -> str:
    # the first characters are enough to distinguish two, and short enough to show
    return hashlib.sha256(np.ascontiguousarray(values, dtype=complex)).hexdigest()[:16]
