"""Objective functions of properties as ones of the weights of a network that gives all of them."""

from __future__ import annotations

import torch
from simpeg.objective_function import ComboObjectiveFunction

from .._tensor_path import Crossing, hessian_product, map_operator
from ..maps import TorchMap


class Passage:
    """A network's derivative at a model, shared by the terms that look through it, and its last product."""

    def __init__(self, network_map: TorchMap):
        self.map = network_map
        self._at = self._last = None

    def operator(self, model, crossing: Crossing) -> _Remembered:
        """On tensors; the same one for all who ask at this model."""
        at = self.map.linearization(model)
        if self._at is not at:
            self._at, self._last = at, _Remembered(map_operator(self.map, model, crossing))
        return self._last


class _Remembered:
    """An operator whose last product is given again when it is asked for once more."""

    def __init__(self, operator):
        self._of, self._key, self._product = operator, None, None

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        key = (v, v._version)  # a tensor that was written to is another one
        if self._key is None or self._key[0] is not v or self._key[1] != v._version:
            self._key, self._product = key, self._of.tangent(v)
        return self._product

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._of.adjoint(y)


class SumThrough(ComboObjectiveFunction):
    r"""Sum of terms that look through one network, whose derivative is applied to their sum.

    .. math::
        \nabla \sum_i c_i \phi_i(\mathbf u(\mathbf m)) =
        \mathbf J^\top \sum_i c_i \nabla_{\mathbf u} \phi_i

    Term by term, as SimPEG's own sum has it, every one of them would go through the network.

    Parameters
    ----------
    terms : list of simpeg.objective_function.BaseObjectiveFunction
        Of the weights.
    inner : list of simpeg.objective_function.BaseObjectiveFunction
        The same, of all properties, one after the other.
    passage : Passage
    multipliers : list of float, optional
    """

    def __init__(self, terms: list, inner: list, passage: Passage, multipliers: list | None = None):
        super().__init__(terms, [1.0] * len(terms) if multipliers is None else multipliers)
        self._inner, self._passage = inner, passage

    def deriv(self, m, f=None):
        """Gradient, (nP,)."""
        network_map = self._passage.map
        properties, total = network_map * m, 0.0
        for i, (multiplier, term) in enumerate(zip(self.multipliers, self._inner, strict=True)):
            if multiplier != 0.0:
                known = {"f": f[i]} if f is not None and term.has_fields else {}
                total = total + multiplier * term.deriv(properties, **known)
        return network_map.deriv(m).T @ total

    def deriv2(self, m, v=None, f=None):
        """Product with the Gauss-Newton Hessian, (nP,), or that of SimPEG's sum without `v`."""
        if v is None:
            return super().deriv2(m, v, f=f)
        derivative = self._passage.map.deriv(m)
        return derivative.T @ self._sum.deriv2(self._passage.map * m, derivative @ v)

    def tensor_hessian(self, model, crossing: Crossing):
        """The same product on tensors."""
        properties = self._passage.map * model
        inner = hessian_product(self._sum, properties, crossing)
        operator = self._passage.operator(model, crossing)
        return lambda v: operator.adjoint(inner(operator.tangent(v)))

    @property
    def _sum(self) -> ComboObjectiveFunction:
        return ComboObjectiveFunction(self._inner, list(self.multipliers))
