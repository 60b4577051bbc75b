r"""Hessian products on tensors: how a term of an objective function offers them, and who falls back to numpy.

A *tensor linearization* is any object with

* ``tangent(v)``: :math:`\mathbf J \mathbf v`, a tensor of (n_parameters,) -> a tensor of (n_values,),
* ``adjoint(y)``: :math:`\mathbf J^\top \mathbf y`, the reverse,
* ``device`` and ``dtype`` of what both take and give.

A *simulation* offers a tensor path by ``tensor_jacobian(model)``, which takes the whole model as SimPEG's other methods
do, (nP,) of numpy, and returns the tensor linearization of its predicted data with respect to the whole model, or None
where it has none.

A linearization may have ``adjoint_rows(y)``, the adjoint of many vectors at once, (k, n_values) -> (k, n_parameters).

Any other *term* offers one by ``tensor_hessian(model, crossing)``, which returns a function of (nP,) -> (nP,) tensors
on the device and in the dtype of the `crossing`, the product with its Hessian at `model`, or None. What it needs there
it moves by the :class:`Crossing`, which keeps what does not change. Terms behind one map may offer
``tensor_through(model, crossing)`` too, for :func:`sum_product`. Terms of SimPEG's are served by
:func:`hessian_product`, which turns to numpy for those that offer nothing.
"""

from ._crossing import Crossing
from ._operators import Chain, Diagonal, Stack, Transposed, adjoint_rows, gauss_newton
from ._terms import hessian_product, map_operator, sum_product
from ._through import Passage, SumThrough

__all__ = [
    "Chain",
    "Crossing",
    "Diagonal",
    "Stack",
    "Transposed",
    "adjoint_rows",
    "gauss_newton",
    "hessian_product",
    "map_operator",
    "sum_product",
    "Passage",
    "SumThrough",
]
