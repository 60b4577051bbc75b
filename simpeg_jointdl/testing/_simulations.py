"""Contract checks for simulations."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from simpeg.simulation import BaseSimulation

from .._core.protocols import HasTensorJacobian
from ._laws import check_close, check_derivative_order, check_linearization


def check_simulation(
    simulation: BaseSimulation, model: np.ndarray, *, random_seed: int = 0, rtol: float = 1e-8
) -> None:
    """Check that the derivatives of a simulation are those of its data and agree with each other.

    It compares the data with ``Jvec`` by a Taylor expansion; ``Jvec`` with ``Jtvec`` and ``getJ``; ``getJtJdiag``, with
    and without weights, with the columns of ``getJ``; and the products on tensors, where the simulation has them.

    Parameters
    ----------
    simulation : simpeg.simulation.BaseSimulation
        Simulation to check, with ``getJ`` and ``getJtJdiag``. It should be small, since every column is computed.
    model : (nP,) numpy.ndarray
        Model at which to check, in general position.
    random_seed : int
        Seed of the random vectors.
    rtol : float
        Largest difference allowed, relative to the largest entry wanted; about 1e-4 for sensitivities in float32.

    Raises
    ------
    AssertionError
        If a check fails; it names the check and the difference.
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
    check_close(simulation.getJtJdiag(model), squares, rtol, "getJtJdiag, called again without weights")
    if rtol <= 1e-6:  # differences of float32 data have no order
        along = np.abs(d) * np.sign(data)  # no terms cancel, so that round-off is known from the sum
        check_derivative_order(
            lambda m: float(along @ simulation.dpred(m)),
            lambda m: simulation.Jtvec(m, along),
            model,
            random_seed=random_seed,
        )
    jacobian = simulation.tensor_jacobian(model) if isinstance(simulation, HasTensorJacobian) else None
    if jacobian is not None:
        check_linearization(jacobian, full, rng, rtol)
    check_close(model, kept, 0.0, "the model passed in")
