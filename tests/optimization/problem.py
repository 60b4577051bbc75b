"""Simulations with a tensor path and a joint problem with them, for the tests of minimizers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from simpeg.simulation import LinearSimulation

from tests.directives.problem import make_joint_problem


@dataclass
class DenseJacobian:
    """A tensor linearization of a matrix."""

    matrix: torch.Tensor  # (n_data, nP)

    @property
    def device(self):
        return self.matrix.device

    @property
    def dtype(self):
        return self.matrix.dtype

    def tangent(self, v):
        return self.matrix.mv(v)

    def adjoint(self, y):
        return self.matrix.T.mv(y)


class DenseSimulation(LinearSimulation):
    """``G`` times the values of a map, as a dense matrix in float64."""

    device, dtype = "cpu", torch.float64

    def tensor_jacobian(self, model):
        """The tensor linearization of the data with respect to the whole model."""
        matrix = self.model_map.deriv(model).T @ self.G.T
        return DenseJacobian(torch.as_tensor(np.ascontiguousarray(matrix.T), device=self.device, dtype=self.dtype))


def make_problem(on_tensors: bool, **options):
    """Gravity and magnetics, with SimPEG's simulations in float64, or with simulations with a tensor path."""
    problem = make_joint_problem(2, **options)
    for misfit, wire in zip(problem.misfits, (problem.wires.density, problem.wires.susceptibility), strict=True):
        simulation = misfit.simulation
        simulation.sensitivity_dtype = np.float64  # float32 would be rounded differently by the two
        if on_tensors:
            matrix = np.asarray(simulation.G, dtype=float)
            misfit.simulation = DenseSimulation(model_map=wire, G=matrix, survey=simulation.survey)
    return problem
