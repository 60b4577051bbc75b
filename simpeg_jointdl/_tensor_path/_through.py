"""Objective functions of properties as ones of the weights of a network that gives all of them."""

from __future__ import annotations

from simpeg.objective_function import ComboObjectiveFunction

from ._crossing import Crossing
from ._terms import hessian_product, map_operator


class Passage:
    """A network's derivative at a model, the same one for all terms that look through it."""

    def __init__(self, network_map):
        self.map = network_map
        self._at = self._operator = None

    def operator(self, model, crossing: Crossing):
        """On tensors."""
        at = self.map.linearization(model)
        if self._at is not at:
            self._at, self._operator = at, map_operator(self.map, model, crossing)
        return self._operator


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

    def tensor_through(self, model, crossing: Crossing):
        """The network's derivative on tensors, and the product with the Hessian by the properties."""
        inner = hessian_product(self._sum, self._passage.map * model, crossing)
        return self._passage.operator(model, crossing), inner

    def tensor_hessian(self, model, crossing: Crossing):
        """The product of `deriv2` on tensors."""
        operator, inner = self.tensor_through(model, crossing)
        return lambda v: operator.adjoint(inner(operator.tangent(v)))

    @property
    def _sum(self) -> ComboObjectiveFunction:
        return ComboObjectiveFunction(self._inner, list(self.multipliers))
