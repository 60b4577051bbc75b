"""A Jacobian or Hessian defined by its products, which SimPEG can use wherever it expects a sparse matrix."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from discretize.utils import Identity, Zero

from .estimates import EXACT_COLUMNS, SquaredOperator, probe_mean

# A dense copy larger than this is refused.
MAX_DENSE_BYTES = 2**30


class JacobianOperator:
    r"""Linear operator that supports every operation which SimPEG applies to a derivative.

    It can be multiplied, on either side, by scalars, vectors, dense and sparse matrices and other operators; it can be
    added and subtracted; and it has ``.T``, ``.diagonal()`` and ``.power(2).sum(axis)``. Every result that is not an
    array is an operator again. A scipy ``LinearOperator`` does not support ``sparse * operator`` or a sum with a sparse
    matrix, which occur in maps and regularizations.

    Parameters
    ----------
    shape : tuple of int
        Numbers of rows and columns.
    matvec, rmatvec : callable
        Products of the operator and of its transpose with a vector.
    diagonal : callable, optional
        Returns the diagonal. Without it the diagonal is computed column by column if the smaller side has at most
        ``EXACT_COLUMNS`` columns, and estimated otherwise; see :attr:`diagonal_is_exact`.
    diagonal_is_exact : bool
        Whether `diagonal` returns the diagonal itself or an estimate of it.

    Notes
    -----
    Estimates [1]_ are unbiased and have a fixed seed, so that they are the same at every call. With Rademacher probes
    :math:`\mathbf z`, squared column norms are :math:`\mathrm E[(\mathbf A^\top \mathbf z)^2]`. The diagonal of a Gram
    matrix :math:`\mathbf A^\top \mathbf A` is the same, and never negative. Any other diagonal is
    :math:`\mathrm E[\mathbf z \odot \mathbf A \mathbf z]`.

    References
    ----------
    .. [1] Bekas, C., Kokiopoulou, E. and Saad, Y. (2007). An estimator for the diagonal of a matrix. Applied Numerical
       Mathematics, 57, 1214-1229. https://doi.org/10.1016/j.apnum.2007.01.003
    """

    __array_ufunc__ = None  # so that numpy leaves ndarray @ operator and np.float64 * operator to this class

    def __init__(
        self,
        shape: tuple[int, int],
        matvec: Callable[[np.ndarray], np.ndarray],
        rmatvec: Callable[[np.ndarray], np.ndarray],
        *,
        diagonal: Callable[[], np.ndarray] | None = None,
        diagonal_is_exact: bool = True,
    ):
        self.shape: tuple[int, int] = (int(shape[0]), int(shape[1]))
        self._matvec, self._rmatvec = matvec, rmatvec
        self._diagonal, self._diagonal_is_exact = diagonal, diagonal_is_exact
        self._transpose_of: JacobianOperator | None = None
        self._scaled: tuple[float, JacobianOperator] | None = None  # (a, B) where self = a B
        self._product: tuple | None = None  # (L, R) where self = L R
        self._gram_root: JacobianOperator | None = None  # R where self = Rᵀ R

    ndim: int = 2
    dtype: np.dtype = np.dtype(np.float64)

    def __repr__(self) -> str:
        return f"<JacobianOperator of shape {self.shape}>"

    # products ---------------------------------------------------------------------------------
    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, (Zero, Identity)):
            return other @ self
        if _is_operator_like(other):
            return _multiply(self, other)
        other = np.asarray(other)
        if other.ndim not in (1, 2) or other.shape[0] != self.shape[1]:
            raise _shape_error(self.shape, other.shape)
        if other.ndim == 1:
            return self._matvec(other)
        return np.stack([self._matvec(column) for column in other.T], axis=1)

    def __rmatmul__(self, other: Any) -> Any:
        if _is_operator_like(other):
            return _multiply(other, self)
        other = np.asarray(other)
        if other.ndim not in (1, 2) or other.shape[-1] != self.shape[0]:
            raise _shape_error(other.shape, self.shape)
        if other.ndim == 1:
            return self._rmatvec(other)
        return np.stack([self._rmatvec(row) for row in other])

    def __mul__(self, other: Any) -> Any:
        return _scale(float(other), self) if _is_scalar(other) else self @ other

    def __rmul__(self, other: Any) -> Any:
        return _scale(float(other), self) if _is_scalar(other) else self.__rmatmul__(other)

    def __truediv__(self, other: Any) -> Any:
        return _scale(1.0 / float(other), self) if _is_scalar(other) else NotImplemented

    def __neg__(self) -> JacobianOperator:
        return _scale(-1.0, self)

    dot = __mul__
    matvec = __matmul__  # scipy.sparse.linalg recognises an operator by this name and the next

    def rmatvec(self, v: np.ndarray) -> np.ndarray:
        """Multiply a vector by the transpose."""
        return self.T @ v

    # sums -------------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Any:
        if isinstance(other, Zero) or (_is_scalar(other) and float(other) == 0.0):
            return self
        if isinstance(other, Identity):
            other = other @ sp.identity(self.shape[0])
        return _add(self, other) if _is_operator_like(other) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return (-self) + other

    # what SimPEG uses of a matrix -------------------------------------------------------------
    @property
    def T(self) -> JacobianOperator:
        """The transpose; ``A.T.T is A``."""
        if self._transpose_of is not None:
            return self._transpose_of
        if self._scaled is not None:  # keep the scalar in front, so that Gram matrices are recognised
            factor, inner = self._scaled
            transpose = _scale(factor, inner.T)
        else:
            transpose = JacobianOperator(
                self.shape[::-1],
                self._rmatvec,
                self._matvec,
                diagonal=self.diagonal,
                diagonal_is_exact=self.diagonal_is_exact,
            )
        transpose._transpose_of = self
        return transpose

    def transpose(self) -> JacobianOperator:
        """Return the transpose, :attr:`T`."""
        return self.T

    @property
    def diagonal_is_exact(self) -> bool:
        """Whether :meth:`diagonal` is the diagonal itself; otherwise it is an unbiased estimate with a fixed seed."""
        if self._diagonal is not None:
            return self._diagonal_is_exact
        return min(self.shape if self._gram_root is None else self._gram_root.shape) <= EXACT_COLUMNS

    def diagonal(self) -> np.ndarray:
        """Return the diagonal, exact or estimated, as :attr:`diagonal_is_exact` says.

        Returns
        -------
        (min(shape),) numpy.ndarray
            Diagonal.
        """
        if self._diagonal is not None:
            return self._diagonal()
        if self._gram_root is not None:
            return self._gram_root.power(2).sum(axis=0)
        n = min(self.shape)
        if self.diagonal_is_exact:
            return np.array([self._matvec(e)[i] for i, e in enumerate(np.eye(n, self.shape[1]))])
        return probe_mean(self.shape[1], lambda probe: probe[:n] * self._matvec(probe)[:n])

    def power(self, exponent: int) -> SquaredOperator:
        """Return the element-wise square, of which only sums along an axis are available; `exponent` must be 2."""
        if exponent != 2:
            msg = f"JacobianOperator.power: got {exponent!r}, wanted 2. Only power(2).sum(axis) is available."
            raise ValueError(msg)
        return SquaredOperator(self)

    def toarray(self) -> np.ndarray:
        """Return a dense copy of at most 1 GiB, for small problems and tests."""
        size = 8 * self.shape[0] * self.shape[1]
        if size > MAX_DENSE_BYTES:
            msg = (
                f"JacobianOperator of shape {self.shape}: a dense copy would take {size / 2**30:.1f} GiB. "
                "If SimPEG asked for it to start BFGS, add simpeg_jointdl.directives.UpdateJointPreconditioner() "
                "or pass init_bfgs=False to BaseInvProblem."
            )
            raise ValueError(msg)
        return self @ np.eye(self.shape[1])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        # In sparse @ operator scipy.sparse turns the operator into an array before it tries __rmatmul__. It falls back
        # on __rmatmul__ if that array has object dtype and no dimensions. The constructors of scipy.sparse call this
        # method too, and need the matrix: SimPEG calls csr_matrix(reg.deriv2(m)) when it starts BFGS.
        caller = sys._getframe(1)
        if caller.f_code.co_name == "__init__" and caller.f_globals["__name__"].startswith("scipy.sparse"):
            return self.toarray()
        wrapped = np.empty((), dtype=object)
        wrapped[()] = self
        return wrapped


def _is_scalar(value: Any) -> bool:
    return isinstance(value, numbers.Real) or (isinstance(value, np.ndarray) and value.ndim == 0)


def _is_operator_like(value: Any) -> bool:
    return sp.issparse(value) or isinstance(value, JacobianOperator)


def _shape_error(left, right) -> ValueError:
    return ValueError(f"JacobianOperator: got shapes {left} and {right}, which do not fit together.")


def _scale(factor: float, operator: JacobianOperator) -> JacobianOperator:
    if operator._scaled is not None:
        inner, operator = operator._scaled
        factor *= inner
    result = JacobianOperator(
        operator.shape,
        lambda v: factor * operator._matvec(v),
        lambda v: factor * operator._rmatvec(v),
        diagonal=None if operator._diagonal is None else lambda: factor * operator.diagonal(),
        diagonal_is_exact=operator._diagonal_is_exact,
    )
    result._scaled = (factor, operator)
    if operator._gram_root is not None and factor >= 0:
        result._gram_root = np.sqrt(factor) * operator._gram_root
    return result


def _add(left: JacobianOperator, right) -> JacobianOperator:
    if left.shape != right.shape:
        raise _shape_error(left.shape, right.shape)
    return JacobianOperator(
        left.shape,
        lambda v: left._matvec(v) + right @ v,
        lambda v: left._rmatvec(v) + right.T @ v,
        diagonal=lambda: left.diagonal() + right.diagonal(),
        diagonal_is_exact=left.diagonal_is_exact and (sp.issparse(right) or right.diagonal_is_exact),
    )


def _multiply(left, right) -> JacobianOperator:
    if left.shape[1] != right.shape[0]:
        raise _shape_error(left.shape, right.shape)
    for operand in (left, right):  # move scalars to the front, so that Gram matrices are recognised
        if isinstance(operand, JacobianOperator) and operand._scaled is not None:
            factor, inner = operand._scaled
            return _scale(factor, _multiply(inner, right) if operand is left else _multiply(left, inner))
    result = JacobianOperator(
        (left.shape[0], right.shape[1]),
        lambda v: left @ (right @ v),
        lambda v: right.T @ (left.T @ v),
    )
    result._product = (left, right)
    result._gram_root = _find_gram_root(left, right)
    return result


def _find_gram_root(left, right) -> JacobianOperator | None:
    """Find R with left right = Rᵀ R, for A Aᵀ, Aᵀ A and Aᵀ (D A) with a diagonal D that is nowhere negative."""
    if not (isinstance(left, JacobianOperator) and isinstance(right, JacobianOperator)):
        return None
    if right._transpose_of is left:
        return right
    root = left._transpose_of
    if root is None or right is root:
        return root
    middle, last = right._product or (None, None)
    if last is not root or not sp.issparse(middle):
        return None
    weights = middle.diagonal()
    off_diagonal = (middle - sp.diags(weights)).tocsr()
    if np.any(off_diagonal.data) or np.any(weights < 0):
        return None
    return sp.diags(np.sqrt(weights)) @ root
