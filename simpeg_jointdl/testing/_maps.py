"""Contract checks for maps."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from simpeg.maps import IdentityMap

from .._core.protocols import HasTensorDerivative
from ._laws import check_close, check_derivative_order, check_linearization, check_operator


def check_map(mapping: IdentityMap, model: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-8) -> None:
    """Check that the derivative of a map is that of its value, in every form in which SimPEG uses it.

    It compares the value with ``deriv`` by a Taylor expansion; ``deriv(m)`` as an operator with a dense matrix;
    ``deriv(m, v)`` for vectors and for the sparse identity that ``SumMap`` passes; and the products on tensors, where
    the map has them. Results must be fresh arrays, and the model must not be written to.

    Parameters
    ----------
    mapping : simpeg.maps.IdentityMap
        Map to check. It should be small, since every column of its derivative is computed.
    model : (nP,) numpy.ndarray
        Model at which to check, in general position.
    random_seed : int
        Seed of the random vectors.
    rtol : float
        Largest difference allowed, relative to the largest entry wanted; about 1e-4 for a map in float32.

    Raises
    ------
    AssertionError
        If a check fails; it names the check and the difference.
    """
    rng, kept = np.random.default_rng(random_seed), np.array(model)
    values = mapping * model
    check_close([values.size, model.size], mapping.shape, 0.0, "shape, against the sizes of value and model")
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
    if isinstance(mapping, HasTensorDerivative):
        check_linearization(mapping.tensor_derivative(model), full, rng, rtol)
    first = mapping * model
    first += 1.0
    check_close(mapping * model, values, 0.0, "the value, after the caller has changed the first one")
    check_close(model, kept, 0.0, "the model passed in")
