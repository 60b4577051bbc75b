"""Contract checks for simulations."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._core.tensors import as_numpy, as_tensor
from ._laws import check_close, check_derivative_order


def check_simulation(simulation, model: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-8):
    """Check that a simulation's derivatives belong to its data, and to each other.

    Data against ``Jvec`` by Taylor expansion; ``Jvec`` against ``Jtvec`` and ``getJ``; ``getJtJdiag`` with and without
    weights against the columns of ``getJ``; and, where the simulation has one, the tensor path.

    Parameters
    ----------
    simulation : simpeg.simulation.BaseSimulation
        With ``getJ`` and ``getJtJdiag``; small, as every column is computed.
    model : (nP,) numpy.ndarray
        In general position.
    random_seed : int
    rtol : float
        Of the largest entry; about 1e-4 for sensitivities in float32.

    Raises
    ------
    AssertionError
        That names the law and by how much it is broken.
    """
    rng, kept = np.random.default_rng(random_seed), np.array(model)
    data = np.asarray(simulation.dpred(model))
    v, d, w = rng.standard_normal(model.size), rng.standard_normal(data.size), rng.uniform(0.5, 2.0, data.size)
    full = np.column_stack([simulation.Jvec(model, unit) for unit in np.eye(model.size)])  # (nD, nP)
    check_close(simulation.dpred(model, f=simulation.fields(model)), data, rtol, "dpred of fields, against dpred")
    check_close(simulation.Jvec(model, v), full @ v, rtol, "Jvec of a sum, against the sum of Jvec")
    check_close(simulation.Jtvec(model, d), full.T @ d, rtol, "Jtvec, against the transpose of Jvec")
    check_close(simulation.getJ(model) @ v, full @ v, rtol, "getJ, against Jvec")
    squares = np.sum(full**2, axis=0)
    weighted = np.sum((w[:, None] * full) ** 2, axis=0)
    check_close(simulation.getJtJdiag(model), squares, rtol, "getJtJdiag, against the columns of J")
    check_close(simulation.getJtJdiag(model, W=sp.diags(w)), weighted, rtol, "getJtJdiag with weights")
    check_close(simulation.getJtJdiag(model), squares, rtol, "getJtJdiag, asked again without weights")
    if rtol <= 1e-6:  # differences of float32 data have no order
        along = np.abs(d) * np.sign(data)  # nothing cancels, so that round-off is known from the sum
        check_derivative_order(
            lambda m: float(along @ simulation.dpred(m)),
            lambda m: simulation.Jtvec(m, along),
            model,
            random_seed=random_seed,
        )
    jacobian = simulation.tensor_jacobian(model) if hasattr(simulation, "tensor_jacobian") else None
    if jacobian is not None:
        there = jacobian.device, jacobian.dtype
        check_close(as_numpy(jacobian.tangent(as_tensor(v, *there))), full @ v, rtol, "tangent on tensors")
        check_close(as_numpy(jacobian.adjoint(as_tensor(d, *there))), full.T @ d, rtol, "adjoint on tensors")
    check_close(model, kept, 0.0, "the model handed in")
