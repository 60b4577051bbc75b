"""SimPEG's projected Gauss-Newton minimizer, with conjugate gradients on a device."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from simpeg import optimization
from simpeg.utils import timeIt

from ..._core.protocols import HasSimulation
from ..._core.tensors import explain_out_of_memory
from ..._problem.minimizers import OptionalTables
from ..._tensor_path import Crossing, sum_product
from .._conjugate_gradients import Product, conjugate_gradients
from .._evaluation import evaluation_of, is_simpegs, problem_of


class ProjectedGNCG(OptionalTables, optimization.ProjectedGNCG):
    """SimPEG's ``ProjectedGNCG`` with its conjugate gradients on tensors.

    It takes the same steps to round-off. In an inversion, products with the Hessian are computed on tensors for every
    term that has a tensor path: misfits of simulations of this package, couplings of this package, and SimPEG's
    smallness and smoothness terms, sparse ones too, with identity-like, linear and element-wise maps, and sums of
    these. All other terms are computed with numpy in every product; `fallbacks` names them. Operators are moved to the
    device once, weights when they change, and the gradient and the preconditioner once per Gauss-Newton iteration. The
    step comes back once. If another function is minimized, its Hessian is used as it is, with numpy.

    Preconditioners that are sparse matrices are moved to the device. Any other kind, such as a LinearOperator, is a
    fallback.

    Parameters
    ----------
    device : str or torch.device, optional
        Device of the conjugate gradients; torch's default device if not given. Terms that compute on another device
        get and return their vectors there.
    dtype : torch.dtype or str, optional
        Type of the conjugate gradients, float64 (default) or float32. Models and gradients are always float64.
    print_tables : bool
        Whether to print SimPEG's tables of iterations and stopping criteria.
    lower, upper : float or (nP,) array_like, optional
        Bounds of the model.
    maxIter : int
        Largest number of Gauss-Newton iterations.
    cg_rtol, cg_atol : float, optional
        Conjugate gradients end when the norm of the residual is at most the larger of `cg_rtol` times its first value
        and `cg_atol`. SimPEG's defaults if neither is given.
    cg_maxiter : int
        Largest number of iterations of the conjugate gradients.
    **kwargs
        Further keywords of :class:`simpeg.optimization.ProjectedGNCG`: ``maxIterLS``, ``tolF``, ``tolX``, ...

    Attributes
    ----------
    copy_seconds : float
        Time that copies between numpy and the device took in the last search for a direction. On a CPU most arrays are
        shared, and nothing is copied.
    copied_bytes : int
        Size of these arrays in bytes.
    uploads, downloads : int
        Number of arrays sent to the device, and fetched from it.
    fallbacks : tuple of str
        Terms that were computed with numpy in it, and the preconditioner if it was one of them.

    Raises
    ------
    ValueError, TypeError
        For a device that torch cannot use on this machine, another dtype, and options that SimPEG refuses.
    MemoryError
        During a run, if the memory of the device is not enough; the message says what helps.

    Examples
    --------
    >>> from simpeg_jointdl.optimization import ProjectedGNCG
    >>> ProjectedGNCG(maxIter=30, cg_rtol=1e-3, cg_maxiter=50, lower=0.0, print_tables=False, device="cpu").device
    device(type='cpu')
    """

    copy_seconds: float
    copied_bytes: int
    uploads: int
    downloads: int
    fallbacks: tuple[str, ...]
    cg_count: int
    cg_abs_resid: float
    cg_rel_resid: float

    def __init__(
        self,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | str | None = None,
        print_tables: bool = True,
        lower: ArrayLike | None = -np.inf,
        upper: ArrayLike | None = np.inf,
        maxIter: int = 20,
        cg_rtol: float | None = None,
        cg_atol: float | None = None,
        cg_maxiter: int = 5,
        **kwargs: Any,
    ):
        # versions of SimPEG differ in their defaults, and in whether None stands for them
        tolerances = {"cg_rtol": cg_rtol, "cg_atol": cg_atol}
        given = {name: value for name, value in tolerances.items() if value is not None}
        super().__init__(
            print_tables=bool(print_tables),
            lower=lower,
            upper=upper,
            maxIter=maxIter,
            cg_maxiter=cg_maxiter,
            **given,
            **kwargs,
        )
        self._crossing = Crossing(device, dtype)
        self._fields: dict[int, Any] = {}
        self._named: set[str] = set()
        self._note()

    @property
    def device(self) -> torch.device:
        """Device of the conjugate gradients."""
        return self._crossing.device

    @property
    def dtype(self) -> torch.dtype:
        """Type that the conjugate gradients compute in."""
        return self._crossing.dtype

    def __getstate__(self) -> dict[str, Any]:
        # what has been moved to the device is moved again
        return super().__getstate__() | {"_crossing": Crossing(self.device, self.dtype), "_fields": {}}

    def minimize(self, evalFunction: Callable, x0: np.ndarray) -> np.ndarray:
        """Minimize a function from a starting model.

        Parameters
        ----------
        evalFunction : callable
            ``evalFunction(x, return_g, return_H)`` gives the value and, if asked for, gradient and Hessian.
        x0 : (nP,) numpy.ndarray
            Starting model.

        Returns
        -------
        (nP,) numpy.ndarray
            The last model.
        """
        return super().minimize(evaluation_of(evalFunction), x0)

    # SimPEG calls methods with such names: at the start of a run, and of every iteration
    def _startup_tensors(self, x0):
        self._crossing = Crossing(self.device, self.dtype)
        self._named = set()

    def _doStartIteration_fields(self):
        # the inverse problem deletes its fields at the next evaluation; misfits without a tensor path need them
        self._fields = {}
        for model, fields in getattr(self.parent, "warmstart", []):
            misfits = [one for one in self.parent.dmisfit.objfcts if isinstance(one, HasSimulation)]
            if model is self.xc and isinstance(fields, list) and len(fields) == len(misfits):
                self._fields = {id(one): f for one, f in zip(misfits, fields, strict=True)}

    @timeIt
    def findSearchDirection(self) -> np.ndarray:
        """Return the direction of the next step by projected conjugate gradients, (nP,).

        Returns
        -------
        (nP,) numpy.ndarray
            Direction or step.
        """
        with self._on_device():
            return self._solve(self._hessian(), self._inverse(self.approxHinv))

    @contextlib.contextmanager
    def _on_device(self) -> Iterator[None]:
        """Count the copies of a search for a direction, and explain errors of memory."""
        self._crossing.start_count()
        with explain_out_of_memory(type(self).__name__, self.device):
            yield
        self._fields = {}
        self._note()

    def _hessian(self) -> Product:
        """Product of the objective function's Hessian with a tensor."""
        problem, evaluate = self.parent, getattr(self, "evalFunction", None)
        if not is_simpegs(evaluate) or problem_of(evaluate) is not problem:
            return self._through_numpy("the function's Hessian", self.H)
        terms = [(1.0, problem.dmisfit), (float(problem.beta), problem.reg)]
        return sum_product(terms, self.xc, self._crossing, self._fields)

    def _inverse(self, matrix: Any) -> Product:
        """Product of a preconditioner with a tensor."""
        operator = self._crossing.operator(self, "preconditioner", matrix)
        if operator is None:
            return self._through_numpy(f"the preconditioner ({type(matrix).__name__})", matrix)
        return operator.tangent

    def _through_numpy(self, name: str, matrix: Any) -> Product:
        """Product of a matrix with a tensor by numpy, which is noted as a fallback."""
        crossing = self._crossing
        crossing.fallbacks.append(name)
        return lambda v: crossing.send(matrix * crossing.fetch(v))

    def _solve(self, hessian, inverse) -> np.ndarray:
        """Conjugate gradients for inactive cells, and a gradient step for active cells that leave their bound."""
        active, bound = self.activeSet(self.xc), self.bindingSet(self.xc)
        send, fetch = self._crossing.send, self._crossing.fetch
        step, self.cg_count, self.cg_abs_resid, first = conjugate_gradients(
            hessian,
            inverse,
            send(self.g),
            send(~active),
            rtol=self.cg_rtol,
            atol=self.cg_atol,
            maxiter=self.cg_maxiter,
        )
        self.cg_rel_resid = self.cg_abs_resid / first if first else np.nan  # SimPEG divides 0 by 0
        step = fetch(step)
        leaving = active & ~bound
        if self.step_active_set and leaving.any():
            downhill = leaving * -self.g
            # their largest step is that of the other cells, times the scale
            step += self.active_set_grad_scale * (downhill * np.abs(step).max() / np.abs(downhill).max())
        step[bound] = 0
        return step

    def _note(self) -> None:
        """Keep the counts of copies, and name new fallbacks."""
        crossing = self._crossing
        self.copy_seconds, self.copied_bytes = crossing.seconds, crossing.nbytes
        self.uploads, self.downloads = crossing.uploads, crossing.downloads
        self.fallbacks = tuple(crossing.fallbacks)
        new = [name for name in dict.fromkeys(self.fallbacks) if name not in self._named]
        if new:
            self._named.update(new)
            self._remark(f"{type(self).__name__}: computed with numpy in every CG iteration: {', '.join(new)}.")
