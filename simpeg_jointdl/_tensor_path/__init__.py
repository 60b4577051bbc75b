r"""Hessian products on tensors, so that conjugate gradients run on one device without copies in between.

The methods that an object needs for this are Protocols of :mod:`simpeg_jointdl._core.protocols`:

* a linearization (``TensorLinearization``) has ``tangent(v)``, the product :math:`\mathbf J \mathbf v` of a tensor
  (n_parameters,), ``adjoint(y)``, the product :math:`\mathbf J^\top \mathbf y` of a tensor (n_values,), and the
  ``device`` and ``dtype`` of both. It may have ``adjoint_rows(y)``, the adjoint products of many vectors at once,
  (k, n_values) -> (k, n_parameters);
* a simulation (``HasTensorJacobian``) has ``tensor_jacobian(model)``, which takes the whole model, (nP,) numpy.ndarray,
  and returns the linearization of its predicted data with respect to the whole model, or None;
* a map (``HasTensorDerivative``) has ``tensor_derivative(model)``, the linearization of its values;
* any other term (``HasTensorHessian``) has ``tensor_hessian(model, crossing)``, which returns the product with its
  Hessian, (nP,) -> (nP,) tensors on the device and in the dtype of the :class:`Crossing`, or None. It moves its arrays
  with the crossing, which keeps what does not change;
* terms that depend on the model through one shared operator (``HasTensorThrough``) have
  ``tensor_through(model, crossing)``, which :func:`sum_product` uses.

:func:`hessian_product` knows the terms of SimPEG, and computes with numpy where a term has no tensor path.
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
