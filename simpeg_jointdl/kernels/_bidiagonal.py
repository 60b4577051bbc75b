"""Golub-Kahan bidiagonalisation: one Krylov space in which a step with any damping is a small problem."""

from __future__ import annotations

import numpy as np

_TINY = 1e-12


def bidiagonalized(product, transposed, right_hand_side, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Lower bidiagonal form of an operator, started from a right-hand side, fully orthogonalised.

    .. math::
        \mathbf A \mathbf V_k = \mathbf U_{k+1} \mathbf B_k, \qquad
        \mathbf U_{k+1} \mathbf e_1 = \mathbf b / \|\mathbf b\|

    so that :math:`\min \|\mathbf A \mathbf V \mathbf y - \mathbf b\|^2 + \mu \|\mathbf y\|^2` is
    :math:`\min \|\mathbf B \mathbf y - \|\mathbf b\| \mathbf e_1\|^2 + \mu \|\mathbf y\|^2` for every :math:`\mu`
    (Paige and Saunders, 1982, https://doi.org/10.1145/355984.355989).

    Parameters
    ----------
    product, transposed : callable
        Of the operator and its transpose with a vector, (n,) -> (m,) and (m,) -> (n,).
    right_hand_side : (m,) numpy.ndarray
        Not zero.
    n_steps : int
        At most so many; fewer where the space is exhausted.

    Returns
    -------
    bidiagonal : (k + 1, k) numpy.ndarray
    basis : (k, n) numpy.ndarray
        Rows are orthonormal.
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
    """What is left of a vector off a basis; twice, as once leaves round-off along it."""
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector
