"""Residuals whose squares are Gram determinants: linear combinations of fields, computed from the Gram matrix."""

from __future__ import annotations

from collections.abc import Callable

import torch

Coefficients = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def pair_coefficients(floor: float, normalized: bool) -> Coefficients:
    r"""Make the function that gives the coefficients of two fields in their Gram residual.

    The residual of the fields :math:`u` and :math:`v` in a window is

    .. math::
        r = |v| \left( u - \frac{u \cdot v}{|v|^2} \, v \right), \qquad |r|^2 = |u|^2 |v|^2 - (u \cdot v)^2.

    The smaller field, each measured by its overall rms, is projected on the larger one. The residual is then smooth
    wherever one of them is not zero, and zero to second order where both are.

    Parameters
    ----------
    floor : float
        :math:`\epsilon`, as a fraction of each field's rms over all windows; used only if `normalized`.
    normalized : bool
        Divide r by :math:`\sqrt{(|u|^2 + \epsilon_u^2)(|v|^2 + \epsilon_v^2)}`.

    Returns
    -------
    callable
        ``coefficients(gram, mean_square)`` takes the Gram matrices of all windows, (2, 2, n_windows) torch.Tensor, and
        each field's mean square over all windows, repeated for each window, (2, n_windows). It returns the
        coefficients of both fields in r, (2, n_windows).
    """

    def coefficients(gram, mean_square):
        a, b, mixed = gram[0, 0], gram[1, 1], gram[0, 1]
        # round-off must not decide a tie, such as one window over the whole mesh gives
        slack = 1.0 + 64 * torch.finfo(a.dtype).eps
        first_is_larger = a * mean_square[1] > slack * b * mean_square[0]
        larger = torch.where(first_is_larger, a, b)
        scale = torch.ones_like(a)
        if normalized:
            scale = (a + floor**2 * mean_square[0]) * (b + floor**2 * mean_square[1])
        valid = (larger > 0) & (scale > 0)
        root, size = (torch.where(valid, x, 1.0).sqrt() for x in (larger, scale))
        on_smaller = torch.where(valid, root / size, 0.0)
        on_larger = torch.where(valid, -mixed / (root * size), 0.0)
        return torch.stack(
            [
                torch.where(first_is_larger, on_larger, on_smaller),
                torch.where(first_is_larger, on_smaller, on_larger),
            ]
        )

    return coefficients


def volume_coefficients(floor: float, normalized: bool) -> Coefficients:
    r"""Make the function that gives the coefficients of N fields in their Gram residual.

    The residual is the part of the last field that is orthogonal to all others, :math:`u_N^\perp`, times the volume
    that these span. Its square is the Gram determinant, :math:`\det G = \det G_{N-1} \, |u_N^\perp|^2`. Where the other
    fields depend on each other linearly the coefficients are zero.

    Parameters
    ----------
    floor : float
        :math:`\epsilon`, as a fraction of each field's rms over all windows; used only if `normalized`.
    normalized : bool
        Divide by :math:`\prod_k (|u_k|^2 + \epsilon_k^2)^{1/2}`.

    Returns
    -------
    callable
        ``coefficients(gram, mean_square)`` takes the Gram matrices of all windows, (N, N, n_windows) torch.Tensor, and
        each field's mean square over all windows, repeated for each window, (N, n_windows). It returns the
        coefficients of the N fields, (N, n_windows).
    """

    def coefficients(gram, mean_square):
        k = len(gram)
        scale = torch.ones_like(mean_square)
        if normalized:
            scale = gram.diagonal(dim1=0, dim2=1).T + floor**2 * mean_square
        base = gram[: k - 1, : k - 1].permute(2, 0, 1)  # (n_windows, K - 1, K - 1)
        size = base.diagonal(dim1=1, dim2=2).prod(1)
        determinant = torch.linalg.det(base)
        # fields that depend on each other up to round-off span no volume
        valid = (determinant > 1e3 * torch.finfo(gram.dtype).eps * size) & (scale > 0).all(0)
        identity = torch.eye(k - 1, dtype=gram.dtype, device=gram.device)
        safe = torch.where(valid[:, None, None], base, identity)
        on_base = -torch.linalg.solve(safe, gram[: k - 1, k - 1].T)  # (n_windows, K - 1)
        c = torch.cat([on_base.T, torch.ones_like(gram[:1, 0])])
        size = torch.where(valid, torch.linalg.det(safe), 0.0) / torch.where(scale > 0, scale, 1.0).prod(0)
        return c * torch.where(valid, torch.where(valid, size, 1.0).sqrt(), 0.0)

    return coefficients
