"""The state of an inversion: everything that its next iteration depends on.

An object that is :class:`~simpeg_jointdl._core.protocols.Checkpointed` says itself what its state is: a dict of plain
values (numbers, strings, None, arrays, and lists and dicts of these). For other directives the state is all attributes
with plain values. For SimPEG's minimizers, terms and inverse problem the tables of this module list the attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from simpeg.directives import InversionDirective
from simpeg.inverse_problem import BaseInvProblem
from simpeg.inversion import BaseInversion
from simpeg.objective_function import ComboObjectiveFunction
from simpeg.optimization import Bounded, Minimize
from simpeg.regularization import BaseRegularization, Sparse, WeightedLeastSquares
from simpeg.regularization.sparse import BaseSparse

from ..._core.protocols import Checkpointed
from .._base import is_passive, unique_names
from ._file import is_plain

# attributes of SimPEG's classes, which are read and set by their names
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


def state_of(thing: Any) -> dict[str, Any]:
    """Return the state of an object, and of its terms if it is a sum."""
    state = {name: getattr(thing, name) for name in _names(thing) if hasattr(thing, name)}
    for kind, key, read, _ in _SPECIAL:
        if isinstance(thing, kind):
            state[key] = read(thing)
    if isinstance(thing, Checkpointed):
        state["own"] = thing.checkpoint_state()
    if isinstance(thing, ComboObjectiveFunction):
        state["parts"] = [state_of(part) for part in thing.objfcts]
    return state


def restore_state(thing: Any, state: Mapping[str, Any]) -> None:
    """Put an object, and its terms if it is a sum, back into a state."""
    for name in _names(thing):
        # objects start with None, and not every setter accepts it
        if name in state and not (state[name] is None and getattr(thing, name, None) is None):
            setattr(thing, name, state[name])
    for kind, key, _, write in _SPECIAL:
        if isinstance(thing, kind) and state.get(key) is not None:
            write(thing, state[key])
    if isinstance(thing, Checkpointed) and "own" in state:
        thing.restore_checkpoint_state(state["own"])
    for part, saved in zip(getattr(thing, "objfcts", ()), state.get("parts", ()), strict=True):
        restore_state(part, saved)


def state_of_inversion(inversion: BaseInversion) -> dict[str, Any]:
    """Return the state of all objects of an inversion, at the end of an iteration."""
    problem, directives = inversion.invProb, named_directives(inversion)
    return {
        "problem": state_of(problem),
        "minimizer": state_of(problem.opt),
        "misfits": state_of(problem.dmisfit),
        "regularization": state_of(sum_of_terms(problem.reg)),
        "directives": {name: state_of(one) for name, one in directives.items() if _has_state(one)},
    }


def restore_inversion(inversion: BaseInversion, state: Mapping[str, Any]) -> None:
    """Put all objects of an inversion back into a state, except for directives that the state does not contain."""
    problem = inversion.invProb
    restore_minimizer(inversion, state)
    restore_state(problem.dmisfit, state["misfits"])
    problem.reg = sum_of_terms(problem.reg)  # the multiplier of a single term belongs to the sum
    restore_state(problem.reg, state["regularization"])
    for name, directive in named_directives(inversion).items():
        restore_state(directive, state["directives"].get(name, {}))


def restore_minimizer(inversion: BaseInversion, state: Mapping[str, Any]) -> None:
    """Restore the part of the state that the minimizer sets anew when it starts."""
    restore_state(inversion.invProb, state["problem"])
    restore_state(inversion.invProb.opt, state["minimizer"])


def sum_of_terms(reg: ComboObjectiveFunction) -> ComboObjectiveFunction:
    """Return the regularization as a sum of terms, also where it is a single term with parts of its own."""
    return 1.0 * reg if isinstance(reg, WeightedLeastSquares) else reg


def named_directives(inversion: BaseInversion) -> dict[str, InversionDirective]:
    """Return the directives under the names of their classes, with a number for the second one of a class."""
    directives = inversion.directiveList.dList
    return dict(zip(unique_names(type(one).__name__ for one in directives), directives, strict=True))


def _has_state(directive) -> bool:
    return isinstance(directive, Checkpointed) or not is_passive(directive)


def _attributes(directive) -> dict:
    """Return the plain attributes of a directive, and those of its helper objects."""
    if isinstance(directive, Checkpointed):
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
    """Return attributes that are objects of the directive's package with plain values only, as UpdateIRLS's metrics."""
    package = type(directive).__module__.partition(".")[0]
    return {
        name: value
        for name, value in attributes.items()
        if type(value).__module__.partition(".")[0] == package and hasattr(value, "__dict__") and is_plain(vars(value))
    }


def _names(thing):
    return [name for kind, names in _ATTRIBUTES if isinstance(thing, kind) for name in names]


def _multipliers(combo):
    # multipliers of a least-squares term are its alphas, which have attributes of their own
    return None if isinstance(combo, WeightedLeastSquares) else list(combo.multipliers)


def _set_multipliers(combo, values):
    combo.multipliers = values


def _weights(term) -> dict:
    return {key: term.get_weights(key) for key in term.weights_keys}


def _set_weights(term, weights):
    term._weights.clear()
    term.set_weights(**weights)  # discards what was computed with other weights
    term._weights.update(weights)  # SimPEG averages weights from cells to faces, which these already are


def _preconditioner(opt):
    """Return the diagonal of a Jacobi preconditioner, None for any other."""
    inverse = getattr(opt, "_approxHinv", None)
    return inverse.diagonal() if sp.issparse(inverse) else None


def _set_preconditioner(opt, diagonal: np.ndarray):
    opt.approxHinv = sp.diags(diagonal, format="csr")


# class, key in the state, and functions that read and set it
_SPECIAL = (
    (ComboObjectiveFunction, "multipliers", _multipliers, _set_multipliers),
    (BaseRegularization, "weights", _weights, _set_weights),
    (Minimize, "preconditioner", _preconditioner, _set_preconditioner),
    (InversionDirective, "attributes", _attributes, _set_attributes),
)
