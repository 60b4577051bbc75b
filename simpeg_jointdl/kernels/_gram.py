"""Residuals of Gram determinants as combinations of their fields, from the Gram matrix alone."""

from __future__ import annotations

import torch


def pair_coefficients(floor: float, normalized: bool):
    r"""Coefficients of :math:`r = |v| \, (u - (u \cdot v / |v|^2) \, v)`.

    Its square is :math:`|u|^2|v|^2 - (u \cdot v)^2`. The smaller of both, each in its overall rms, is projected
    on the larger: the residual is then smooth wherever one of them is not zero, and where both are it is zero
    to second order.

    Parameters
    ----------
    floor : float
        Only if normalised: :math:`\epsilon`, as a part of each field's rms over all windows.
    normalized : bool
        Divide r by :math:`\sqrt{(|u|^2 + \epsilon_u^2)(|v|^2 + \epsilon_v^2)}`.

    Returns
    -------
    callable
        ``coefficients(gram, mean_square)``: of the Gram matrices of every window, (2, 2, n_windows) torch.Tensor, and
        each field's mean square over all windows, repeated for every window, (2, n_windows), the coefficients of
        both fields in r, (2, n_windows).
    """

    def coefficients(gram, mean_square):
        a, b, mixed = gram[0, 0], gram[1, 1], gram[0, 1]
        # a tie, as over the whole mesh, must not be left to round-off
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


def volume_coefficients(floor: float, normalized: bool):
    r"""Coefficients of the last field's part orthogonal to all others, times the volume these span.

    Its square is the Gram determinant: :math:`\det G = \det G_{N-1} \, |u_N^\perp|^2`. Where all others depend on each
    other the coefficients are zero.

    Parameters
    ----------
    floor : float
        Only if normalised: :math:`\epsilon`, as a part of each field's rms over all windows.
    normalized : bool
        Divide by :math:`\prod_k (|u_k|^2 + \epsilon_k^2)^{1/2}`.

    Returns
    -------
    callable
        ``coefficients(gram, mean_square)``: of the Gram matrices of every window, (N, N, n_windows) torch.Tensor, and
        each field's mean square over all windows, repeated for every window, (N, n_windows), the coefficients of the
        N fields, (N, n_windows).
    """

    def coefficients(gram, mean_square):
        k = len(gram)
        scale = torch.ones_like(mean_square)
        if normalized:
            scale = gram.diagonal(dim1=0, dim2=1).T + floor**2 * mean_square
        base = gram[: k - 1, : k - 1].permute(2, 0, 1)  # (n_windows, K - 1, K - 1)
        size = base.diagonal(dim1=1, dim2=2).prod(1)
        determinant = torch.linalg.det(base)
        # fields that depend on each other in round-off span nothing
        valid = (determinant > 1e3 * torch.finfo(gram.dtype).eps * size) & (scale > 0).all(0)
        identity = torch.eye(k - 1, dtype=gram.dtype, device=gram.device)
        safe = torch.where(valid[:, None, None], base, identity)
        on_base = -torch.linalg.solve(safe, gram[: k - 1, k - 1].T)  # (n_windows, K - 1)
        c = torch.cat([on_base.T, torch.ones_like(gram[:1, 0])])
        size = torch.where(valid, torch.linalg.det(safe), 0.0) / torch.where(scale > 0, scale, 1.0).prod(0)
        return c * torch.where(valid, torch.where(valid, size, 1.0).sqrt(), 0.0)

    return coefficients
