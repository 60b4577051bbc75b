"""Whether a checkpoint is of the problem at hand."""

from __future__ import annotations

import hashlib

import numpy as np

from .._base import is_passive
from ._state import sum_of_terms


def fingerprint(inversion) -> dict:
    """What makes a problem that problem, as a flat dict with names to show.

    Data and uncertainties, terms, meshes, active cells, and the directives that change something; not what may
    change between one part of a run and the next, such as the largest number of iterations.
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


def differences(known: dict, found: dict) -> str:
    """Sentence on what differs between two fingerprints; empty where nothing does."""
    return "; ".join(
        f"{key} {known.get(key)} there, {found[key]} here" for key in found if known.get(key) != found[key]
    )


def _n_data(misfit):
    simulation = getattr(misfit, "simulation", None)
    return None if simulation is None else int(simulation.survey.nD)


def _digest(misfit, name):
    data = getattr(misfit, "data", None)
    return None if data is None else _sha256(getattr(data, name))


def _sha256(values) -> str:
    # the beginning is enough to tell two apart, and to show
    return hashlib.sha256(np.ascontiguousarray(values, dtype=complex)).hexdigest()[:16]
