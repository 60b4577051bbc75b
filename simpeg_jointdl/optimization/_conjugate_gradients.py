"""Preconditioned conjugate gradients on tensors."""

from __future__ import annotations

from collections.abc import Callable

import torch

Product = Callable[[torch.Tensor], torch.Tensor]


def conjugate_gradients(
    hessian: Product,
    inverse: Product,
    gradient: torch.Tensor,
    inactive: torch.Tensor,
    *,
    rtol: float,
    atol: float,
    maxiter: int,
) -> tuple[torch.Tensor, int, float, float]:
    """Solve ``H step = -g`` among the inactive parameters; SimPEG's formulas in SimPEG's order.

    All scalars stay on the device but the norm of the residual, whose fetching is the only wait of an iteration.

    Parameters
    ----------
    hessian, inverse : callable
        Products with the Hessian and with the preconditioner, (nP,) -> (nP,).
    gradient : (nP,) torch.Tensor
    inactive : (nP,) torch.Tensor
        1 where a parameter takes part, 0 elsewhere.
    rtol, atol : float
        Ends when the residual's norm is at most the larger of `rtol` times the first one and `atol`.
    maxiter : int

    Returns
    -------
    step : (nP,) torch.Tensor
    count : int
        Iterations.
    norm, first_norm : float
        Of the residual, at the end and at the beginning.
    """
    step = torch.zeros_like(gradient)
    r = inactive * -gradient
    p = inverse(r)
    sold = torch.dot(r, p)
    norm = first_norm = torch.linalg.vector_norm(r).item()
    tolerance = max(rtol * first_norm, atol)
    count = 0
    while norm > tolerance and count < maxiter:
        count += 1
        q = inactive * hessian(p)
        alpha = sold / torch.dot(p, q)
        step += alpha * p
        r = r - alpha * q
        norm = torch.linalg.vector_norm(r).item()
        h = inverse(r)
        snew = torch.dot(r, h)
        p = h + (snew / sold) * p
        sold = snew
    return step, count, norm, first_norm
