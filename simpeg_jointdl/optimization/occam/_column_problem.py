"""An inverse problem as independent columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from simpeg.data_misfit import L2DataMisfit
from simpeg.inverse_problem import BaseInvProblem
from simpeg.utils import Zero

from ..._core.protocols import HasSensitivityMatrix
from ..._core.tensors import as_tensor

Tensor = torch.Tensor
_RIDGE, _GROWTH, _RIDGES = 1e-12, 1e3, 4  # first ridge over the largest diagonal entry, its growth, and the tries


@dataclass(frozen=True)
class Linearized:
    """Hessians and gradients of misfit and regularization at one model, column by column, all halved.

    Parameters
    ----------
    misfit, regularization : (n_columns, n_layers, n_layers) torch.Tensor
        Half the Hessians.
    misfit_gradient, regularization_gradient : (n_columns, n_layers) torch.Tensor
        Half the gradients.
    """

    misfit: Tensor
    misfit_gradient: Tensor
    regularization: Tensor
    regularization_gradient: Tensor

    @property
    def scale(self) -> Tensor:
        """Trade-off parameter at which both Hessians have the same trace, (n_columns,)."""
        tiny = torch.finfo(self.misfit.dtype).tiny
        return (_trace(self.misfit) / _trace(self.regularization)).clamp_min(tiny)

    def step(self, trade_off: Tensor) -> Tensor:
        """Return the Gauss-Newton step, (n_columns, n_layers), for one trade-off parameter per column, (n_columns,)."""
        gradient = self.misfit_gradient + trade_off[:, None] * self.regularization_gradient
        return -torch.cholesky_solve(gradient[..., None], self._factor(trade_off))[..., 0]

    def standard_deviation(self, trade_off: Tensor) -> Tensor:
        """Return the square roots of the diagonal of the inverse of both together, (n_columns, n_layers)."""
        inverse = torch.cholesky_inverse(self._factor(trade_off))
        return inverse.diagonal(dim1=-2, dim2=-1).sqrt()

    def change(self, step: Tensor) -> Tensor:
        """Return the change of half the regularization by a step, to second order, (n_columns,)."""
        along = (self.regularization @ step[..., None])[..., 0]
        return ((self.regularization_gradient + 0.5 * along) * step).sum(-1)

    def length(self, step: Tensor, trade_off: Tensor) -> Tensor:
        """Return the root mean square of a step in standard deviations of the linearized problem, (n_columns,)."""
        both = self.misfit + trade_off[:, None, None] * self.regularization
        return ((both @ step[..., None])[..., 0] * step).mean(-1).clamp_min(0.0).sqrt()

    def _factor(self, trade_off: Tensor) -> Tensor:
        """Cholesky factors of both together, with a small ridge."""
        both = self.misfit + trade_off[:, None, None] * self.regularization
        # layers that neither data nor regularization determine do not move
        ridge = _RIDGE * both.diagonal(dim1=-2, dim2=-1).amax(-1)
        for _ in range(_RIDGES):
            factor, failed = torch.linalg.cholesky_ex(both + torch.diag_embed(ridge[:, None].expand(both.shape[:2])))
            if not failed.any():
                break
            ridge = torch.where(failed > 0, _GROWTH * ridge, ridge)
        return factor


class Columns:
    """The misfits and the regularization of a SimPEG inverse problem, column by column.

    Parameters
    ----------
    problem : simpeg.inverse_problem.BaseInvProblem
        Problem whose data and regularization do not couple columns.
    model : (nP,) numpy.ndarray
        Model at which the columns of the data are found. Columns follow each other, with their layers fastest.
    n_columns : int
        Number of columns.
    device : torch.device
        Device of the matrices.
    who : str
        Name of the caller, which begins the messages of errors.
    """

    def __init__(self, problem: BaseInvProblem, model: np.ndarray, n_columns: int, device: torch.device, who: str):
        self._who, self._device, self._reg = who, device, problem.reg
        self.n_columns = n_columns
        pairs = zip(problem.dmisfit.multipliers, problem.dmisfit.objfcts, strict=True)
        self._terms = [(float(np.sqrt(c)), one) for c, one in pairs if c]
        wrong = [type(one).__name__ for _, one in self._terms if not _is_least_squares(one)]
        if wrong or not self._terms:
            msg = (
                f"{who}: got data misfits {wrong or 'without a multiplier'}; wanted L2DataMisfit of simulations that "
                "have getJ."
            )
            raise TypeError(msg)
        if model.size % n_columns:
            msg = f"{who}: got a model of {model.size} for {n_columns} columns; wanted the same number in each."
            raise ValueError(msg)
        self.n_layers = model.size // n_columns
        jacobian = self._jacobian(model)
        self._column = self._columns_of(jacobian)
        self.n_data = np.bincount(self._column, minlength=n_columns)
        if not self.n_data.all():
            msg = f"{who}: columns {np.flatnonzero(self.n_data == 0)[:5].tolist()} have no data; leave them out."
            raise ValueError(msg)
        order = np.argsort(self._column, kind="stable")
        slot = np.empty(order.size, dtype=np.int64)
        slot[order] = np.arange(order.size) - np.repeat(np.cumsum(self.n_data) - self.n_data, self.n_data)
        self._row = self._column * self.n_data.max() + slot
        self._regularization(model)

    def chi(self, model: np.ndarray) -> np.ndarray:
        """Return the misfit per datum of every column, (n_columns,); infinite where it is NaN."""
        return self._chi(self._residual(model))

    def linearize(self, model: np.ndarray) -> tuple[Linearized, np.ndarray]:
        """Return both parts at a model, and χ of every column, (n_columns,)."""
        residual, jacobian = self._residual(model), self._jacobian(model)
        if (jacobian.indices // self.n_layers != np.repeat(self._column, np.diff(jacobian.indptr))).any():
            self._columns_of(jacobian)
        most = int(self.n_data.max())
        rows = np.zeros((self.n_columns * most, self.n_layers))
        rows[np.repeat(self._row, np.diff(jacobian.indptr)), jacobian.indices % self.n_layers] = jacobian.data
        padded = np.zeros(self.n_columns * most)
        padded[self._row] = residual
        rows = as_tensor(rows.reshape(self.n_columns, most, self.n_layers), self._device)
        along = as_tensor(padded.reshape(self.n_columns, most, 1), self._device)
        transposed = rows.transpose(1, 2)
        reg, reg_gradient = self._regularization(model)
        return Linearized(transposed @ rows, (transposed @ along)[..., 0], reg, reg_gradient), self._chi(residual)

    def _residual(self, model: np.ndarray) -> np.ndarray:
        """Residuals over the uncertainties, (n_data,)."""
        with np.errstate(all="ignore"):  # trial models may be extreme; steps that are not finite are not taken
            parts = [c * (one.W @ (one.simulation.dpred(model) - one.data.dobs)) for c, one in self._terms]
        return np.concatenate(parts)

    def _chi(self, residual: np.ndarray) -> np.ndarray:
        """Mean squared residual of every column, (n_columns,)."""
        with np.errstate(all="ignore"):
            chi = np.bincount(self._column, residual**2, minlength=self.n_columns) / self.n_data
        return np.where(np.isfinite(chi), chi, np.inf)

    def _jacobian(self, model: np.ndarray) -> sp.csr_matrix:
        """Weighted sensitivities of all data, (n_data, nP)."""
        parts = []
        for c, one in self._terms:
            matrix = one.simulation.getJ(model)
            if not (sp.issparse(matrix) or isinstance(matrix, np.ndarray)):
                name, kind = type(one.simulation).__name__, type(matrix).__name__
                msg = f"{self._who}: {name}.getJ gives {kind}, wanted a matrix, preferably a sparse one."
                raise TypeError(msg)
            parts.append(c * (one.W @ sp.csr_matrix(matrix)))
        return sp.csr_matrix(sp.vstack(parts, format="csr"))

    def _columns_of(self, jacobian: sp.csr_matrix) -> np.ndarray:
        """Column of every datum, (n_data,); ValueError for data of several columns or none."""
        jacobian.eliminate_zeros()
        filled = np.diff(jacobian.indptr) > 0
        if not filled.all():
            msg = f"{self._who}: {int((~filled).sum())} data do not depend on the starting model; leave them out."
            raise ValueError(msg)
        columns = jacobian.indices // self.n_layers
        first = np.minimum.reduceat(columns, jacobian.indptr[:-1])
        last = np.maximum.reduceat(columns, jacobian.indptr[:-1])
        if (first != last).any():
            msg = (
                f"{self._who}: {int((first != last).sum())} of {first.size} data depend on more than one of the "
                f"{self.n_columns} columns of {self.n_layers} cells; wanted data of one column each. Check n_columns "
                "and that layers run fastest in the model, or use ProjectedGNCG."
            )
            raise ValueError(msg)
        return first

    def _regularization(self, model: np.ndarray) -> tuple[Tensor, Tensor]:
        """Half the Hessian, (n_columns, n_layers, n_layers), and half the gradient, (n_columns, n_layers)."""
        hessian = self._reg.deriv2(model)
        if isinstance(hessian, Zero):
            hessian = sp.csr_matrix((model.size, model.size))
        if not sp.issparse(hessian):
            msg = (
                f"{self._who}: the regularization's Hessian is a {type(hessian).__name__}, wanted a sparse matrix, as "
                "SimPEG's own terms have. Use ProjectedGNCG with couplings."
            )
            raise TypeError(msg)
        hessian = hessian.tocoo()
        column, n = hessian.row // self.n_layers, self.n_layers
        across = (column != hessian.col // n) & (hessian.data != 0.0)
        if across.any():
            msg = (
                f"{self._who}: the regularization couples cells of different columns ({int(across.sum())} entries of "
                "its Hessian); wanted none. Set the smoothness between columns to zero (alpha_y=0 where layers run "
                "along x), or use ProjectedGNCG."
            )
            raise ValueError(msg)
        if not hessian.data.any():
            msg = f"{self._who}: the regularization has no Hessian, so there is nothing to trade off; give it one."
            raise ValueError(msg)
        blocks = np.zeros((self.n_columns, n, n))
        inside = column == hessian.col // n
        index = column[inside], hessian.row[inside] % n, hessian.col[inside] % n
        np.add.at(blocks, index, 0.5 * hessian.data[inside])
        gradient = 0.5 * np.asarray(self._reg.deriv(model), dtype=float).reshape(self.n_columns, n)
        return as_tensor(blocks, self._device), as_tensor(gradient, self._device)


def _is_least_squares(misfit: object) -> bool:
    return isinstance(misfit, L2DataMisfit) and isinstance(misfit.simulation, HasSensitivityMatrix)


def _trace(matrix: Tensor) -> Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1).sum(-1)


def count_columns(problem: BaseInvProblem) -> int:
    """Return the number of stations of the first simulation; ValueError if it has none."""
    simulation = getattr(problem.dmisfit.objfcts[0], "simulation", None)
    locations = getattr(simulation, "station_locations", None)
    if locations is None:
        msg = f"Occam.n_columns: {type(simulation).__name__} does not say how many columns it has; give n_columns."
        raise ValueError(msg)
    return len(locations)
