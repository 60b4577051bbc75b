"""Objective functions of the properties that one network gives, as functions of the network's weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from simpeg.objective_function import ComboObjectiveFunction

from ._crossing import Crossing
from ._terms import Product, hessian_product, map_operator


class Passage:
    """Derivative of a network at a model, shared by all terms that depend on the weights through the network."""

    def __init__(self, network_map: Any):
        self.map = network_map
        self._at = self._operator = None

    def __getstate__(self) -> dict[str, Any]:
        return {"map": self.map, "_at": None, "_operator": None}  # what is kept for one model cannot be copied

    def operator(self, model: np.ndarray, crossing: Crossing) -> Any:
        """Return the derivative as an operator on tensors; it is the same object until the model changes."""
        at = self.map.linearization(model)
        if self._at is not at:
            self._at, self._operator = at, map_operator(self.map, model, crossing)
        return self._operator


class SumThrough(ComboObjectiveFunction):
    r"""Sum of terms that depend on the weights through one network, whose derivative is applied once to their sum.

    .. math::
        \nabla \sum_i c_i \phi_i(\mathbf u(\mathbf m)) =
        \mathbf J^\top \sum_i c_i \nabla_{\mathbf u} \phi_i

    with the weights :math:`\mathbf m`, the properties :math:`\mathbf u`, and the derivative :math:`\mathbf J` of the
    network. SimPEG's own sum would apply the derivative of the network for every term.

    Parameters
    ----------
    terms : list of simpeg.objective_function.BaseObjectiveFunction
        Terms as functions of the weights.
    inner : list of simpeg.objective_function.BaseObjectiveFunction
        The same terms as functions of all properties, one property after the other.
    passage : Passage
        Network and its derivative.
    multipliers : list of float, optional
        Multiplier of each term, 1 if not given.
    """

    def __init__(self, terms: list, inner: list, passage: Passage, multipliers: list | None = None):
        super().__init__(terms, [1.0] * len(terms) if multipliers is None else multipliers)
        self._inner, self._passage = inner, passage

    def deriv(self, m: np.ndarray, f: list | None = None) -> np.ndarray:
        """Compute the gradient with respect to the weights, (nP,)."""
        network_map = self._passage.map
        properties, total = network_map * m, 0.0
        for i, (multiplier, term) in enumerate(zip(self.multipliers, self._inner, strict=True)):
            if multiplier != 0.0:
                known = {"f": f[i]} if f is not None and term.has_fields else {}
                total = total + multiplier * term.deriv(properties, **known)
        return network_map.deriv(m).T @ total

    def deriv2(self, m: np.ndarray, v: np.ndarray | None = None, f: list | None = None) -> Any:
        """Multiply the Gauss-Newton Hessian by a vector, (nP,); without one return the Hessian of SimPEG's sum."""
        if v is None:
            return super().deriv2(m, v, f=f)
        derivative = self._passage.map.deriv(m)
        return derivative.T @ self._sum.deriv2(self._passage.map * m, derivative @ v)

    def tensor_through(self, model: np.ndarray, crossing: Crossing) -> tuple[Any, Product]:
        """Return the network's derivative on tensors, and the product with the Hessian of the properties."""
        inner = hessian_product(self._sum, self._passage.map * model, crossing)
        return self._passage.operator(model, crossing), inner

    def tensor_hessian(self, model: np.ndarray, crossing: Crossing) -> Product:
        """Return the product of :meth:`deriv2` on tensors."""
        operator, inner = self.tensor_through(model, crossing)
        return lambda v: operator.adjoint(inner(operator.tangent(v)))

    @property
    def _sum(self) -> ComboObjectiveFunction:
        return ComboObjectiveFunction(self._inner, list(self.multipliers))
