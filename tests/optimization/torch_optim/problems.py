"""Functions, plain torch loops, and an inversion with Adam, for the tests of the minimizer with torch's optimizers."""

from __future__ import annotations

import numpy as np
import torch
from simpeg import directives as simpeg_directives
from simpeg.regularization import WeightedLeastSquares

from simpeg_jointdl.optimization import TorchMinimize
from tests.optimization.linear_problem import N

# torch imports much with its first optimizer; SimPEG's collections of garbage would look at it at every evaluation if
# that came after the test session has frozen what it holds
torch.optim.SGD([torch.zeros(1)])

CURVATURES = np.geomspace(0.5, 5.0, 6)


class Bowl:
    """Σ cᵢ (xᵢ - 1)², which counts its evaluations, and is NaN or has an infinite gradient at one of them."""

    def __init__(self, nan_at=None, nan_gradient_at=None):
        self.count, self.nan_at, self.nan_gradient_at, self.seen = 0, nan_at, nan_gradient_at, []

    def __call__(self, x, return_g=True, return_H=True):
        assert return_g is True
        assert return_H is False
        self.count += 1
        self.seen.append(x)
        value, gradient = float(CURVATURES @ (x - 1.0) ** 2), 2.0 * CURVATURES * (x - 1.0)
        if self.count == self.nan_at:
            value = np.nan
        if self.count == self.nan_gradient_at:
            gradient[2] = np.inf
        return value, gradient


def quiet(minimizer):
    """The minimizer, without tables."""
    minimizer.print_tables = False
    return minimizer


def run(*args, function=None, start=None, **options):
    minimizer = quiet(TorchMinimize(*args, **options))
    found = minimizer.minimize(Bowl() if function is None else function, np.zeros(6) if start is None else start)
    return found, minimizer


def plain_loop(make, n_steps, schedule=None, dtype=torch.float64, clip=None):
    """The same loop, written by hand."""
    x = torch.zeros(6, dtype=dtype, requires_grad=True)
    curvatures = torch.tensor(CURVATURES)
    optimizer = make([x])
    scheduler = None if schedule is None else schedule(optimizer)
    for _ in range(n_steps):

        def closure():
            optimizer.zero_grad()
            value = (curvatures * (x.double() - 1.0) ** 2).sum()
            value.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_([x], clip)
            return value

        value = closure()
        optimizer.step(closure if isinstance(optimizer, torch.optim.LBFGS) else None)
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(float(value))
        elif scheduler is not None:
            scheduler.step()
    return np.array(x.detach().tolist())


START = np.full(N, 1e-4)


class Cool(simpeg_directives.InversionDirective):
    """Halves the trade-off parameter after some iterations, and lowers multipliers after another one."""

    def endIter(self):
        if self.opt.iter in (4, 9):
            self.invProb.beta *= 0.5
        if self.opt.iter == 6:
            problem = self.invProb
            if isinstance(problem.reg, WeightedLeastSquares):
                problem.reg = 1.0 * problem.reg
            problem.reg.multipliers = [0.9 * one for one in problem.reg.multipliers]


def adam(**options):
    return quiet(TorchMinimize("adam", **({"lr": 0.02, "maxIter": 600} | options)))
