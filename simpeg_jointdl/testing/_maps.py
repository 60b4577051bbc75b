"""Contract checks for maps."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._core.tensors import as_numpy, as_tensor
from ._laws import check_close, check_derivative_order, check_operator


def check_map(mapping, model: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-8):
    """Check that a map's derivative belongs to its value, and can be used wherever SimPEG uses one.

    The value against ``deriv`` by Taylor expansion, ``deriv(m)`` as an operator under everything SimPEG does to it,
    ``deriv(m, v)`` for vectors and for the sparse identity that ``SumMap`` hands over, the tensor path where there is
    one, fresh arrays at every call, and the model left as it was.

    Parameters
    ----------
    mapping : simpeg.maps.IdentityMap
        Small, as every column of its derivative is computed.
    model : (nP,) numpy.ndarray
        In general position.
    random_seed : int
    rtol : float
        Of the largest entry; about 1e-4 for a map in float32.

    Raises
    ------
    AssertionError
        That names the law and by how much it is broken.
    """
    rng, kept = np.random.default_rng(random_seed), np.array(model)
    values = mapping * model
    check_close([values.size, model.size], mapping.shape, 0.0, "shape, against what comes out and goes in")
    derivative = mapping.deriv(model)
    full = np.column_stack([mapping.deriv(model, unit) for unit in np.eye(model.size)])  # (n_values, nP)
    v, y = rng.standard_normal(model.size), rng.standard_normal(values.size)
    check_close(derivative @ v, full @ v, rtol, "deriv(m) @ v, against the columns of deriv(m, v)")
    check_close(derivative.T @ y, full.T @ y, rtol, "the transpose of deriv(m)")
    check_close(mapping.deriv(model, v=sp.eye(model.size)) @ v, full @ v, rtol, "deriv(m, identity)")
    if not sp.issparse(derivative):
        check_operator(derivative, full, random_seed=random_seed, rtol=rtol)
    if rtol <= 1e-6:  # differences in float32 have no order
        check_derivative_order(
            lambda m: float(y @ (mapping * m)),
            lambda m: mapping.deriv(m).T @ y,
            model,
            random_seed=random_seed,
        )
    if hasattr(mapping, "tensor_derivative"):
        at = mapping.tensor_derivative(model)
        check_close(as_numpy(at.tangent(as_tensor(v, at.device, at.dtype))), full @ v, rtol, "tangent on tensors")
        check_close(as_numpy(at.adjoint(as_tensor(y, at.device, at.dtype))), full.T @ y, rtol, "adjoint on tensors")
        if hasattr(at, "adjoint_rows"):
            rows = as_tensor(rng.standard_normal((3, values.size)), at.device, at.dtype)
            check_close(as_numpy(at.adjoint_rows(rows)), as_numpy(rows) @ full, rtol, "adjoint of many rows")
    first = mapping * model
    first += 1.0
    check_close(mapping * model, values, 0.0, "the value, after the caller has changed the first one")
    check_close(model, kept, 0.0, "the model handed in")
