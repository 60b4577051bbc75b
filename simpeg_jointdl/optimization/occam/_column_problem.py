"""An inverse problem taken apart into columns that know nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from simpeg.data_misfit import L2DataMisfit
from simpeg.utils import Zero

from ..._core.tensors import as_tensor

Tensor = torch.Tensor


@dataclass(frozen=True)
class Linearized:
    """Half the Hessians and gradients of misfit and regularization, column by column, at one model.

    Parameters
    ----------
    misfit, regularization : (n_columns, n_layers, n_layers) torch.Tensor
    misfit_gradient, regularization_gradient : (n_columns, n_layers) torch.Tensor
    """

    misfit: Tensor
    misfit_gradient: Tensor
    regularization: Tensor
    regularization_gradient: Tensor

    @property
    def scale(self) -> Tensor:
        """Trade-off at which both Hessians weigh the same, (n_columns,)."""
        tiny = torch.finfo(self.misfit.dtype).tiny
        return (_trace(self.misfit) / _trace(self.regularization)).clamp_min(tiny)

    def step(self, trade_off: Tensor) -> Tensor:
        """Of Gauss-Newton for one trade-off per column, (n_columns,) -> (n_columns, n_layers)."""
        gradient = self.misfit_gradient + trade_off[:, None] * self.regularization_gradient
        return -torch.cholesky_solve(gradient[..., None], self._factor(trade_off))[..., 0]

    def standard_deviation(self, trade_off: Tensor) -> Tensor:
        """Square roots of the diagonal of the inverse of both, (n_columns, n_layers)."""
        inverse = torch.cholesky_inverse(self._factor(trade_off))
        return inverse.diagonal(dim1=-2, dim2=-1).sqrt()

    def change(self, step: Tensor) -> Tensor:
        """Of half the regularization by a step, to second order, (n_columns,)."""
        along = (self.regularization @ step[..., None])[..., 0]
        return ((self.regularization_gradient + 0.5 * along) * step).sum(-1)

    def length(self, step: Tensor, trade_off: Tensor) -> Tensor:
        """Root mean square of a step in standard deviations of the linearised problem, (n_columns,)."""
        both = self.misfit + trade_off[:, None, None] * self.regularization
        return ((both @ step[..., None])[..., 0] * step).mean(-1).clamp_min(0.0).sqrt()

    def _factor(self, trade_off):
        both = self.misfit + trade_off[:, None, None] * self.regularization
        # what neither sees stays where it is
        ridge = 1e-12 * both.diagonal(dim1=-2, dim2=-1).amax(-1)
        for _ in range(_RIDGES):
            factor, failed = torch.linalg.cholesky_ex(both + torch.diag_embed(ridge[:, None].expand(both.shape[:2])))
            if not failed.any():
                break
            ridge = torch.where(failed > 0, 1e3 * ridge, ridge)
        return factor


_RIDGES = 4


class Columns:
    """The misfits and the regularization of SimPEG's inverse problem, column by column.

    Parameters
    ----------
    problem : simpeg.inverse_problem.BaseInvProblem
    model : (nP,) numpy.ndarray
        At which the structure is looked up; columns follow each other, their cells fastest.
    n_columns : int
    device : torch.device
    who : str
        Named in messages.
    """

    def __init__(self, problem, model, n_columns: int, device: torch.device, who: str):
        self._who, self._device, self._reg = who, device, problem.reg
        self.n_columns = n_columns
        pairs = zip(problem.dmisfit.multipliers, problem.dmisfit.objfcts, strict=True)
        self._terms = [(float(np.sqrt(c)), one) for c, one in pairs if c]
        wrong = [type(one).__name__ for _, one in self._terms if not _is_least_squares(one)]
        if wrong or not self._terms:
            msg = (
                f"{who}: got data misfits {wrong or 'without a multiplier'}; wanted L2DataMisfit, of simulations that "
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
        """Misfit per datum of every column, (n_columns,); infinite where it is not a number."""
        return self._chi(self._residual(model))

    def linearize(self, model: np.ndarray) -> tuple[Linearized, np.ndarray]:
        """Both parts at a model, and χ of every column."""
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

    def _residual(self, model):
        with np.errstate(all="ignore"):  # trial models may be far off; what is not finite is not taken
            parts = [c * (one.W @ (one.simulation.dpred(model) - one.data.dobs)) for c, one in self._terms]
        return np.concatenate(parts)

    def _chi(self, residual):
        with np.errstate(all="ignore"):
            chi = np.bincount(self._column, residual**2, minlength=self.n_columns) / self.n_data
        return np.where(np.isfinite(chi), chi, np.inf)

    def _jacobian(self, model):
        parts = []
        for c, one in self._terms:
            matrix = one.simulation.getJ(model)
            if not (sp.issparse(matrix) or isinstance(matrix, np.ndarray)):
                name, kind = type(one.simulation).__name__, type(matrix).__name__
                msg = f"{self._who}: {name}.getJ gives {kind}, wanted a matrix, best a sparse one."
                raise TypeError(msg)
            parts.append(c * (one.W @ sp.csr_matrix(matrix)))
        return sp.csr_matrix(sp.vstack(parts, format="csr"))

    def _columns_of(self, jacobian) -> np.ndarray:
        """Column of every datum, (n_data,)."""
        jacobian.eliminate_zeros()
        filled = np.diff(jacobian.indptr) > 0
        if not filled.all():
            msg = f"{self._who}: {int((~filled).sum())} data do not depend on the model at its start; leave them out."
            raise ValueError(msg)
        columns = jacobian.indices // self.n_layers
        first = np.minimum.reduceat(columns, jacobian.indptr[:-1])
        last = np.maximum.reduceat(columns, jacobian.indptr[:-1])
        if (first != last).any():
            msg = (
                f"{self._who}: {int((first != last).sum())} of {first.size} data depend on more than one of the "
                f"{self.n_columns} columns of {self.n_layers} cells; wanted data of one column each. Check n_columns "
                "and that layers run fastest in the model, or take ProjectedGNCG."
            )
            raise ValueError(msg)
        return first

    def _regularization(self, model) -> tuple[Tensor, Tensor]:
        hessian = self._reg.deriv2(model)
        if isinstance(hessian, Zero):
            hessian = sp.csr_matrix((model.size, model.size))
        if not sp.issparse(hessian):
            msg = (
                f"{self._who}: the regularization's Hessian is a {type(hessian).__name__}, wanted a sparse matrix, as "
                "of SimPEG's own terms. Couplings go through ProjectedGNCG."
            )
            raise TypeError(msg)
        hessian = hessian.tocoo()
        column, n = hessian.row // self.n_layers, self.n_layers
        across = (column != hessian.col // n) & (hessian.data != 0.0)
        if across.any():
            msg = (
                f"{self._who}: the regularization couples cells of different columns ({int(across.sum())} entries of "
                "its Hessian); wanted none. Set the smoothness between columns to zero (alpha_y=0 where layers run "
                "along x), or take ProjectedGNCG for it."
            )
            raise ValueError(msg)
        if not hessian.data.any():
            msg = f"{self._who}: the regularization has no Hessian, and there is nothing to trade off; give it one."
            raise ValueError(msg)
        blocks = np.zeros((self.n_columns, n, n))
        inside = column == hessian.col // n
        index = column[inside], hessian.row[inside] % n, hessian.col[inside] % n
        np.add.at(blocks, index, 0.5 * hessian.data[inside])
        gradient = 0.5 * np.asarray(self._reg.deriv(model), dtype=float).reshape(self.n_columns, n)
        return as_tensor(blocks, self._device), as_tensor(gradient, self._device)


def _is_least_squares(misfit) -> bool:
    return isinstance(misfit, L2DataMisfit) and hasattr(getattr(misfit, "simulation", None), "getJ")


def _trace(matrix):
    return matrix.diagonal(dim1=-2, dim2=-1).sum(-1)
