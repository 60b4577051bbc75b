"""Hessian products of SimPEG's own terms on tensors; terms without a tensor path are computed with numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from discretize.utils import Zero
from simpeg.data_misfit import L2DataMisfit
from simpeg.maps import ComboMap, IdentityMap
from simpeg.objective_function import BaseObjectiveFunction, ComboObjectiveFunction, L2ObjectiveFunction
from simpeg.regularization import Smallness, SmoothnessFirstOrder, SmoothnessSecondOrder, WeightedLeastSquares
from simpeg.regularization.base import BaseRegularization

from .._core.protocols import HasTensorDerivative, HasTensorHessian, HasTensorJacobian, HasTensorThrough
from ._crossing import Crossing
from ._operators import Chain, Transposed, gauss_newton

Product = Callable[[torch.Tensor], torch.Tensor]


def hessian_product(
    term: BaseObjectiveFunction, model: np.ndarray, crossing: Crossing, fields: dict[int, Any] | None = None
) -> Product:
    """Return the product with the Hessian of a term at a model, on tensors.

    Parameters
    ----------
    term : simpeg.objective_function.BaseObjectiveFunction
        Term of an objective function; one without a tensor path is computed with numpy.
    model : (nP,) numpy.ndarray
        Model.
    crossing : Crossing
        Moves the arrays that the products need; its `fallbacks` name the terms that are computed with numpy.
    fields : dict, optional
        ``{id(misfit): fields}`` of simulations at this model, where they are known.

    Returns
    -------
    callable
        Product, (nP,) -> (nP,) tensors on the device and in the dtype of the crossing.
    """
    product = None
    if isinstance(term, HasTensorHessian):
        product = term.tensor_hessian(model, crossing)
    else:
        # by the method that would compute it, since a subclass may override the one of its parent
        rule = _RULES.get(getattr(term.deriv2, "__func__", None))
        if rule is not None:
            product = rule(term, model, crossing, fields or {})
    return _through_numpy(term, model, crossing, fields or {}) if product is None else product


def sum_product(
    terms: Sequence[tuple[float, BaseObjectiveFunction]],
    model: np.ndarray,
    crossing: Crossing,
    fields: dict[int, Any] | None = None,
) -> Product:
    """Return the product with the Hessian of a sum of terms, [(multiplier, term)].

    Where all terms depend on the model through one operator, as ``tensor_through(model, crossing)`` says, it is applied
    once for all of them.
    """
    if all(isinstance(term, HasTensorThrough) for _, term in terms):
        views = [term.tensor_through(model, crossing) for _, term in terms]
        operator = views[0][0]
        if all(other is operator for other, _ in views):
            inner = _weighted_sum([(c, product) for (c, _), (_, product) in zip(terms, views, strict=True)])
            return lambda v: operator.adjoint(inner(operator.tangent(v)))
    return _weighted_sum([(c, hessian_product(term, model, crossing, fields)) for c, term in terms])


def _weighted_sum(parts) -> Product:
    def product(v):
        total = torch.zeros_like(v)
        for multiplier, part in parts:
            total.add_(part(v), alpha=multiplier)
        return total

    return product


def map_operator(mapping: IdentityMap, model: np.ndarray, crossing: Crossing) -> Any:
    """Return the operator of a map's derivative; None if it is not sparse and the map has no tensor path.

    The derivative of a linear map is computed once.
    """
    if isinstance(mapping, HasTensorDerivative):
        derivative = mapping.tensor_derivative(model)
        there = crossing.cast(derivative.device, derivative.dtype)
        return Chain(there, derivative, Transposed(there))
    if _holds_networks(mapping):
        return _chain_of_maps(mapping, model, crossing)
    source = mapping if mapping.is_linear else model
    return crossing.kept(mapping, "map", source, lambda: crossing.operator(mapping, "derivative", mapping.deriv(model)))


def _holds_networks(mapping) -> bool:
    parts = mapping.maps if type(mapping) is ComboMap else ()
    return any(isinstance(part, HasTensorDerivative) or _holds_networks(part) for part in parts)


def _chain_of_maps(mapping, model, crossing):
    """Apply one map after the other, since the product of their derivatives would not be sparse."""
    links = []
    for part in reversed(mapping.maps):
        links.append(map_operator(part, model, crossing))
        model = part * model
    return None if any(link is None for link in links) else Chain(*links)


def _combination(term, model, crossing, fields):
    # sparse norms change their weights at every iteration, so that assembling their matrix would cost too much
    if type(term) is WeightedLeastSquares and all(one.mapping is term.mapping for one in term.objfcts):
        product = _assembled(term, model, crossing)
        if product is not None:
            return product
    return _weighted_sum([(float(c), hessian_product(part, model, crossing, fields)) for c, part in term if c != 0.0])


def _misfit(term, model, crossing, fields):
    if not isinstance(term.simulation, HasTensorJacobian):
        return None
    weights = crossing.operator(term, "W", term.W)
    jacobian = None if weights is None else term.simulation.tensor_jacobian(model)
    if jacobian is None:
        return None
    there = crossing.cast(jacobian.device, jacobian.dtype)
    return gauss_newton(there, jacobian, Transposed(there), weights)


def _least_squares(term, model, crossing, fields):
    return _weighted(crossing.operator(term, "W", term.W), map_operator(term.mapping, model, crossing))


def _regularization(term, model, crossing, fields):
    if type(term).f_m_deriv not in _DIFFERENCES:
        derivative = crossing.operator(term, "derivative", term.f_m_deriv(model))
    else:
        # factor by factor, so that matrices of the mesh are not moved again when the map's derivative changes
        derivative = map_operator(term.mapping, model, crossing)
        order = _DIFFERENCES[type(term).f_m_deriv]
        if order and derivative is not None:
            gradient = crossing.operator(term, "gradient", term.cell_gradient)
            derivative = Chain(derivative, gradient, *[Transposed(gradient)][: order - 1])
    return _weighted(crossing.operator(term, "W", term.W), derivative)


def _assembled(term, model, crossing):
    """Assemble smallness and smoothness into one matrix of the property, whenever weights change.

    A product then takes one sparse matrix instead of a dozen. A row holds a cell and its neighbours, which are fewer
    numbers than in the gradients and their transposes.
    """
    parts = [(float(c), part) for c, part in term if c != 0.0]
    derivative = map_operator(term.mapping, model, crossing)
    if derivative is None or not parts or any(type(part).f_m_deriv not in _DIFFERENCES for _, part in parts):
        return None
    squares = [2.0 * c * np.square(part.W.diagonal()) for c, part in parts]

    def assemble():
        total = 0.0
        for weights, (_, part) in zip(squares, parts, strict=True):
            order, matrix = _DIFFERENCES[type(part).f_m_deriv], sp.diags(weights)
            if order:
                gradient = part.cell_gradient.tocsr()
                factor = gradient if order == 1 else gradient.T @ gradient
                matrix = factor.T @ matrix @ factor
            total = total + matrix
        return crossing.symmetric(total)

    matrix = crossing.kept(term, "assembled", np.concatenate(squares), assemble)
    return lambda v: derivative.adjoint(matrix.mv(derivative.tangent(v)))


def _weighted(weights, derivative):
    return None if weights is None or derivative is None else gauss_newton(derivative, weights)


def _through_numpy(term, model, crossing, fields):
    simulation = getattr(term, "simulation", None)
    name = type(term).__name__
    crossing.fallbacks.append(name if simulation is None else f"{name} of {type(simulation).__name__}")
    known = {}
    if simulation is not None and getattr(term, "has_fields", False):
        # once, not at every product, since the fields of some simulations cost the solution of a system
        known["f"] = fields[id(term)] if id(term) in fields else simulation.fields(model)

    def product(v):
        result = term.deriv2(model, crossing.fetch(v), **known)
        return torch.zeros_like(v) if isinstance(result, Zero) else crossing.send(result)

    return product


_RULES = {
    ComboObjectiveFunction.deriv2: _combination,
    L2DataMisfit.deriv2: _misfit,
    L2ObjectiveFunction.deriv2: _least_squares,
    BaseRegularization.deriv2: _regularization,
}
_DIFFERENCES = {Smallness.f_m_deriv: 0, SmoothnessFirstOrder.f_m_deriv: 1, SmoothnessSecondOrder.f_m_deriv: 2}
