"""Projected Gauss-Newton that leaves bounds as readily as it meets them."""

from __future__ import annotations

import numpy as np
from simpeg.optimization import ProjectedGNCG


class BoundedGaussNewton(ProjectedGNCG):
    r"""Projected inexact Gauss-Newton with the binding set of Bertsekas.

    SimPEG's ``ProjectedGNCG`` keeps every cell that sits on a bound out of the conjugate gradients, and
    lets those that want off it follow a scaled gradient instead. Where many cells sit on bounds, as with
    tight bounds and strong data, its steps are cut to nothing by the line search long before the data are fitted. Here
    only *binding* cells are left out [1]_: within `bound_width` of a bound, and pushed against it by the gradient,

    .. math::
        \{ j : m_j \geq u_j - \epsilon (u_j - l_j),\ g_j \leq 0 \} \cup
        \{ j : m_j \leq l_j + \epsilon (u_j - l_j),\ g_j \geq 0 \}

    All others take part in the conjugate gradients, while binding ones step onto their bound. A step that the line
    search could cut but not make descend is taken all the same, as the next binding set is then another one; pass
    ``require_decrease=True`` to stop there, as SimPEG does.

    Parameters
    ----------
    bound_width : float
        :math:`\epsilon`; where a bound is infinite it is zero.
    **kwargs
        Of :class:`simpeg.optimization.ProjectedGNCG`.

    References
    ----------
    .. [1] Bertsekas, D. P. (1982). Projected Newton methods for optimization problems with simple constraints.
       SIAM Journal on Control and Optimization, 20, 221-246. https://doi.org/10.1137/0320018
    """

    name = "Bounded Gauss-Newton"

    def __init__(self, *, bound_width: float = 1e-3, cg_rtol: float = 1e-3, **kwargs):
        if not 0.0 <= bound_width < 0.5:
            msg = f"BoundedGaussNewton.bound_width: got {bound_width!r}, wanted a number from 0 to below 0.5."
            raise ValueError(msg)
        kwargs.setdefault("require_decrease", False)
        super().__init__(cg_rtol=cg_rtol, **kwargs)
        self.bound_width = float(bound_width)

    def bindingSet(self, x):
        """Cells near a bound and pushed against it, (nP,) of bool."""
        lower, upper = self._bounds()
        width = np.subtract(upper, lower)
        width = self.bound_width * np.where(np.isfinite(width), width, 0.0)
        above, below = x >= upper - width, x <= lower + width
        return (above & (self.g <= 0.0)) | (below & (self.g >= 0.0))

    def activeSet(self, x):
        """The binding set; nothing else is left out of the conjugate gradients."""
        return self.bindingSet(x)

    def findSearchDirection(self):
        """Conjugate gradients for the free cells; the binding ones go the rest of the way to their bound."""
        binding = self.bindingSet(self.xc)
        if np.any(self.g[~binding]):
            step = super().findSearchDirection()
        else:  # nothing to solve for, and SimPEG would divide by it
            step = np.zeros_like(self.xc)
            self.cg_count, self.cg_abs_resid, self.cg_rel_resid = 0, 0.0, 0.0
        lower, upper = self._bounds()
        to_bound = np.where(self.g > 0.0, lower, upper) - self.xc
        pressed = binding & (self.g != 0.0)
        step[pressed] = to_bound[pressed]
        return step

    def _bounds(self):
        lower = -np.inf if self.lower is None else self.lower
        return lower, np.inf if self.upper is None else self.upper
