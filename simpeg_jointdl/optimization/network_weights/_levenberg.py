"""Gauss-Newton over the weights of networks: damped, and stopped at the noise."""

from __future__ import annotations

import numpy as np
import torch
from simpeg.optimization import IterationPrinters, StoppingCriteria

from ..._core.tensors import free_bytes
from ..._problem.misfits import chi_factors
from ..._tensor_path import hessian_product
from .._conjugate_gradients import conjugate_gradients
from .._evaluation import problem_of
from ..gauss_newton import ProjectedGNCG
from ._data_space import data_jacobians, make_data_space, weighted_residuals

SPACES = ("auto", "data", "model")
_MOST_DATA = 3000  # an eigenvalue problem of that size takes as long as the rows it is made of
_EASE, _STIFFEN = 0.4, 4.0  # factors on the damping: after success and failure
_HOLD_BACK = 0.5, 0.97  # on a step too far: its length, as data far above the damping are fitted by it at any damping
WHO = "LevenbergMarquardt"


class LevenbergMarquardt(ProjectedGNCG):
    r"""Damped Gauss-Newton, for models that are the weights of a network.

    Every step solves

    .. math::
        \left( \mathbf H + 2 \mu s\, \mathbf I \right) \mathbf p = - \mathbf g

    with :math:`\mathbf H` the Gauss-Newton Hessian of misfits, regularization and couplings, and :math:`s` the mean
    squared norm of the rows of the weighted sensitivities. The damping :math:`\mu` falls when a step lowers the
    function and grows until one does. A step that would fit the data better than their noise allows is shortened until
    it does not: so the last step ends at the noise.

    There are two ways to the same step. In the space of the *model*, conjugate gradients multiply by the network's
    derivative and its transpose. In the space of the *data*, the sensitivities of all data are computed once per step,
    (n_data, nP), and a system of as many equations as data is solved for any damping; where regularization or couplings
    add to :math:`\mathbf H`, that solution is the preconditioner of the conjugate gradients.

    Parameters
    ----------
    space : {"auto", "data", "model"}
        "auto" takes the data where they are fewer than the parameters and 3000, every misfit is least squares of a
        simulation of this package, and the sensitivities take up to a quarter of the free memory.
    damping : float
        :math:`\mu` to begin with.
    target_chi : float or None
        χ at which all data count as fitted; None to ignore it.
    tolerance : float
        Part of the target by which the last χ may miss it, on either side.
    max_tries : int
        Dampings and lengths tried in one step.
    maxIter : int
        Largest number of steps.
    cg_rtol, cg_atol : float
        Conjugate gradients end where the norm of their residual is at most the larger of `cg_rtol` times the first one
        and `cg_atol`.
    cg_maxiter : int
        Largest number of their iterations.
    **kwargs
        Of :class:`ProjectedGNCG`; no bounds, which belong to the network's outputs.

    Attributes
    ----------
    damping : float
        :math:`\mu` of the next step.
    stopped_because : str
        "target", "no descent" or empty.
    used_space : str
        "data" or "model", of the last step.

    Raises
    ------
    ValueError, TypeError
        For an unknown space, numbers out of range, bounds, and what :class:`ProjectedGNCG` refuses; at the first step,
        for ``space="data"`` with a misfit that is not least squares of a simulation of this package.
    MemoryError
        When it runs, where the device has no memory left; says what helps.

    References
    ----------
    Levenberg, K. (1944). A method for the solution of certain non-linear problems in least squares. Quarterly of
    Applied Mathematics, 2, 164-168. https://doi.org/10.1090/qam/10666. Siripunvaraporn, W. and Egbert, G. (2000). An
    efficient data-subspace inversion method for 2-D magnetotelluric data. Geophysics, 65, 791-803.
    https://doi.org/10.1190/1.1444778
    """

    name = "Levenberg-Marquardt"

    def __init__(
        self,
        *,
        space: str = "auto",
        damping: float = 1.0,
        target_chi: float | None = 1.0,
        tolerance: float = 0.05,
        max_tries: int = 12,
        maxIter: int = 60,
        cg_rtol: float = 1e-3,
        cg_atol: float = 0.0,
        cg_maxiter: int = 100,
        **kwargs,
    ):
        if space not in SPACES:
            msg = f"{WHO}.space: got {space!r}, wanted one of {list(SPACES)}."
            raise ValueError(msg)
        if not (damping > 0.0 and 0.0 <= tolerance < 1.0 and max_tries >= 1):
            msg = (
                f"{WHO}: got damping={damping!r}, tolerance={tolerance!r}, max_tries={max_tries!r}; wanted a damping "
                "above 0, a tolerance from 0 up to 1, and one try or more."
            )
            raise ValueError(msg)
        if kwargs.get("lower") is not None or kwargs.get("upper") is not None:
            msg = f"{WHO}: got bounds on the weights of a network; give them to the map (INRMap.bounds)."
            raise ValueError(msg)
        super().__init__(maxIter=maxIter, cg_rtol=cg_rtol, cg_atol=cg_atol, cg_maxiter=cg_maxiter, **kwargs)
        self.space, self.damping, self.tolerance = space, damping, float(tolerance)
        self.target_chi, self.max_tries = target_chi, int(max_tries)
        self.stopped_because, self.used_space, self._last_chi = "", "", None
        self.stoppers = [StoppingCriteria.iteration]
        self.printers = [IterationPrinters.iteration, IterationPrinters.f, IterationPrinters.norm_g, _DAMPING]

    @property
    def damping(self) -> float:
        """Of the next step; what is set is that of the first one, in every run."""
        return self._damping

    @damping.setter
    def damping(self, value):
        self._damping = self._first_damping = float(value)

    # steps ----------------------------------------------------------------------------------------------
    def findSearchDirection(self):
        """The damped step, (nP,)."""
        with self._on_device():
            self._step_of = self._make_step()
            return self._step_of(self.damping)

    def _make_step(self):
        """A function from the damping to the step."""
        crossing, problem = self._crossing, self._inverse_problem()
        gradient, hessian = crossing.send(self.g), self._hessian()
        jacobians = None if problem is None or self.space == "model" else data_jacobians(problem, self.xc, crossing)
        self.used_space = "data" if jacobians and self._fits(jacobians) else "model"
        if self.used_space == "model":
            if self.space == "data":
                raise ValueError(_NO_DATA_SPACE)
            scale = self._scale(hessian, gradient)
            return lambda damping: self._solve_damped(hessian, lambda v: v, gradient, damping * scale)
        space = make_data_space(jacobians, crossing)
        if self._is_alone(problem, gradient):
            residual = crossing.send(weighted_residuals(problem, jacobians))
            return lambda damping: -crossing.fetch(space.solve(residual, damping * space.scale))

        def step(damping):
            mu = damping * space.scale
            return self._solve_damped(hessian, lambda v: 0.5 * space.inverse(v, mu), gradient, mu)

        return step

    def _solve_damped(self, hessian, inverse, gradient, mu):
        step, self.cg_count, self.cg_abs_resid, first = conjugate_gradients(
            lambda v: hessian(v) + 2.0 * mu * v,
            inverse,
            gradient,
            torch.ones_like(gradient),
            rtol=self.cg_rtol,
            atol=self.cg_atol,
            maxiter=self.cg_maxiter,
        )
        self.cg_rel_resid = self.cg_abs_resid / first if first else 0.0
        return self._crossing.fetch(step)

    def _is_alone(self, problem, gradient) -> bool:
        """Whether regularization has no Hessian, so that the data say all."""
        product = hessian_product(problem.reg, self.xc, self._crossing)
        return not (problem.beta and torch.any(product(torch.ones_like(gradient) + gradient)))

    def _scale(self, hessian, gradient) -> float:
        """Mean squared norm of the rows: half the trace of the Hessian per datum, from seeded random vectors."""
        generator = torch.Generator(device="cpu").manual_seed(0)
        n, total = gradient.numel(), 0.0
        for _ in range(_PROBES):
            probe = torch.randint(2, (n,), generator=generator, dtype=torch.float64).mul_(2.0).sub_(1.0)
            probe = probe.to(gradient)
            total += float(probe @ hessian(probe))
        problem = self._inverse_problem()
        n_data = n if problem is None else sum(misfit.simulation.survey.nD for misfit in problem.dmisfit.objfcts)
        return max(0.5 * total / _PROBES / n_data, np.finfo(float).tiny)

    def _fits(self, jacobians) -> bool:
        n_data = sum(misfit.simulation.survey.nD for _, misfit, *_ in jacobians)
        n_bytes = n_data * self.xc.size * self.dtype.itemsize
        return self.space == "data" or (
            n_data <= min(self.xc.size, _MOST_DATA) and 4 * n_bytes <= free_bytes(self.device)
        )

    def _inverse_problem(self):
        """SimPEG's, if it is its function that is minimized."""
        problem = problem_of(getattr(self, "evalFunction", None))
        return problem if problem is self.parent else None

    # acceptance -----------------------------------------------------------------------------------------
    def modifySearchDirection(self, p):
        """The first step, from this damping on upwards, that lowers the function without fitting the noise."""
        value, self.iterLS, share, before = self.f, 0, 1.0, self._last_chi
        for _ in range(self.max_tries):
            self._LS_xt = self.xc + share * p
            self._LS_ft = self._evaluate(self._LS_xt)
            too_far = self._is_below_noise()
            if self._LS_ft < value and not too_far:
                self._damping *= _EASE
                self._watch_target()
                self._step_of = None
                return self._LS_xt, True
            self.iterLS += 1
            if too_far:
                share *= self._held_back(before)
                continue
            self._damping, share = self._damping * _STIFFEN, 1.0
            with self._on_device():
                p = self._step_of(self.damping)
        self._step_of, self._LS_ft = None, value
        self._evaluate(self.xc)
        self._watch_target()  # a model that fits already can only be left for one that fits the noise
        if not self.stopNextIteration:
            self.stopNextIteration, self.stopped_because = True, "no descent"
            self._remark(f"{WHO}: no step lowers the function any more, up to a damping of {self.damping:.1e}.")
        return self.xc, True

    def _held_back(self, before) -> float:
        """Factor on a step that went too far: to the target, if the root of the largest χ falls along it evenly."""
        least, most = _HOLD_BACK
        if before is None:
            return least
        start, wanted, end = (np.sqrt(np.max(chi)) for chi in (before, self.target_chi, self._chi()))
        return float(np.clip((start - wanted) / (start - end), least, most)) if start > wanted else least

    def startup(self, x0):
        """SimPEG's, with the first damping, and nothing known of how it ends."""
        self.stopped_because, self._last_chi, self._damping = "", None, self._first_damping
        return super().startup(x0)

    def checkpoint_state(self) -> dict:
        """The damping of the next step, and the misfits that the share of it goes by which is held back."""
        return {"damping": self._damping, "last_chi": self._last_chi}

    def restore_checkpoint_state(self, state: dict):
        """Put them back."""
        self._damping, self._last_chi = float(state["damping"]), state.get("last_chi")

    def _evaluate(self, x) -> float:
        try:
            value = float(self.evalFunction(x, return_g=False, return_H=False))
        except FloatingPointError:  # a network whose outputs are not finite there
            return np.inf
        except ValueError as error:
            if "contains `nan`s" not in str(error):  # SimPEG's, of predicted data
                raise
            return np.inf
        return value if np.isfinite(value) else np.inf

    def _chi(self):
        problem = self._inverse_problem()
        if problem is None or self.target_chi is None or not np.isfinite(self._LS_ft):
            return None
        counted = np.array(problem.dmisfit.multipliers) != 0.0
        return chi_factors(problem.dmisfit, problem.dpred)[counted]

    def _is_below_noise(self) -> bool:
        chi = self._chi()
        return chi is not None and bool((chi < (1.0 - self.tolerance) * self.target_chi).all())

    def _watch_target(self):
        self._last_chi = chi = self._chi()
        if chi is not None and (chi <= (1.0 + self.tolerance) * self.target_chi).all():
            self.stopNextIteration, self.stopped_because = True, "target"


_PROBES = 4
_DAMPING = {"title": "damping", "value": lambda M: M.damping, "width": 12, "format": lambda v: f"{v:1.2e}"}
_NO_DATA_SPACE = (
    f"{WHO}: space='data' asks for least-squares misfits of simulations of this package (potential_fields, "
    "natural_source), whose sensitivities are at hand on tensors, and there is one that is not. Take space='model'."
)
