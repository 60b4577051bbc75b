"""What of each object of an inversion the next iteration depends on, and how it is put back.

An object may say so itself, by ``checkpoint_state()``, which returns a dict of plain values (numbers, strings, None,
arrays, lists and dicts of these), and ``restore_checkpoint_state(state)``. Of other directives all attributes that are
plain are kept; the minimizer and the terms are served by the tables here.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from simpeg.directives import InversionDirective
from simpeg.inverse_problem import BaseInvProblem
from simpeg.objective_function import ComboObjectiveFunction
from simpeg.optimization import Bounded, Minimize
from simpeg.regularization import BaseRegularization, Sparse, WeightedLeastSquares
from simpeg.regularization.sparse import BaseSparse

from .._base import is_passive, unique_names
from ._file import is_plain

# attributes that are there, read and set by their names
_ATTRIBUTES = (
    (BaseInvProblem, ("beta", "phi_d", "phi_m", "phi_d_last", "phi_m_last", "dpred", "l2model")),
    (Minimize, ("iter", "iterLS", "f", "f_last", "f0", "g0", "x0", "x_last", "comment", "stopNextIteration")),
    (Minimize, ("_LS_t", "_LS_ft", "cg_count", "cg_abs_resid", "cg_rel_resid")),
    (Minimize, ("_was_default_hinv", "_bfgscnt", "_bfgsY", "_bfgsS", "g_last")),
    (Minimize, ("_itType", "explorePG", "exploreCG", "stopDoingPG", "f_decrease_max", "aSet_prev")),
    (Bounded, ("lower", "upper")),
    (WeightedLeastSquares, ("alpha_s", "alpha_x", "alpha_y", "alpha_z", "alpha_xx", "alpha_yy", "alpha_zz")),
    ((WeightedLeastSquares, BaseRegularization), ("reference_model",)),
    (Sparse, ("norms",)),
    (BaseSparse, ("norm", "irls_threshold")),
)


def state_of(thing) -> dict:
    """State of an object and of the terms it is the sum of."""
    state = {name: getattr(thing, name) for name in _names(thing) if hasattr(thing, name)}
    for kind, key, read, _ in _SPECIAL:
        if isinstance(thing, kind):
            state[key] = read(thing)
    if hasattr(thing, "checkpoint_state"):
        state["own"] = thing.checkpoint_state()
    if isinstance(thing, ComboObjectiveFunction):
        state["parts"] = [state_of(part) for part in thing.objfcts]
    return state


def restore_state(thing, state: dict):
    """Put an object, and the terms it is the sum of, back into a state."""
    for name in _names(thing):
        # None is what an object starts with, and not every setter takes it
        if name in state and not (state[name] is None and getattr(thing, name, None) is None):
            setattr(thing, name, state[name])
    for kind, key, _, write in _SPECIAL:
        if isinstance(thing, kind) and state.get(key) is not None:
            write(thing, state[key])
    if hasattr(thing, "restore_checkpoint_state") and "own" in state:
        thing.restore_checkpoint_state(state["own"])
    for part, known in zip(getattr(thing, "objfcts", ()), state.get("parts", ()), strict=True):
        restore_state(part, known)


def state_of_inversion(inversion) -> dict:
    """State of all objects of an inversion, at the end of an iteration."""
    problem, directives = inversion.invProb, named_directives(inversion)
    return {
        "problem": state_of(problem),
        "minimizer": state_of(problem.opt),
        "misfits": state_of(problem.dmisfit),
        "regularization": state_of(sum_of_terms(problem.reg)),
        "directives": {name: state_of(one) for name, one in directives.items() if _has_state(one)},
    }


def restore_inversion(inversion, state: dict):
    """Put all objects of an inversion back into a state; directives that it does not know are left alone."""
    problem = inversion.invProb
    restore_minimizer(inversion, state)
    restore_state(problem.dmisfit, state["misfits"])
    problem.reg = sum_of_terms(problem.reg)  # or the multiplier of a lone term would be lost with the sum
    restore_state(problem.reg, state["regularization"])
    for name, directive in named_directives(inversion).items():
        restore_state(directive, state["directives"].get(name, {}))


def restore_minimizer(inversion, state: dict):
    """The part of it that the minimizer sets anew when it starts."""
    restore_state(inversion.invProb, state["problem"])
    restore_state(inversion.invProb.opt, state["minimizer"])


def sum_of_terms(reg) -> ComboObjectiveFunction:
    """The regularization as the sum of its terms: a lone one is one with parts of its own."""
    return 1.0 * reg if isinstance(reg, WeightedLeastSquares) else reg


def named_directives(inversion) -> dict:
    """Directives by the names of their classes, numbered where one comes again."""
    directives = inversion.directiveList.dList
    return dict(zip(unique_names(type(one).__name__ for one in directives), directives, strict=True))


def _has_state(directive) -> bool:
    return hasattr(directive, "checkpoint_state") or not is_passive(directive)


def _attributes(directive) -> dict:
    """Settings and state of a directive, as far as they are plain, and of the helpers of its own that it keeps."""
    if hasattr(directive, "checkpoint_state"):
        return {}
    links = ("_inversion", "_dmisfit", "_reg")
    attributes = {name: value for name, value in vars(directive).items() if name not in links}
    plain = {name: value for name, value in attributes.items() if is_plain(value)}
    return {"plain": plain, "helpers": {name: vars(one) for name, one in _helpers(directive, attributes).items()}}


def _set_attributes(directive, values):
    vars(directive).update(values.get("plain", {}))
    helpers = _helpers(directive, vars(directive))
    for name, inside in values.get("helpers", {}).items():
        if name in helpers:
            vars(helpers[name]).update(inside)


def _helpers(directive, attributes) -> dict:
    """Objects of the directive's own package that hold nothing but plain values, such as UpdateIRLS's metrics."""
    package = type(directive).__module__.partition(".")[0]
    return {
        name: value
        for name, value in attributes.items()
        if type(value).__module__.partition(".")[0] == package and hasattr(value, "__dict__") and is_plain(vars(value))
    }


def _names(thing):
    return [name for kind, names in _ATTRIBUTES if isinstance(thing, kind) for name in names]


def _multipliers(combo):
    # those of a least-squares term are its alphas
    return None if isinstance(combo, WeightedLeastSquares) else list(combo.multipliers)


def _set_multipliers(combo, values):
    combo.multipliers = values


def _weights(term) -> dict:
    return {key: term.get_weights(key) for key in term.weights_keys}


def _set_weights(term, weights):
    term._weights.clear()
    term.set_weights(**weights)  # drops what was computed with others
    term._weights.update(weights)  # to the bit: SimPEG averages from cells to faces what it takes for cells


def _preconditioner(opt):
    """Diagonal of a Jacobi preconditioner."""
    inverse = getattr(opt, "_approxHinv", None)
    return inverse.diagonal() if sp.issparse(inverse) else None


def _set_preconditioner(opt, diagonal: np.ndarray):
    opt.approxHinv = sp.diags(diagonal, format="csr")


# kind, key, how to read it and how to set it
_SPECIAL = (
    (ComboObjectiveFunction, "multipliers", _multipliers, _set_multipliers),
    (BaseRegularization, "weights", _weights, _set_weights),
    (Minimize, "preconditioner", _preconditioner, _set_preconditioner),
    (InversionDirective, "attributes", _attributes, _set_attributes),
)
