"""Golub-Kahan bidiagonalization: it reduces least squares with any damping to a small problem."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_TINY = 1e-12  # a vector below this fraction of the largest entry is round-off: the Krylov space is exhausted

Product = Callable[[np.ndarray], np.ndarray]


def bidiagonalized(
    product: Product, transposed: Product, right_hand_side: np.ndarray, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    r"""Compute the lower bidiagonal form of an operator from a right-hand side, with full orthogonalization.

    .. math::
        \mathbf A \mathbf V_k = \mathbf U_{k+1} \mathbf B_k, \qquad
        \mathbf U_{k+1} \mathbf e_1 = \mathbf b / \|\mathbf b\|

    so that :math:`\min \|\mathbf A \mathbf V \mathbf y - \mathbf b\|^2 + \mu \|\mathbf y\|^2` is
    :math:`\min \|\mathbf B \mathbf y - \|\mathbf b\| \mathbf e_1\|^2 + \mu \|\mathbf y\|^2` for every :math:`\mu`
    [1]_.

    Parameters
    ----------
    product, transposed : callable
        Products of the operator and of its transpose with a vector, (n,) -> (m,) and (m,) -> (n,).
    right_hand_side : (m,) numpy.ndarray
        :math:`\mathbf b`, not zero.
    n_steps : int
        Largest number of steps k; there are fewer where the Krylov space is exhausted.

    Returns
    -------
    bidiagonal : (k + 1, k) numpy.ndarray
        :math:`\mathbf B_k`.
    basis : (k, n) numpy.ndarray
        :math:`\mathbf V_k^\top`, with orthonormal rows.

    References
    ----------
    .. [1] Paige, C. C. and Saunders, M. A. (1982). LSQR: An algorithm for sparse linear equations and sparse least
       squares. ACM Transactions on Mathematical Software, 8, 43-71. https://doi.org/10.1145/355984.355989
    """
    n_steps = min(n_steps, right_hand_side.size)
    left = np.zeros((n_steps + 1, right_hand_side.size))
    left[0] = right_hand_side / np.linalg.norm(right_hand_side)
    direction = transposed(left[0])
    basis, bidiagonal = np.zeros((n_steps, direction.size)), np.zeros((n_steps + 1, n_steps))
    for k in range(n_steps):
        direction = _orthogonal(direction, basis[:k])
        length = np.linalg.norm(direction)
        if length <= _TINY * bidiagonal.max(initial=0.0) or length == 0.0:
            return bidiagonal[: k + 1, :k], basis[:k]
        basis[k], bidiagonal[k, k] = direction / length, length
        rest = _orthogonal(product(basis[k]) - length * left[k], left[: k + 1])
        length = np.linalg.norm(rest)
        bidiagonal[k + 1, k] = length
        if length <= _TINY * bidiagonal.max():
            return bidiagonal[: k + 2, : k + 1], basis[: k + 1]
        left[k + 1] = rest / length
        direction = transposed(left[k + 1]) - length * basis[k]
    return bidiagonal, basis


def _orthogonal(vector, basis):
    """Subtract from a vector its part along a basis; twice, since once leaves round-off."""
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector
