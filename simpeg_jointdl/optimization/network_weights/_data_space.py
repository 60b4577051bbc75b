"""A damped Gauss-Newton step from a system of as many equations as there are data."""

from __future__ import annotations

import numpy as np
import torch
from simpeg.data_misfit import L2DataMisfit

from ..._tensor_path import Chain, Crossing, adjoint_rows

_CHUNK = 1024  # data whose rows are made at once; every chunk differentiates the network in all cells anew


class DataSpace:
    r"""Weighted sensitivities :math:`\mathbf A`, (n_data, nP), and the spectrum of :math:`\mathbf A \mathbf A^\top`.

    .. math::
        (\mathbf A^\top \mathbf A + \mu \mathbf I)^{-1} \mathbf g =
        \frac{1}{\mu} \left( \mathbf g - \mathbf A^\top (\mathbf A \mathbf A^\top + \mu \mathbf I)^{-1}
        \mathbf A \mathbf g \right), \qquad
        (\mathbf A^\top \mathbf A + \mu \mathbf I)^{-1} \mathbf A^\top \mathbf r =
        \mathbf A^\top (\mathbf A \mathbf A^\top + \mu \mathbf I)^{-1} \mathbf r

    One decomposition serves every damping :math:`\mu`.

    Parameters
    ----------
    rows : (n_data, nP) torch.Tensor
        :math:`\mathbf A`.
    """

    def __init__(self, rows: torch.Tensor):
        self.rows = rows
        values, self._vectors = torch.linalg.eigh(rows @ rows.T)
        self._values = values.clamp_min(0.0)
        self.scale = float(self._values.mean())  # what a datum's row weighs on average

    def inverse(self, g: torch.Tensor, damping: float) -> torch.Tensor:
        """Product with the inverse, (nP,) -> (nP,)."""
        return (g - self.solve(self.rows @ g, damping)) / damping

    def solve(self, r: torch.Tensor, damping: float) -> torch.Tensor:
        """Product of the inverse with the transposed sensitivities, (n_data,) -> (nP,)."""
        return (self._vectors @ ((self._vectors.T @ r) / (self._values + damping))) @ self.rows


def data_jacobians(problem, model, crossing: Crossing) -> list | None:
    r"""Operators :math:`\sqrt c\, \mathbf W \mathbf J` of every data misfit that counts; None if one has none.

    Parameters
    ----------
    problem : simpeg.inverse_problem.BaseInvProblem
    model : (nP,) numpy.ndarray
    crossing : Crossing

    Returns
    -------
    list of (multiplier, misfit, weights, jacobian)
    """
    found = []
    for multiplier, misfit in problem.dmisfit:
        if multiplier == 0.0:
            continue
        known = getattr(misfit.deriv2, "__func__", None) is L2DataMisfit.deriv2
        if not known or not hasattr(misfit.simulation, "tensor_jacobian"):
            return None
        weights, jacobian = crossing.operator(misfit, "W", misfit.W), misfit.simulation.tensor_jacobian(model)
        if weights is None or jacobian is None:
            return None
        there = crossing.cast(jacobian.device, jacobian.dtype)
        found.append((float(multiplier), misfit, weights, Chain(there, jacobian)))
    return found


def make_data_space(jacobians: list, crossing: Crossing) -> DataSpace:
    """Rows of all misfits, one after the other."""
    rows = []
    for multiplier, misfit, weights, jacobian in jacobians:
        for unit in _units(misfit.simulation.survey.nD, crossing):
            scaled = multiplier**0.5 * adjoint_rows(weights, unit)
            rows.append(adjoint_rows(jacobian, scaled.to(jacobian.links[1].device, jacobian.links[1].dtype)))
    return DataSpace(torch.cat(rows).to(crossing.device, crossing.dtype))


def weighted_residuals(problem, jacobians: list) -> np.ndarray:
    r""":math:`\sqrt c\, \mathbf W (\mathbf d(\mathbf m) - \mathbf d)` of all misfits, (n_data,), from the last data."""
    parts, start = [], 0
    counted = {id(misfit): multiplier for multiplier, misfit, *_ in jacobians}
    for misfit in problem.dmisfit.objfcts:
        n = misfit.simulation.survey.nD
        if id(misfit) in counted:
            residual = problem.dpred[start : start + n] - misfit.data.dobs
            parts.append(counted[id(misfit)] ** 0.5 * (misfit.W @ residual))
        start += n
    return np.concatenate(parts)


def _units(n: int, crossing: Crossing):
    identity = torch.eye(n, device=crossing.device, dtype=crossing.dtype)
    return identity.split(_CHUNK)
