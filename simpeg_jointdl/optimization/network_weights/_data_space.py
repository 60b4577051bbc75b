"""Damped Gauss-Newton steps in the space of the data: one equation for each datum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from simpeg.data_misfit import L2DataMisfit
from simpeg.inverse_problem import BaseInvProblem

from ..._core.protocols import HasTensorJacobian
from ..._tensor_path import Chain, Crossing, adjoint_rows

_CHUNK = 1024  # data whose rows are computed at once; each chunk differentiates the network in all cells again


class DataSpace:
    r"""Weighted sensitivities :math:`\mathbf A`, (n_data, nP), and the spectrum of :math:`\mathbf A \mathbf A^\top`.

    .. math::
        (\mathbf A^\top \mathbf A + \mu \mathbf I)^{-1} \mathbf g =
        \frac{1}{\mu} \left( \mathbf g - \mathbf A^\top (\mathbf A \mathbf A^\top + \mu \mathbf I)^{-1}
        \mathbf A \mathbf g \right), \qquad
        (\mathbf A^\top \mathbf A + \mu \mathbf I)^{-1} \mathbf A^\top \mathbf r =
        \mathbf A^\top (\mathbf A \mathbf A^\top + \mu \mathbf I)^{-1} \mathbf r

    One eigenvalue decomposition is enough for every damping :math:`\mu`.

    Parameters
    ----------
    rows : (n_data, nP) torch.Tensor
        Weighted sensitivities :math:`\mathbf A`.

    Attributes
    ----------
    scale : float
        Mean squared norm of the rows.
    """

    def __init__(self, rows: torch.Tensor):
        self.rows = rows
        values, self._vectors = torch.linalg.eigh(rows @ rows.T)
        self._values = values.clamp_min(0.0)
        self.scale = float(self._values.mean())

    def inverse(self, g: torch.Tensor, damping: float) -> torch.Tensor:
        """Return the product with the inverse of the damped Hessian, (nP,) -> (nP,)."""
        return (g - self.solve(self.rows @ g, damping)) / damping

    def solve(self, r: torch.Tensor, damping: float) -> torch.Tensor:
        """Return the product of that inverse with the transposed sensitivities, (n_data,) -> (nP,)."""
        return (self._vectors @ ((self._vectors.T @ r) / (self._values + damping))) @ self.rows


def data_jacobians(problem: BaseInvProblem, model: np.ndarray, crossing: Crossing) -> list[tuple] | None:
    r"""Return the operators in :math:`\sqrt c\, \mathbf W \mathbf J` of every data misfit with a multiplier.

    Parameters
    ----------
    problem : simpeg.inverse_problem.BaseInvProblem
        Problem with the misfits.
    model : (nP,) numpy.ndarray
        Model at which sensitivities are taken.
    crossing : Crossing
        Device and dtype of the products.

    Returns
    -------
    list of (multiplier, misfit, weights, jacobian), or None
        None if a misfit is not least squares of a simulation with a tensor path.
    """
    found = []
    for multiplier, misfit in problem.dmisfit:
        if multiplier == 0.0:
            continue
        known = getattr(misfit.deriv2, "__func__", None) is L2DataMisfit.deriv2
        if not known or not isinstance(misfit.simulation, HasTensorJacobian):
            return None
        weights, jacobian = crossing.operator(misfit, "W", misfit.W), misfit.simulation.tensor_jacobian(model)
        if weights is None or jacobian is None:
            return None
        there = crossing.cast(jacobian.device, jacobian.dtype)
        found.append((float(multiplier), misfit, weights, Chain(there, jacobian)))
    return found


def make_data_space(jacobians: list[tuple], crossing: Crossing) -> DataSpace:
    """Compute the weighted sensitivities of all misfits, one after the other."""
    rows = []
    for multiplier, misfit, weights, jacobian in jacobians:
        for unit in _units(misfit.simulation.survey.nD, crossing):
            scaled = multiplier**0.5 * adjoint_rows(weights, unit)
            rows.append(adjoint_rows(jacobian, scaled.to(jacobian.links[1].device, jacobian.links[1].dtype)))
    return DataSpace(torch.cat(rows).to(crossing.device, crossing.dtype))


def weighted_residuals(problem: BaseInvProblem, jacobians: list[tuple]) -> np.ndarray:
    r"""Return :math:`\sqrt c\, \mathbf W (\mathbf d(\mathbf m) - \mathbf d)` of these misfits, (n_data,).

    The predicted data are those of the problem's last evaluation.
    """
    parts, start = [], 0
    counted = {id(misfit): multiplier for multiplier, misfit, *_ in jacobians}
    for misfit in problem.dmisfit.objfcts:
        n = misfit.simulation.survey.nD
        if id(misfit) in counted:
            residual = problem.dpred[start : start + n] - misfit.data.dobs
            parts.append(counted[id(misfit)] ** 0.5 * (misfit.W @ residual))
        start += n
    return np.concatenate(parts)


def _units(n: int, crossing: Crossing) -> Iterator[torch.Tensor]:
    """Rows of the identity matrix of the data, in chunks."""
    identity = torch.eye(n, device=crossing.device, dtype=crossing.dtype)
    return iter(identity.split(_CHUNK))
