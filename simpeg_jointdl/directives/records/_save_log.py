"""A log of an inversion that can be read back into a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from simpeg.directives import InversionDirective
from simpeg.utils import get_logger

from ..._core.files import check_writable, write_whole
from ._iteration import IterationWatcher

_FIRST_COLUMNS = ["iteration", "seconds", "phi_d", "phi_m", "beta"]


class SaveLog(IterationWatcher, InversionDirective):
    """Write one line per finished iteration, for :func:`read_log`, and keep the numbers for a figure.

    Columns: ``iteration``, ``seconds`` (since the line before; the first includes what directives prepare),
    ``phi_d``, ``phi_m``, ``beta`` (the common one), ``chi_<misfit>``, ``beta_<property>`` beside a
    :class:`JointBetaSchedule`, and ``value_<term>`` and ``weight_<term>`` of each term of the regularization:
    all as the iteration was computed, so that ``phi_m`` is the sum of weights times values. A property goes
    by the name of the data that constrain it.

    A run taken up again by :func:`resume` continues the log after the iteration it goes on from. A log that
    cannot be written any more (a full disk) is a warning, and written again as soon as it can be.

    Parameters
    ----------
    path : str or pathlib.Path, optional
        CSV file to write; only memory when not given.
    names : sequence of str, optional
        Of the data misfits. By default ``gravity``, ``magnetics``, ..., after their simulations.
    overwrite : bool
        Whether a run may replace a log that is already there.

    Raises
    ------
    ValueError
        If it does not stand first, or the file is something else or a log that may not be replaced.
    OSError
        When the run starts, if the file cannot be written.
    """

    def __init__(self, path=None, names=None, *, overwrite: bool = False, **kwargs):
        super().__init__(names, **kwargs)
        self.path = None if path is None else Path(path)
        self.overwrite = bool(overwrite)
        self.resumed = False  # set by resume()
        self._rows: list[dict[str, float]] = []
        self._couplings: list[str] = []
        self._is_whole = False

    @property
    def history(self) -> dict[str, dict[str, list[float]]]:
        """``{group: {name: values}}``, for :func:`simpeg_jointdl.plotting.plot_convergence`."""
        table = {key: [row[key] for row in self._rows] for key in (self._rows[0] if self._rows else ())}
        groups = {
            group: {key.removeprefix(f"{group}_"): table[key] for key in table if key.startswith(f"{group}_")}
            for group in ("chi", "beta")
        }
        if not groups["beta"] and table:
            groups["beta"] = {"common": table["beta"]}
        for group in ("weight", "value"):
            groups[f"coupling_{group}"] = {name: table[f"{group}_{name}"] for name in self._couplings}
        terms = [key.removeprefix("value_") for key in table if key.startswith("value_")]
        groups["term_value"] = {
            name: [w * v for w, v in zip(table[f"weight_{name}"], table[f"value_{name}"], strict=True)]
            for name in terms
        }
        return {group: curves for group, curves in groups.items() if curves}

    def initialize(self):
        """Begin a new log, or get ready to continue one."""
        super().initialize()
        self._rows, self._couplings, self._is_whole = [], [], False
        if self.path is not None:
            check_writable(self.path, "SaveLog.path")
            self._check_present()

    def _check_present(self):
        """Leave alone what is not ours to replace."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return
        read_log(self.path)
        if not (self.overwrite or self.resumed):
            msg = (
                f"SaveLog.path: {str(self.path)!r} holds the log of an earlier run; give another path or "
                "overwrite=True, or go on with that run by resume(inversion, path of its checkpoint)."
            )
            raise ValueError(msg)

    def endIter(self):
        """Add the iteration that has just ended."""
        row = self._take()
        self._rows.append(row.columns())
        self._couplings = list(row.couplings)
        if self.path is None:
            return
        try:
            self._write()
        except OSError as error:
            self._is_whole = False
            get_logger().warning(f"SaveLog: could not write {str(self.path)!r} ({error}); the inversion goes on.")

    def _write(self):
        if self._is_whole:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(_as_csv([self._rows[-1].values()]))
        else:
            lines = [self._rows[0], *(row.values() for row in self._rows)]
            write_whole(self.path, _as_csv(lines).encode())
            self._is_whole = True

    def checkpoint_state(self) -> dict:
        """All lines so far."""
        columns = list(self._rows[0]) if self._rows else []
        rows = np.array([list(row.values()) for row in self._rows], dtype=float)
        return {"columns": columns, "rows": rows, "couplings": self._couplings}

    def restore_checkpoint_state(self, state: dict):
        """Go back to the lines of then; those after it, and one half written, go."""
        self._rows = [dict(zip(state["columns"], row, strict=True)) for row in state["rows"].tolist()]
        for row in self._rows:
            row["iteration"] = int(row["iteration"])
        self._couplings = list(state["couplings"])
        if self.path is not None and self._rows:
            self._check_present()
            self._write()


def read_log(path) -> dict[str, np.ndarray]:
    """Table of a log that :class:`SaveLog` wrote, of a finished run or one still running.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    dict of str to (n_iterations,) numpy.ndarray
        A column each, ``iteration`` of int, all others of float.

    Raises
    ------
    ValueError
        If the file is not such a log.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        # a line that is only half there, of a run that was killed, has no end
        header, *rows = csv.reader(io.StringIO(text[: text.rfind("\n") + 1]), strict=True)
        if header[: len(_FIRST_COLUMNS)] != _FIRST_COLUMNS:
            raise ValueError("its first line does not name the columns of one")
        values = np.array([[float(value) for value in row] for row in rows]).reshape(len(rows), len(header))
    except (ValueError, csv.Error) as error:
        msg = f"read_log: {str(path)!r} is not a log that SaveLog wrote ({error})."
        raise ValueError(msg) from error
    table = dict(zip(header, values.T.copy(), strict=True))
    return table | {"iteration": table["iteration"].astype(int)}


def _as_csv(lines) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
