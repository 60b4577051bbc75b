"""Preconditioner that knows the data as well as the regularization."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.linalg import LinearOperator

from ._jacobi import UpdateJointPreconditioner

# at a time, so that no second copy of the sensitivities is made
_COLUMNS, _ROWS = 2048, 64
_WEAK = 1e-6


class UpdateDataSpacePreconditioner(UpdateJointPreconditioner):
    r"""Preconditioner for strong data: the inverse Hessian with only the regularization cut down to its diagonal.

    With :math:`\mathbf D` the diagonal of the regularization and couplings, multipliers honoured, and
    :math:`\mathbf A = \sqrt{2 c}\, \mathbf W \mathbf J`,

    .. math::
        \mathbf M^{-1} = (\mathbf D + \mathbf A^\top \mathbf A)^{-1} = \mathbf D^{-1} - \mathbf D^{-1} \mathbf A^\top
        (\mathbf I + \mathbf A \mathbf D^{-1} \mathbf A^\top)^{-1} \mathbf A \mathbf D^{-1}

    over the parameters that are not bound; it is zero on the others. Conjugate gradients then converge in few
    steps where a Jacobi preconditioner needs very many, as it does when anomalies are far above their
    noise. Each Gauss-Newton step costs one product
    :math:`\mathbf A \mathbf D^{-1} \mathbf A^\top`, ``n_data² n_cells`` operations, and a Cholesky factorization of
    ``n_data²`` float64 numbers per data set (0.3 GB for 6000 data), so it is for thousands of data, not for hundreds of
    thousands. Data sets that share parameters are factorized together.

    Simulations must hold their sensitivities: a matrix ``G``, as linear ones do, or a dense ``getJ``.

    Parameters
    ----------
    every : int
        Iterations between factorizations, unless other data take part. In between, cells that have met a bound are
        left out, and those that have come off one take part without the data.
    update_every_iteration : bool
        Factorize again at all; false keeps the first.

    Raises
    ------
    ValueError
        For `every` below 1.
    TypeError
        At the first step, if a simulation has no sensitivity matrix; use :class:`UpdateJointPreconditioner` then.

    References
    ----------
    The identity of Sherman, Morrison and Woodbury: Hager, W. W. (1989). Updating the inverse of a matrix. SIAM Review,
    31, 221-239. https://doi.org/10.1137/1031049

    Inversion in the space of the data: Siripunvaraporn, W. and Egbert, G. (2000). An efficient data-subspace inversion
    method for 2-D magnetotelluric data. Geophysics, 65, 791-803. https://doi.org/10.1190/1.1444778
    """

    def __init__(self, every: int = 1, **kwargs):
        super().__init__(**kwargs)
        if int(every) < 1:
            msg = f"UpdateDataSpacePreconditioner.every: got {every!r}, wanted a whole number of at least 1."
            raise ValueError(msg)
        self.every = int(every)
        self._apply, self._at = None, None

    def initialize(self):
        """Have the preconditioner built at the next step, when the bound cells are known."""
        size = self.invProb.model.size
        self._apply, self._at = None, None

        def product(vector):
            free = self._free()
            if self._at is None or self._at["multipliers"] != list(self.dmisfit.multipliers):
                self._apply, self._at = None, self._now(free)
            if self._apply is None:
                self._apply = self._build(**self._at)
            # bound cells may be others than when it was built
            return free * self._apply(free * np.asarray(vector, dtype=float).ravel())

        self.opt.approxHinv = LinearOperator((size, size), matvec=product, dtype=float)

    def endIter(self):
        """Have it built again, if it is due."""
        if self.update_every_iteration and self.opt.iter % self.every == 0:
            self._apply, self._at = None, None

    def checkpoint_state(self) -> dict:
        """What it was built from, so that a resumed run goes on with the same one."""
        return {"every": self.every, "update": self.update_every_iteration, "at": self._at}

    def restore_checkpoint_state(self, state: dict):
        """Put back what :meth:`checkpoint_state` gave."""
        self.every, self.update_every_iteration = int(state["every"]), bool(state["update"])
        self._apply, self._at = None, state["at"]

    def _free(self):
        if hasattr(self.opt, "activeSet"):
            return ~self.opt.activeSet(self.opt.xc)
        return np.ones(self.invProb.model.size, dtype=bool)

    def _now(self, free) -> dict:
        """All that it is built from and that may change."""
        model = self.invProb.model
        diagonal = float(self.invProb.beta) * self._term_diagonal(self.reg, model)
        diagonal = diagonal + getattr(self.opt, "bound_curvature", 0.0)
        if not (diagonal > 0.0).all():  # a little of the data's own where there is no regularization, to move at all
            diagonal = np.where(diagonal > 0.0, diagonal, _WEAK * self.diagonal(model))
        return {"model": model, "free": free, "diagonal": diagonal, "multipliers": list(self.dmisfit.multipliers)}

    def _build(self, model, free, diagonal, multipliers):
        everywhere = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0.0)
        inverse = everywhere * free
        blocks = [
            _DataBlock(*_sensitivities(misfit, model), np.sqrt(2.0 * multiplier) * misfit.W.diagonal())
            for multiplier, misfit in zip(multipliers, self.dmisfit.objfcts, strict=True)
            if multiplier
        ]
        factors = [
            (group, cho_factor(_gram(group, inverse), lower=True, overwrite_a=True)) for group in _groups(blocks)
        ]

        def apply(vector):
            y = inverse * vector
            result = everywhere * vector  # cells that have come off their bound since take part without the data
            for group, factor in factors:
                z = cho_solve(factor, np.concatenate([block.forward(y) for block in group]))
                ends = np.cumsum([len(block.weights) for block in group])[:-1]
                for block, part in zip(group, np.split(z, ends), strict=True):
                    result -= inverse * block.adjoint(part)
            return result

        return apply


class _DataBlock:
    """Weighted sensitivities W G P of one data set: a dense matrix of cells, a sparse one to the parameters."""

    def __init__(self, matrix, to_cells, weights):
        self.matrix, self.to_cells, self.weights = matrix, to_cells, weights
        self.support = np.asarray(abs(to_cells).sum(axis=0)).ravel() > 0

    def forward(self, vector):
        return self.weights * _times(self.matrix, self.to_cells @ vector)

    def adjoint(self, data):
        return self.to_cells.T @ _transposed_times(self.matrix, self.weights * data)

    def columns(self, chosen):
        """Columns of W G P in float64, (n_data, n_chosen)."""
        to_cells = self.to_cells[:, chosen]
        cells = np.unique(to_cells.indices)
        matrix = self.matrix[:, cells].astype(float)
        return self.weights[:, None] * (to_cells[cells].T @ matrix.T).T


# In float64 though sensitivities are float32: M⁻¹ is small where data are strong, a difference of two large numbers.
def _times(matrix, vector):
    blocks = (matrix[start : start + _ROWS].astype(float, copy=False) for start in range(0, len(matrix), _ROWS))
    return np.concatenate([block @ vector for block in blocks])


def _transposed_times(matrix, data):
    parts = (slice(start, start + _ROWS) for start in range(0, len(matrix), _ROWS))
    return sum(data[part] @ matrix[part].astype(float, copy=False) for part in parts)


def _sensitivities(misfit, model):
    """A dense matrix, and a sparse one from the parameters to its columns."""
    simulation, n_data = misfit.simulation, misfit.W.shape[0]
    simulation.model = model  # its derivatives are those at its model
    try:
        matrix = getattr(simulation, "G", None)
    except NotImplementedError:  # SimPEG's, without stored sensitivities
        matrix = None
    if isinstance(matrix, np.ndarray) and len(matrix) == n_data:  # of amplitudes G has three rows per datum
        for name in ("rhoDeriv", "chiDeriv", "model_deriv"):
            derivative = getattr(simulation, name, None)
            if sp.issparse(derivative) and derivative.shape == (matrix.shape[1], model.size):
                return matrix, derivative.tocsc()
    try:
        matrix = simulation.getJ(model) if hasattr(simulation, "getJ") else None
    except NotImplementedError:
        matrix = None
    if isinstance(matrix, np.ndarray) and matrix.shape == (n_data, model.size):
        return matrix, sp.identity(model.size, format="csc")
    msg = (
        f"UpdateDataSpacePreconditioner: {type(simulation).__name__} holds no sensitivity matrix; use "
        "UpdateJointPreconditioner, or store_sensitivities='ram' (and engine='dense', of this package's own)."
    )
    raise TypeError(msg)


def _groups(blocks):
    """Data sets that share parameters, together."""
    groups: list[list[_DataBlock]] = []
    for block in blocks:
        joined = [block]
        for group in [g for g in groups if any(np.any(other.support & block.support) for other in g)]:
            groups.remove(group)
            joined = group + joined
        groups.append(joined)
    return groups


def _gram(group, inverse):
    """I + A D⁻¹ Aᵀ of a group of data sets, in float64."""
    root = np.sqrt(inverse)
    support = np.any([block.support for block in group], axis=0)
    columns = np.flatnonzero(support & (root > 0.0))
    total = np.eye(sum(len(block.weights) for block in group))
    for start in range(0, len(columns), _COLUMNS):
        chosen = columns[start : start + _COLUMNS]
        part = np.concatenate([block.columns(chosen) for block in group]) * root[chosen]
        total += part @ part.T
    return total
