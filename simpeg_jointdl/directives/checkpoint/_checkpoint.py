"""A run that was killed goes on from its last finished iteration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from simpeg.directives import InversionDirective
from simpeg.utils import get_logger

from ..._core.files import check_writable
from .._base import Passive, is_passive
from ..records import SaveLog
from ._file import read_checkpoint, write_checkpoint
from ._fingerprint import differences, fingerprint
from ._state import named_directives, restore_inversion, restore_minimizer, state_of_inversion


class SaveCheckpoint(Passive, InversionDirective):
    """Save the state of the inversion after each iteration, for :func:`resume`.

    The file is an npz without any pickle, replaced as a whole, so that there is a good one at every moment. It
    keeps the models, the minimizer's state and bounds, betas, multipliers, weights, norms and thresholds of
    all terms, and of each directive all attributes that are plain values (numbers, strings, None, arrays,
    lists and dicts of these) or helpers that hold such values. That includes their settings, so that a run
    goes on as it was begun.

    Any object of the inversion may say itself what it keeps, such a dict, by ``checkpoint_state() -> dict`` and
    ``restore_checkpoint_state(dict)``. Other people's terms and directives with inner state of other kinds
    (mixture models of ``PGI_...``, open files) need the two, or begin anew; so do lists of ``opt.remember``. Of a
    preconditioner the diagonal is kept, or the history of BFGS.

    A disk that fills up is a warning: the last good file stays, the inversion goes on, and so do attempts to save.

    Parameters
    ----------
    path : str or pathlib.Path
        File to write.
    every : int
        Iterations between files. The last iteration is always saved.
    overwrite : bool
        Whether a run from its beginning may replace a checkpoint of the same problem. Anything else is never
        replaced.

    Raises
    ------
    ValueError
        If it does not stand last, or the file is there and may not be replaced.
    OSError
        When the run starts, if the file cannot be written.
    """

    def __init__(self, path, every: int = 1, *, overwrite: bool = False, **kwargs):
        super().__init__(**kwargs)
        if int(every) < 1:
            msg = f"SaveCheckpoint.every: got {every!r}, wanted a whole number of at least 1."
            raise ValueError(msg)
        self.path, self.every, self.overwrite = Path(path), int(every), bool(overwrite)
        self.resumed = False  # set by resume()

    def validate(self, directiveList=None):
        """Must stand last: it saves what all others have changed."""
        others = directiveList.dList
        for other in others[others.index(self) + 1 :]:
            if not is_passive(other) or isinstance(other, SaveLog):
                msg = (
                    f"SaveCheckpoint must stand after {type(other).__name__}, or it saves the state before that one "
                    "has changed it; put SaveCheckpoint last in the list of directives."
                )
                raise ValueError(msg)
        return True

    def initialize(self):
        """Keep the starting model, and see that the file can be written and what is there may go."""
        self._start = self.invProb.model.copy()
        self._fingerprint = fingerprint(self.inversion)
        check_writable(self.path, "SaveCheckpoint.path")
        if self.resumed or not self.path.exists():
            return
        _read_own(self.inversion, self.path)
        if not self.overwrite:
            msg = (
                f"SaveCheckpoint.path: {str(self.path)!r} holds a checkpoint of this problem; go on from it by "
                "resume(inversion, path), or begin again with another path or overwrite=True."
            )
            raise ValueError(msg)

    def endIter(self):
        """Save, if it is time to."""
        opt = self.opt
        if not opt.stopNextIteration and (opt.iter % self.every == 0 or opt.iter >= opt.maxIter):
            self._save()

    def finish(self):
        """Save a run that has come to its end, after the others have given back what they had changed for it."""
        if self.opt.stopNextIteration:
            self._save()

    def _save(self):
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


def resume(inversion, path) -> np.ndarray:
    """Go on with a run that was killed, from its last checkpoint to its end.

    Directives are initialized at the starting model as in a run from the beginning, then everything is put
    back into its saved state, and the minimizer goes on counting from the saved iteration. On the same machine
    the final model is that of a run that was never interrupted. A run that had come to its end is not continued:
    its model is returned at once.

    Parameters
    ----------
    inversion : simpeg.inversion.BaseInversion
        Made as for the run that was killed: the same data, terms and directives. The largest number of
        iterations may be another, and directives that only show or save may come and go.
    path : str or pathlib.Path
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
        If the file is not a checkpoint of this problem and this version, or is damaged; it is left as it is.
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
        with_restore = _Restore(saved)
        inversion.directiveList.dList.append(with_restore)
        with_restore.inversion = inversion
        try:
            return inversion.run(saved["start"])
        finally:
            inversion.directiveList.dList.remove(with_restore)
            vars(inversion.opt).pop(_HOOK, None)
    finally:
        _tell_savers(inversion, None, state)


# SimPEG's minimizers call whatever has such a name at the start of an iteration
_HOOK = "_doStartIteration_resumed"


class _Restore(Passive, InversionDirective):
    """Comes after all others are initialized, and sends the minimizer on from the saved iteration."""

    def __init__(self, saved: dict):
        super().__init__()
        self._saved = saved

    def initialize(self):
        restore_inversion(self.inversion, self._saved["state"])
        self.invProb.model = self._saved["model"]  # where the minimizer starts
        setattr(self.opt, _HOOK, self._go_on)

    def _go_on(self):
        """The minimizer has evaluated the model, and counts from zero: now it stands where it stood."""
        opt, model = self.opt, self._saved["model"]
        delattr(opt, _HOOK)
        if not np.array_equal(opt.xc, model):  # off by bounds that have moved since
            opt.xc = model
        restore_minimizer(self.inversion, self._saved["state"])


def _read_own(inversion, path) -> dict:
    """Checkpoint of this problem, or ValueError."""
    saved = read_checkpoint(path)
    different = differences(saved["fingerprint"], fingerprint(inversion))
    if different:
        msg = f"checkpoint {str(path)!r} is of another problem: {different}. It has been left as it is."
        raise ValueError(msg)
    return saved


def _tell_savers(inversion, path, state):
    """Directives that write files continue those that belong to the run from `path`; with None, none do."""
    for name, directive in named_directives(inversion).items():
        if isinstance(directive, SaveCheckpoint):
            directive.resumed = path is not None and directive.path.resolve() == path.resolve()
        elif isinstance(directive, SaveLog):
            directive.resumed = path is not None and name in state["directives"]
