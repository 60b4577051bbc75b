"""Checkpoints of a run, from which it continues after it was killed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from simpeg.directives import DirectiveList, InversionDirective
from simpeg.inversion import BaseInversion
from simpeg.utils import get_logger

from ..._core import validation as check
from ..._core.files import check_writable
from .._base import Passive, is_passive
from ..records import SaveLog
from ._file import read_checkpoint, write_checkpoint
from ._fingerprint import differences, fingerprint
from ._state import named_directives, restore_inversion, restore_minimizer, state_of_inversion

# SimPEG's minimizers call every attribute whose name contains "_doStartIteration" when an iteration starts
_HOOK = "_doStartIteration_resumed"


class SaveCheckpoint(Passive, InversionDirective):
    """Save the state of the inversion after each iteration, for :func:`resume`.

    The file is an npz file without any pickle. It is replaced as a whole, so that there is a complete one at every
    moment. It contains the models, the state and bounds of the minimizer, trade-off parameters, multipliers, weights,
    norms and thresholds of all terms, and of each directive all attributes with plain values (numbers, strings, None,
    arrays, and lists and dicts of these), and those of helper objects with such attributes. Settings are among them,
    so that a run continues with the settings it began with.

    Any object of the inversion may define its own state, as a dict of plain values, by two methods,
    ``checkpoint_state() -> dict`` and ``restore_checkpoint_state(dict)``. Terms and directives of other packages whose
    state is of another kind (mixture models of ``PGI_...``, open files) need these methods; without them they start
    anew, and so do the lists of ``opt.remember``. The state of a preconditioner is its diagonal, or the history of
    BFGS.

    If the disk is full there is a warning. The last complete file stays, the inversion goes on, and the next
    checkpoint is tried again.

    Parameters
    ----------
    path : str or os.PathLike
        File to write.
    every : int
        Iterations between two checkpoints. The last iteration is always saved.
    overwrite : bool
        Whether a run from its beginning may replace a checkpoint of the same problem. Any other file is never
        replaced.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`.

    Attributes
    ----------
    path : pathlib.Path
        File of the checkpoint.
    resumed : bool
        Whether the run continues from the file; :func:`resume` sets it.

    Raises
    ------
    ValueError, TypeError
        If `every` is not a whole number of at least 1, if the directive does not come last in the list, and, when an
        inversion begins, if the file exists and may not be replaced.
    OSError
        When an inversion begins, if the file cannot be written.

    Examples
    --------
    >>> from simpeg_jointdl.directives import SaveCheckpoint
    >>> SaveCheckpoint("run.npz", every=5).path.name
    'run.npz'
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1, *, overwrite: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.path: Path = Path(path)
        self.every: int = check.whole("SaveCheckpoint.every", every)
        self.overwrite: bool = bool(overwrite)
        self.resumed: bool = False

    def validate(self, directiveList: DirectiveList | None = None) -> bool:
        """Raise ValueError unless it comes last: it saves what all other directives have changed.

        Parameters
        ----------
        directiveList : simpeg.directives.DirectiveList
            All directives of the inversion, in their order.

        Returns
        -------
        bool
            True.
        """
        others = directiveList.dList
        for other in others[others.index(self) + 1 :]:
            if not is_passive(other) or isinstance(other, SaveLog):
                msg = (
                    f"SaveCheckpoint must stand after {type(other).__name__}; otherwise it saves the state before "
                    "that directive has changed it. Put SaveCheckpoint last in the list of directives."
                )
                raise ValueError(msg)
        return True

    def initialize(self) -> None:
        """Remember the starting model, and check that the file can be written and may be replaced."""
        self._start = self.invProb.model.copy()
        self._fingerprint = fingerprint(self.inversion)
        check_writable(self.path, "SaveCheckpoint.path")
        if self.resumed or not self.path.exists():
            return
        _read_own(self.inversion, self.path)
        if not self.overwrite:
            msg = (
                f"SaveCheckpoint.path: {str(self.path)!r} holds a checkpoint of this problem; continue from it by "
                "resume(inversion, path), or begin again with another path or overwrite=True."
            )
            raise ValueError(msg)

    def endIter(self) -> None:
        """Save the state, if it is due."""
        opt = self.opt
        if not opt.stopNextIteration and (opt.iter % self.every == 0 or opt.iter >= opt.maxIter):
            self._save()

    def finish(self) -> None:
        """Save the state at the end of a run, after other directives have restored what they changed for the run."""
        if self.opt.stopNextIteration:
            self._save()

    def _save(self) -> None:
        tree = {
            "fingerprint": self._fingerprint,
            "start": self._start,
            "model": self.invProb.model,
            "state": state_of_inversion(self.inversion),
        }
        try:
            write_checkpoint(self.path, tree)
        except OSError as error:
            get_logger().warning(
                f"SaveCheckpoint: could not write {str(self.path)!r} after iteration {self.opt.iter} ({error}); the "
                "last checkpoint stays, and the inversion goes on."
            )


def resume(inversion: BaseInversion, path: str | os.PathLike[str]) -> np.ndarray:
    """Continue a run that was killed, from its last checkpoint to its end.

    Directives are initialized at the starting model, as in a run from the beginning. Then everything is put back into
    its saved state, and the minimizer continues to count from the saved iteration. On the same machine the final model
    is that of a run without interruption. A run that had come to its end is not continued: its model is returned at
    once.

    Parameters
    ----------
    inversion : simpeg.inversion.BaseInversion
        Inversion with the data, terms and directives of the run that was killed. The largest number of iterations may
        differ, and so may directives that only show or save.
    path : str or os.PathLike
        File that :class:`SaveCheckpoint` wrote.

    Returns
    -------
    (nP,) numpy.ndarray
        The final model, which is also ``inversion.m``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or is not a checkpoint of this problem and of this version of the format. It is left as
        it is.
    """
    path = Path(path)
    if not path.is_file():
        msg = (
            f"resume: there is no checkpoint {str(path)!r}; begin by inversion.run(starting_model), with "
            "SaveCheckpoint(path) last in its list of directives."
        )
        raise FileNotFoundError(msg)
    saved = _read_own(inversion, path)
    state = saved["state"]
    _tell_savers(inversion, path, state)
    try:
        if state["minimizer"]["stopNextIteration"]:
            restore_inversion(inversion, state)
            inversion.invProb.model = inversion.opt.xc = inversion.m = saved["model"]
            return inversion.m
        restore = _Restore(saved)
        inversion.directiveList.dList.append(restore)
        restore.inversion = inversion
        try:
            return inversion.run(saved["start"])
        finally:
            inversion.directiveList.dList.remove(restore)
            vars(inversion.invProb.opt).pop(_HOOK, None)
    finally:
        _tell_savers(inversion, None, state)


class _Restore(Passive, InversionDirective):
    """Restore the saved state after all other directives are initialized."""

    def __init__(self, saved: dict[str, Any]):
        super().__init__()
        self._saved = saved

    def initialize(self) -> None:
        restore_inversion(self.inversion, self._saved["state"])
        self.invProb.model = self._saved["model"]  # where the minimizer starts
        setattr(self.opt, _HOOK, self._continue)

    def _continue(self) -> None:
        """Restore the minimizer, which has evaluated the model by now and counts iterations from zero."""
        opt, model = self.opt, self._saved["model"]
        delattr(opt, _HOOK)
        if not np.array_equal(opt.xc, model):  # bounds have changed since, and moved it
            opt.xc = model
        restore_minimizer(self.inversion, self._saved["state"])


def _read_own(inversion: BaseInversion, path: Path) -> dict[str, Any]:
    """Read a checkpoint of this problem; ValueError for any other file."""
    saved = read_checkpoint(path)
    different = differences(saved["fingerprint"], fingerprint(inversion))
    if different:
        msg = f"checkpoint {str(path)!r} is of another problem: {different}. It has been left as it is."
        raise ValueError(msg)
    return saved


def _tell_savers(inversion: BaseInversion, path: Path | None, state: Mapping[str, Any]) -> None:
    """Tell directives that write files whether they continue files of the run from `path`; None for a new run."""
    for name, directive in named_directives(inversion).items():
        if isinstance(directive, SaveCheckpoint):
            directive.resumed = path is not None and directive.path.resolve() == path.resolve()
        elif isinstance(directive, SaveLog):
            directive.resumed = path is not None and name in state["directives"]
