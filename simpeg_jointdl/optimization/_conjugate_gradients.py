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
    """Solve ``H step = -g`` for the inactive parameters, by SimPEG's formulas in SimPEG's order.

    All scalars stay on the device except the norm of the residual, for which each iteration waits once.

    Parameters
    ----------
    hessian, inverse : callable
        Products with the Hessian and with the preconditioner, (nP,) -> (nP,).
    gradient : (nP,) torch.Tensor
        Gradient g.
    inactive : (nP,) torch.Tensor
        1 for parameters that are solved for, 0 for all others.
    rtol, atol : float
        The iteration ends when the norm of the residual is at most the larger of `rtol` times its first value and
        `atol`.
    maxiter : int
        Largest number of iterations.

    Returns
    -------
    step : (nP,) torch.Tensor
        Solution, 0 for parameters that are not solved for.
    count : int
        Number of iterations.
    norm, first_norm : float
        Norm of the residual at the end and at the beginning.
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
