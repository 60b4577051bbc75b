"""Damped Gauss-Newton steps, in the space of the model or of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from simpeg.inverse_problem import BaseInvProblem

from ..._core.tensors import free_bytes
from ..._tensor_path import hessian_product
from .._conjugate_gradients import Product, conjugate_gradients
from .._evaluation import problem_of
from ..gauss_newton import ProjectedGNCG
from ._data_space import data_jacobians, make_data_space, weighted_residuals

Space = Literal["auto", "data", "model"]
_PROBES = 4  # random vectors that a trace is estimated from
_NO_DATA_SPACE = (
    "LevenbergMarquardt: space='data' asks for least-squares misfits of simulations of this package "
    "(potential_fields, natural_source), which compute sensitivities on tensors; at least one misfit is not. Use "
    "space='model'."
)


@dataclass(frozen=True)
class DampingSettings:
    """Constants of damped Gauss-Newton; the scripts of benchmarks/implicit run with them."""

    ease: float = 0.4  # factor on the damping after a step that was accepted
    stiffen: float = 4.0  # factor on the damping after a step that did not lower the function
    shortest_cut: float = 0.5  # smallest and largest factor on the length of a step that fits the noise; data far
    longest_cut: float = 0.97  # above the damping are fitted at any damping, so such a step is shortened instead
    most_data: int = 3000  # largest data space: its eigenvalue problem takes as long as the sensitivities


SETTINGS = DampingSettings()


class BaseDampedMinimizer(ProjectedGNCG):
    """Base class of damped Gauss-Newton minimizers: the function from the damping to the step."""

    space: Space
    used_space: str

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_step_of": None}

    @property
    def damping(self) -> float:
        """Damping of the next step; a value that is set is that of the first step of every run."""
        return self._damping

    @damping.setter
    def damping(self, value: float) -> None:
        self._damping = self._first_damping = float(value)

    def _make_step(self) -> Callable[[float], np.ndarray]:
        """Return the function from the damping to the step."""
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

    def _solve_damped(self, hessian: Product, inverse: Product, gradient: torch.Tensor, mu: float) -> np.ndarray:
        """Solve the damped system by conjugate gradients."""
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

    def _is_alone(self, problem: BaseInvProblem, gradient: torch.Tensor) -> bool:
        """Whether the regularization has no Hessian, so that the data alone determine the step."""
        product = hessian_product(problem.reg, self.xc, self._crossing)
        return not (problem.beta and torch.any(product(torch.ones_like(gradient) + gradient)))

    def _scale(self, hessian: Product, gradient: torch.Tensor) -> float:
        """Mean squared norm of the rows, as half the trace of the Hessian per datum, from seeded random vectors."""
        generator = torch.Generator(device="cpu").manual_seed(0)
        n, total = gradient.numel(), 0.0
        for _ in range(_PROBES):
            probe = torch.randint(2, (n,), generator=generator, dtype=torch.float64).mul_(2.0).sub_(1.0)
            probe = probe.to(gradient)
            total += float(probe @ hessian(probe))
        problem = self._inverse_problem()
        n_data = n if problem is None else sum(misfit.simulation.survey.nD for misfit in problem.dmisfit.objfcts)
        return max(0.5 * total / _PROBES / n_data, np.finfo(float).tiny)

    def _fits(self, jacobians: list[tuple]) -> bool:
        """Whether the data are few enough for steps in their space."""
        n_data = sum(misfit.simulation.survey.nD for _, misfit, *_ in jacobians)
        n_bytes = n_data * self.xc.size * self.dtype.itemsize
        return self.space == "data" or (
            n_data <= min(self.xc.size, SETTINGS.most_data) and 4 * n_bytes <= free_bytes(self.device)
        )

    def _inverse_problem(self) -> BaseInvProblem | None:
        """The inverse problem whose objective function is minimized, None for any other function."""
        problem = problem_of(getattr(self, "evalFunction", None))
        return problem if problem is self.parent else None
