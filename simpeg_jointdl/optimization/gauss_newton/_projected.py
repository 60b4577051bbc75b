"""SimPEG's projected Gauss-Newton with its conjugate gradients on a device."""

from __future__ import annotations

import contextlib

import numpy as np
import torch
from simpeg import optimization
from simpeg.utils import timeIt

from ..._core.tensors import explain_out_of_memory
from ..._problem.minimizers import OptionalTables
from ..._tensor_path import Crossing, sum_product
from .._conjugate_gradients import conjugate_gradients
from .._evaluation import evaluation_of, is_simpegs, problem_of


class ProjectedGNCG(OptionalTables, optimization.ProjectedGNCG):
    """SimPEG's ``ProjectedGNCG`` whose conjugate gradients run on tensors.

    Same steps to round-off. In an inversion, the products with the Hessian go through tensors end to end for every
    term that offers a tensor path: misfits of our simulations, our couplings, SimPEG's smallness and smoothness terms,
    sparse ones too, with identity-like, linear and element-wise maps, and sums of these. Other terms alone go through
    numpy at every product; `fallbacks` names them. Operators move to the device once, weights when they change, the
    gradient and the preconditioner once per Gauss-Newton iteration, and the step comes back once. When a
    plain function is minimized its Hessian is used as it is, in numpy.

    Preconditioners that are sparse matrices are moved; any other kind, such as a LinearOperator, is a fallback.

    Parameters
    ----------
    device : str or torch.device, optional
        Torch's default device when not given. Terms that compute on another one get and give their vectors there.
    dtype : optional
        float64 (default) or float32, of the conjugate gradients; models and gradients are float64 all the same.
    **kwargs
        Of :class:`simpeg.optimization.ProjectedGNCG`.

    Attributes
    ----------
    copy_seconds : float
        Spent on bringing arrays to the device and back in the last search for a direction. On a CPU, where these are
        mostly shared, on turning one kind into the other.
    copied_bytes : int
        What was brought.
    uploads, downloads : int
        How many arrays.
    fallbacks : tuple of str
        Terms (and the preconditioner) that went through numpy in it.

    Raises
    ------
    ValueError, TypeError
        For a device that torch cannot use on this machine, another dtype, and options that SimPEG refuses.
    MemoryError
        When it runs, where the device has no memory left; says what helps.
    """

    def __init__(
        self,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | str | None = None,
        print_tables: bool = True,
        **kwargs,
    ):
        super().__init__(print_tables=bool(print_tables), **kwargs)
        self._crossing = Crossing(device, dtype)
        self._fields, self._named = {}, set()
        self._note()

    @property
    def device(self) -> torch.device:
        """Where conjugate gradients run."""
        return self._crossing.device

    @property
    def dtype(self) -> torch.dtype:
        """What they compute in."""
        return self._crossing.dtype

    def minimize(self, evalFunction, x0):
        """Minimize a function from a starting model, (nP,) -> (nP,), as SimPEG's minimizers do."""
        return super().minimize(evaluation_of(evalFunction), x0)

    # called by name by SimPEG: at the start of everything, and of every iteration
    def _startup_tensors(self, x0):
        self._crossing = Crossing(self.device, self.dtype)
        self._named = set()

    def _doStartIteration_fields(self):
        # the inverse problem forgets them at its next evaluation; misfits that go through numpy need them again
        self._fields = {}
        for model, fields in getattr(self.parent, "warmstart", []):
            misfits = [one for one in self.parent.dmisfit.objfcts if hasattr(one, "simulation")]
            if model is self.xc and isinstance(fields, list) and len(fields) == len(misfits):
                self._fields = {id(one): f for one, f in zip(misfits, fields, strict=True)}

    @timeIt
    def findSearchDirection(self):
        """Projected conjugate gradients, (nP,) numpy.ndarray."""
        with self._on_device():
            return self._solve(self._hessian(), self._inverse(self.approxHinv))

    @contextlib.contextmanager
    def _on_device(self):
        self._crossing.start_count()
        with explain_out_of_memory(type(self).__name__, self.device):
            yield
        self._fields = {}
        self._note()

    def _hessian(self):
        """Product of the objective function's Hessian with a tensor."""
        problem, evaluate = self.parent, getattr(self, "evalFunction", None)
        if not is_simpegs(evaluate) or problem_of(evaluate) is not problem:
            return self._through_numpy("the function's Hessian", self.H)
        terms = [(1.0, problem.dmisfit), (float(problem.beta), problem.reg)]
        return sum_product(terms, self.xc, self._crossing, self._fields)

    def _inverse(self, matrix):
        """Product of a preconditioner with a tensor."""
        operator = self._crossing.operator(self, "preconditioner", matrix)
        if operator is None:
            return self._through_numpy(f"the preconditioner ({type(matrix).__name__})", matrix)
        return operator.tangent

    def _through_numpy(self, name, matrix):
        crossing = self._crossing
        crossing.fallbacks.append(name)
        return lambda v: crossing.send(matrix * crossing.fetch(v))

    def _solve(self, hessian, inverse) -> np.ndarray:
        """Conjugate gradients among inactive cells, and the gradient on active ones that it takes off their bound."""
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
        self.cg_rel_resid = self.cg_abs_resid / first if first else np.nan  # as SimPEG's 0 / 0, which warns
        step = fetch(step)
        leaving = active & ~bound
        if self.step_active_set and leaving.any():
            downhill = leaving * -self.g
            # as far at most as the others go at most
            step += self.active_set_grad_scale * (downhill * np.abs(step).max() / np.abs(downhill).max())
        step[bound] = 0
        return step

    def _note(self):
        crossing = self._crossing
        self.copy_seconds, self.copied_bytes = crossing.seconds, crossing.nbytes
        self.uploads, self.downloads = crossing.uploads, crossing.downloads
        self.fallbacks = tuple(crossing.fallbacks)
        new = [name for name in dict.fromkeys(self.fallbacks) if name not in self._named]
        if new:
            self._named.update(new)
            self._remark(f"{type(self).__name__}: through numpy in every CG iteration go {', '.join(new)}.")
