"""Damped Gauss-Newton for the weights of networks, which stops at the noise level of the data."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import torch
from simpeg.optimization import IterationPrinters, Minimize, StoppingCriteria

from ..._core import validation as check
from ..._problem.misfits import chi_factors
from ._damped import SETTINGS, BaseDampedMinimizer, Space


def _damping_of(minimizer: Minimize) -> float:
    return minimizer.damping


def _damping_text(value: float) -> str:
    return f"{value:1.2e}"


_DAMPING = {"title": "damping", "value": _damping_of, "width": 12, "format": _damping_text}


class LevenbergMarquardt(BaseDampedMinimizer):
    r"""Damped Gauss-Newton (Levenberg-Marquardt) for models that are the weights of a network.

    Every step solves

    .. math::
        \left( \mathbf H + 2 \mu s\, \mathbf I \right) \mathbf p = - \mathbf g

    with :math:`\mathbf H` the Gauss-Newton Hessian of misfits, regularization and couplings, and :math:`s` the mean
    squared norm of the rows of the weighted sensitivities [1]_. The damping :math:`\mu` decreases when a step lowers
    the function, and increases until one does. A step that would fit the data better than their noise allows is
    shortened until it does not, so the last step ends at the noise level.

    There are two ways to compute the same step. In the space of the *model*, conjugate gradients multiply with the
    derivative of the network and its transpose. In the space of the *data* [2]_, the sensitivities of all data are
    computed once per step, (n_data, nP), and a system with one equation for each datum is solved for any damping. Where
    regularization or couplings contribute to :math:`\mathbf H`, its solution is the preconditioner of the conjugate
    gradients.

    Parameters
    ----------
    space : {"auto", "data", "model"}
        Space in which steps are computed. "auto" uses the data if they are fewer than the parameters and at most 3000,
        if every misfit is least squares of a simulation of this package, and if the sensitivities need at most a
        quarter of the free memory.
    damping : float
        Damping :math:`\mu` of the first step.
    target_chi : float or None
        Misfit per datum at which all data count as fitted; None to ignore it.
    tolerance : float
        Part of the target by which the last misfit may differ from it, on either side.
    max_tries : int
        Largest number of dampings and lengths that are tried in one step.
    maxIter : int
        Largest number of steps.
    cg_rtol, cg_atol : float
        Conjugate gradients end when the norm of the residual is at most the larger of `cg_rtol` times its first value
        and `cg_atol`.
    cg_maxiter : int
        Largest number of iterations of the conjugate gradients.
    device : str or torch.device, optional
        Device of the steps; torch's default device if not given.
    dtype : torch.dtype or str, optional
        Type of the steps, float64 (default) or float32.
    print_tables : bool
        Whether to print SimPEG's tables of iterations and stopping criteria.
    **kwargs
        Further keywords of :class:`ProjectedGNCG`, but no bounds: those belong to the outputs of the network.

    Attributes
    ----------
    damping : float
        Damping :math:`\mu` of the next step.
    stopped_because : str
        "target", "no descent" or empty.
    used_space : str
        Space of the last step, "data" or "model".

    Raises
    ------
    ValueError, TypeError
        For an unknown space, numbers out of range, bounds, and what :class:`ProjectedGNCG` refuses; at the first step,
        for ``space="data"`` with a misfit that is not least squares of a simulation of this package.
    MemoryError
        During a run, if the memory of the device is not enough; the message says what helps.

    References
    ----------
    .. [1] Levenberg, K. (1944). A method for the solution of certain non-linear problems in least squares. Quarterly of
       Applied Mathematics, 2, 164-168. https://doi.org/10.1090/qam/10666

    .. [2] Siripunvaraporn, W. and Egbert, G. (2000). An efficient data-subspace inversion method for 2-D
       magnetotelluric data. Geophysics, 65, 791-803. https://doi.org/10.1190/1.1444778

    Examples
    --------
    >>> from simpeg_jointdl.optimization import LevenbergMarquardt
    >>> LevenbergMarquardt(space="data", damping=0.1, maxIter=30, print_tables=False).target_chi
    1.0
    """

    name = "Levenberg-Marquardt"

    def __init__(
        self,
        *,
        space: Space = "auto",
        damping: float = 1.0,
        target_chi: float | None = 1.0,
        tolerance: float = 0.05,
        max_tries: int = 12,
        maxIter: int = 60,
        cg_rtol: float = 1e-3,
        cg_atol: float = 0.0,
        cg_maxiter: int = 100,
        device: str | torch.device | None = None,
        dtype: torch.dtype | str | None = None,
        print_tables: bool = True,
        **kwargs: Any,
    ):
        who = "LevenbergMarquardt"
        if kwargs.get("lower") is not None or kwargs.get("upper") is not None:
            msg = f"{who}: got bounds on the weights of a network; give them to the map (INRMap.bounds)."
            raise ValueError(msg)
        super().__init__(
            device=device,
            dtype=dtype,
            print_tables=print_tables,
            maxIter=maxIter,
            cg_rtol=cg_rtol,
            cg_atol=cg_atol,
            cg_maxiter=cg_maxiter,
            **kwargs,
        )
        self.space: Space = check.one_of(f"{who}.space", space, get_args(Space))
        self.damping = check.positive(f"{who}.damping", damping)
        self.tolerance: float = check.share(f"{who}.tolerance", tolerance, one=False)
        self.max_tries: int = check.whole(f"{who}.max_tries", max_tries)
        if target_chi is not None:
            check.finite_array(f"{who}.target_chi", np.atleast_1d(target_chi), (None,), above=0.0)
        self.target_chi: float | None = target_chi
        self.stopped_because: str = ""
        self.used_space: str = ""
        self._last_chi: np.ndarray | None = None
        self.stoppers = [StoppingCriteria.iteration]
        self.printers = [IterationPrinters.iteration, IterationPrinters.f, IterationPrinters.norm_g, _DAMPING]

    # steps ----------------------------------------------------------------------------------------------
    def findSearchDirection(self) -> np.ndarray:
        """Return the damped step, (nP,).

        Returns
        -------
        (nP,) numpy.ndarray
            Direction or step.
        """
        with self._on_device():
            self._step_of = self._make_step()
            return self._step_of(self.damping)

    # acceptance -----------------------------------------------------------------------------------------
    def modifySearchDirection(self, p: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return the model after the first step, at increasing damping, that lowers the function.

        A step that fits the noise is shortened. If no step lowers the function, the minimization ends.

        Parameters
        ----------
        p : (nP,) numpy.ndarray
            Direction of :meth:`findSearchDirection`.

        Returns
        -------
        x : (nP,) numpy.ndarray
            The next model.
        is_descent : bool
            Always True, so that SimPEG takes the model.
        """
        value, self.iterLS, share, before = self.f, 0, 1.0, self._last_chi
        for _ in range(self.max_tries):
            self._LS_xt = self.xc + share * p
            self._LS_ft = self._evaluate(self._LS_xt)
            too_far = self._is_below_noise()
            if self._LS_ft < value and not too_far:
                self._damping *= SETTINGS.ease
                self._watch_target()
                self._step_of = None
                return self._LS_xt, True
            self.iterLS += 1
            if too_far:
                share *= self._held_back(before)
                continue
            self._damping, share = self._damping * SETTINGS.stiffen, 1.0
            with self._on_device():
                p = self._step_of(self.damping)
        self._step_of, self._LS_ft = None, value
        self._evaluate(self.xc)
        self._watch_target()  # no step is better than a model that fits already
        if not self.stopNextIteration:
            self.stopNextIteration, self.stopped_because = True, "no descent"
            self._remark(f"LevenbergMarquardt: no step lowers the function, up to a damping of {self.damping:.1e}.")
        return self.xc, True

    def _held_back(self, before: np.ndarray | None) -> float:
        """Factor on a step that fits the noise: it ends at the target if the root of χ is linear along the step."""
        least, most = SETTINGS.shortest_cut, SETTINGS.longest_cut
        if before is None:
            return least
        start, wanted, end = (np.sqrt(np.max(chi)) for chi in (before, self.target_chi, self._chi()))
        return float(np.clip((start - wanted) / (start - end), least, most)) if start > wanted else least

    def startup(self, x0: np.ndarray) -> None:
        """Prepare a run, with the first damping.

        Parameters
        ----------
        x0 : (nP,) numpy.ndarray
            Starting model.
        """
        self.stopped_because, self._last_chi, self._damping = "", None, self._first_damping
        super().startup(x0)

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the damping of the next step, and the last misfits, which determine how a step is shortened.

        Returns
        -------
        dict
            State as plain values: numbers, strings, None, arrays, and lists and dicts of these.
        """
        return {"damping": self._damping, "last_chi": self._last_chi}

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Restore damping and last misfits.

        Parameters
        ----------
        state : dict
            State that :meth:`checkpoint_state` returned.
        """
        self._damping, self._last_chi = float(state["damping"]), state.get("last_chi")

    def _evaluate(self, x: np.ndarray) -> float:
        """Value of the function, infinite where it is not finite."""
        try:
            value = float(self.evalFunction(x, return_g=False, return_H=False))
        except FloatingPointError:  # the network's outputs are not finite
            return np.inf
        except ValueError as error:
            if "contains `nan`s" not in str(error):  # by SimPEG, for predicted data
                raise
            return np.inf
        return value if np.isfinite(value) else np.inf

    def _chi(self) -> np.ndarray | None:
        """χ of the data sets with a multiplier at the last model, None where there is no target."""
        problem = self._inverse_problem()
        if problem is None or self.target_chi is None or not np.isfinite(self._LS_ft):
            return None
        counted = np.array(problem.dmisfit.multipliers) != 0.0
        return chi_factors(problem.dmisfit, problem.dpred)[counted]

    def _is_below_noise(self) -> bool:
        chi = self._chi()
        return chi is not None and bool((chi < (1.0 - self.tolerance) * self.target_chi).all())

    def _watch_target(self) -> None:
        """Stop if all data are fitted."""
        self._last_chi = chi = self._chi()
        if chi is not None and (chi <= (1.0 + self.tolerance) * self.target_chi).all():
            self.stopNextIteration, self.stopped_because = True, "target"
