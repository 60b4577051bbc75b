"""Gauss-Newton between bounds, through the interior."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ._projected import ProjectedGNCG

_SOLVES = 4  # of one step, at most
_SPOILT = 0.5  # part of the promised decrease below which cut cells are held and the others solved for again


class BoundedGaussNewton(ProjectedGNCG):
    r"""Inexact Gauss-Newton between bounds, scaled by the room that is left.

    SimPEG's ``ProjectedGNCG`` steps as if there were no bounds and cuts off what lies beyond. Where many cells
    meet bounds, as with tight bounds and strong data, what is left of its steps fits the data less and less, and the
    line search cuts them to nothing long before the data are fitted. Here every step solves [1]_

    .. math::
        \left( \mathbf H + \mathrm{diag}\, \frac{|g_j|}{v_j} \right) \mathbf p = - \mathbf g, \qquad
        v_j = \begin{cases} m_j - l_j & g_j > 0 \\ u_j - m_j & g_j \leq 0 \end{cases}

    :math:`v_j` being the room between the model and the bound to which the gradient drives it. A cell near that
    bound is stiff and hardly moves, one that is driven off its bound is free, and all find their place together.
    No cell takes more than the part `reach` of its room in a step, so one that
    belongs on a bound ends beside it, nearer with every step. Cells without any room are held.

    Where the cut spoils a step, so that the quadratic model of the function falls by less than half of what
    the whole step promised, the cells that were cut are held there and the others are solved for again.

    A step that the line search could cut but not make descend is taken all the same; pass
    ``require_decrease=True`` to stop there, as SimPEG does.

    Parameters
    ----------
    reach : float
        Largest part of the room taken in one step.
    cg_rtol : float
        Part of its first norm at which the residual of the conjugate gradients is small enough.
    **kwargs
        Of :class:`ProjectedGNCG`, on whose device all steps are solved for.

    Attributes
    ----------
    bound_curvature : (nP,) numpy.ndarray
        :math:`|g_j| / v_j` of the last step, for preconditioners.

    Raises
    ------
    ValueError, TypeError
        For a reach that is not above 0, up to 1, and for what :class:`ProjectedGNCG` refuses.
    MemoryError
        When it runs, where the device has no memory left; says what helps.

    References
    ----------
    .. [1] Coleman, T. F. and Li, Y. (1996). An interior trust region approach for nonlinear minimization subject to
       bounds. SIAM Journal on Optimization, 6, 418-445. https://doi.org/10.1137/0806023
    """

    name = "Bounded Gauss-Newton"

    def __init__(self, *, reach: float = 0.995, cg_rtol: float = 1e-3, **kwargs):
        if not 0.0 < reach <= 1.0:
            msg = f"BoundedGaussNewton.reach: got {reach!r}, wanted a number above 0, up to 1."
            raise ValueError(msg)
        kwargs.setdefault("require_decrease", False)
        super().__init__(cg_rtol=cg_rtol, **kwargs)
        self.reach = float(reach)
        self.bound_curvature = 0.0
        self._held = None

    def bindingSet(self, x):
        """Cells without any room where the gradient drives them, (nP,) of bool."""
        return self._room(x) <= 0.0 if self._held is None else self._held

    def activeSet(self, x):
        """The binding set; all others take part in the conjugate gradients."""
        return self.bindingSet(x)

    def findSearchDirection(self):
        """Preconditioned conjugate gradients on the scaled system, cut to the reach of every cell."""
        room = self._room(self.xc)
        free = room > 0.0
        near = free & np.isfinite(room)
        self.bound_curvature = np.divide(np.abs(self.g), room, out=np.zeros_like(self.g), where=near)
        with self._on_device():
            if np.any(self.g[free]):
                return self._cut_direction(free)
        # nothing to solve for, and SimPEG would divide by it
        self.cg_count, self.cg_abs_resid, self.cg_rel_resid = 0, 0.0, 0.0
        return np.zeros_like(self.xc)

    def _cut_direction(self, free):
        """A step within reach; cells that are cut are held if the step is worth little with them cut."""
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
                # a whole Newton step lowers the model by half of -gᵀp
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

    def _stiffened(self):
        """Products of the stiffened Hessian, and of the preconditioner of the same, with a tensor."""
        hessian, preconditioner = self._hessian(), self.approxHinv
        curvature = self._crossing.send(self.bound_curvature)
        if sp.issparse(preconditioner):  # a diagonal one; operators ask for the curvature themselves
            diagonal = preconditioner.diagonal()
            preconditioner = sp.diags(diagonal / (1.0 + diagonal * self.bound_curvature), format="csr")
        return lambda v: hessian(v) + curvature * v, self._inverse(preconditioner)

    def _product(self, hessian, vector):
        return self._crossing.fetch(hessian(self._crossing.send(vector)))

    def _room(self, x):
        lower, upper = self._bounds()
        return np.where(self.g > 0.0, x - lower, upper - x)

    def _bounds(self):
        lower = -np.inf if self.lower is None else self.lower
        return lower, np.inf if self.upper is None else self.upper
