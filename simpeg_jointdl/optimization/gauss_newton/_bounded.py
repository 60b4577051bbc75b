"""Gauss-Newton between bounds, through the interior of the feasible region."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike

from ..._core import validation as check
from .._conjugate_gradients import Product
from ._projected import ProjectedGNCG

_SOLVES = 4  # systems that are solved for one step, at most
_SPOILT = 0.5  # part of the predicted decrease below which a cut step is improved


class BoundedGaussNewton(ProjectedGNCG):
    r"""Inexact Gauss-Newton between bounds, scaled by the distance to the bounds.

    SimPEG's ``ProjectedGNCG`` takes steps as if there were no bounds, and cuts off what lies beyond them. If many cells
    reach bounds, as they do with tight bounds and strong data, the cut steps fit the data less and less well, and the
    line search shortens them to nothing long before the data are fitted. Here every step solves [1]_

    .. math::
        \left( \mathbf H + \mathrm{diag}\, \frac{|g_j|}{v_j} \right) \mathbf p = - \mathbf g, \qquad
        v_j = \begin{cases} m_j - l_j & g_j > 0 \\ u_j - m_j & g_j \leq 0 \end{cases}

    with :math:`v_j` the distance from the model to the bound in the direction of descent. A cell near that bound is
    stiff and hardly moves, a cell that moves away from its bound is free, and both are found in one system. No cell
    moves by more than the part `reach` of its distance in one step, so a cell that belongs at a bound ends just inside
    it, and comes closer with every step. Cells at the bound itself are fixed.

    If cutting spoils a step, so that the quadratic model of the function decreases by less than half of what the whole
    step predicts, the cells that were cut are fixed where they are, and the others are solved for again.

    A step that the line search has shortened without finding a descent is taken nevertheless. With
    ``require_decrease=True`` the minimization stops there, as SimPEG's does.

    Parameters
    ----------
    reach : float
        Largest part of the distance to a bound that a cell moves in one step, above 0 and up to 1.
    require_decrease : bool
        Whether to stop when a line search finds no descent.
    cg_rtol : float
        Conjugate gradients end when the norm of the residual is at most this part of its first value.
    device : str or torch.device, optional
        Device of the conjugate gradients; torch's default device if not given.
    dtype : torch.dtype or str, optional
        Type of the conjugate gradients, float64 (default) or float32.
    print_tables : bool
        Whether to print SimPEG's tables of iterations and stopping criteria.
    lower, upper : float or (nP,) array_like, optional
        Bounds of the model.
    maxIter : int
        Largest number of Gauss-Newton iterations.
    cg_maxiter : int
        Largest number of iterations of the conjugate gradients.
    **kwargs
        Further keywords of :class:`simpeg.optimization.ProjectedGNCG`: ``cg_atol``, ``maxIterLS``, ``tolF``, ...

    Attributes
    ----------
    reach : float
        Largest part of the distance to a bound that a cell moves in one step.
    bound_curvature : (nP,) numpy.ndarray
        :math:`|g_j| / v_j` of the last step, for preconditioners.

    Raises
    ------
    ValueError, TypeError
        For a reach out of range, and for what :class:`ProjectedGNCG` refuses.
    MemoryError
        During a run, if the memory of the device is not enough; the message says what helps.

    References
    ----------
    .. [1] Coleman, T. F. and Li, Y. (1996). An interior trust region approach for nonlinear minimization subject to
       bounds. SIAM Journal on Optimization, 6, 418-445. https://doi.org/10.1137/0806023

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from simpeg_jointdl.optimization import BoundedGaussNewton
    >>> def bowl(x, return_g=True, return_H=True):
    ...     parts = [0.5 * np.sum((x - 1.0) ** 2), *[x - 1.0] * return_g, *[sp.identity(x.size)] * return_H]
    ...     return tuple(parts) if len(parts) > 1 else parts[0]
    >>> minimizer = BoundedGaussNewton(maxIter=20, lower=0.0, upper=0.5, tolX=1e-12, print_tables=False)
    >>> minimizer.minimize(bowl, np.full(2, 0.1)).round(2)
    array([0.5, 0.5])
    """

    name = "Bounded Gauss-Newton"

    def __init__(
        self,
        *,
        reach: float = 0.995,
        require_decrease: bool = False,
        cg_rtol: float = 1e-3,
        device: str | torch.device | None = None,
        dtype: torch.dtype | str | None = None,
        print_tables: bool = True,
        lower: ArrayLike | None = -np.inf,
        upper: ArrayLike | None = np.inf,
        maxIter: int = 20,
        cg_maxiter: int = 5,
        **kwargs: Any,
    ):
        super().__init__(
            device=device,
            dtype=dtype,
            print_tables=print_tables,
            require_decrease=bool(require_decrease),
            lower=lower,
            upper=upper,
            maxIter=maxIter,
            cg_rtol=cg_rtol,
            cg_maxiter=cg_maxiter,
            **kwargs,
        )
        self.reach: float = check.share("BoundedGaussNewton.reach", reach, zero=False)
        self.bound_curvature: Any = 0.0
        self._held: np.ndarray | None = None

    def bindingSet(self, x: np.ndarray) -> np.ndarray:
        """Return the cells that are at the bound in the direction of descent, (nP,) of bool.

        Parameters
        ----------
        x : (nP,) numpy.ndarray
            Model.

        Returns
        -------
        (nP,) numpy.ndarray of bool
            Cells that are fixed.
        """
        return self._distance(x) <= 0.0 if self._held is None else self._held

    def activeSet(self, x: np.ndarray) -> np.ndarray:
        """Return the cells that are not solved for, (nP,) of bool: those of :meth:`bindingSet`.

        Parameters
        ----------
        x : (nP,) numpy.ndarray
            Model.

        Returns
        -------
        (nP,) numpy.ndarray of bool
            Cells that are not solved for.
        """
        return self.bindingSet(x)

    def findSearchDirection(self) -> np.ndarray:
        """Return the direction of the next step from the scaled system, cut to the reach of every cell, (nP,).

        Returns
        -------
        (nP,) numpy.ndarray
            Direction or step.
        """
        distance = self._distance(self.xc)
        free = distance > 0.0
        near = free & np.isfinite(distance)
        self.bound_curvature = np.divide(np.abs(self.g), distance, out=np.zeros_like(self.g), where=near)
        with self._on_device():
            if np.any(self.g[free]):
                return self._cut_direction(free)
        # the gradient is zero, and conjugate gradients would divide by its norm
        self.cg_count, self.cg_abs_resid, self.cg_rel_resid = 0, 0.0, 0.0
        return np.zeros_like(self.xc)

    def _cut_direction(self, free: np.ndarray) -> np.ndarray:
        """Return a step within reach, with cut cells fixed if the step loses much by cutting, (nP,)."""
        lower, upper = self._bounds()
        least, most = self.reach * (lower - self.xc), self.reach * (upper - self.xc)
        gradient, cg_count = self.g, 0
        hessian, inverse = self._stiffened()
        best, best_value, held_step = np.zeros_like(self.xc), 0.0, np.zeros_like(self.xc)
        self._held = ~free
        try:
            for _ in range(_SOLVES):
                whole = held_step + self._solve(hessian, inverse)
                cg_count += self.cg_count
                step = np.clip(whole, least, most)
                value = gradient @ step + 0.5 * step @ self._product(hessian, step)
                if value < best_value or not best.any():
                    best, best_value = step, value
                # the quadratic model decreases by -gᵀp / 2 in a whole Newton step
                if value <= _SPOILT * 0.5 * (gradient @ whole):
                    break
                self._held = self._held | (step != whole)
                held_step = np.where(self._held, step, 0.0)
                self.g = gradient + self._product(hessian, held_step)
                if not np.any(self.g[~self._held]):
                    break
        finally:
            self.g, self._held, self.cg_count = gradient, None, cg_count
        return best

    def _stiffened(self) -> tuple[Product, Product]:
        """Products of the Hessian with the curvature of the bounds, and of its preconditioner, with a tensor."""
        hessian, preconditioner = self._hessian(), self.approxHinv
        curvature = self._crossing.send(self.bound_curvature)
        if sp.issparse(preconditioner):  # a diagonal; operators read `bound_curvature` themselves
            diagonal = preconditioner.diagonal()
            preconditioner = sp.diags(diagonal / (1.0 + diagonal * self.bound_curvature), format="csr")
        return lambda v: hessian(v) + curvature * v, self._inverse(preconditioner)

    def _product(self, hessian: Product, vector: np.ndarray) -> np.ndarray:
        return self._crossing.fetch(hessian(self._crossing.send(vector)))

    def _distance(self, x: np.ndarray) -> np.ndarray:
        """Distance to the bound in the direction of descent, (nP,)."""
        lower, upper = self._bounds()
        return np.where(self.g > 0.0, x - lower, upper - x)

    def _bounds(self) -> tuple[Any, Any]:
        lower = -np.inf if self.lower is None else self.lower
        return lower, np.inf if self.upper is None else self.upper
