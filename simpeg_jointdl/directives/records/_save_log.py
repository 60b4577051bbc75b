"""A log of an inversion that can be read back into a table."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from simpeg.directives import InversionDirective
from simpeg.utils import get_logger

from ..._core.files import check_writable, write_whole
from ._iteration import IterationWatcher

_FIRST_COLUMNS = ["iteration", "seconds", "phi_d", "phi_m", "beta"]


class SaveLog(IterationWatcher, InversionDirective):
    """Write one line per iteration to a CSV file, and keep the numbers for figures.

    The columns are

    - ``iteration``; ``seconds`` since the line before (those of the first line include the preparations of other
      directives); ``phi_d``, ``phi_m`` and ``beta`` of SimPEG's inverse problem,
    - ``chi_<data set>``, the misfit per datum,
    - ``beta_<property>``, where there is a :class:`JointBetaSchedule`. A property has the name of the data that
      constrain it,
    - ``value_<term>`` and ``weight_<term>`` of each term of the regularization,

    all as the iteration was computed, so that ``phi_m`` is the sum of weights times values. A run that is continued
    by :func:`resume` continues its log. If the log cannot be written any more, because the disk is full, there is a
    warning, the inversion goes on, and the log is complete again as soon as it can be written.

    Parameters
    ----------
    path : str or os.PathLike, optional
        CSV file to write. If not given, the numbers are only kept in memory.
    names : sequence of str, optional
        Names of the data sets. By default the methods of their simulations: ``gravity``, ``magnetics``,
        ``magnetotellurics``, ..., with a number for the second data set of a method.
    overwrite : bool
        Whether a run may replace a log that is already there.
    **kwargs
        Keywords of :class:`simpeg.directives.InversionDirective`.

    Attributes
    ----------
    path : pathlib.Path or None
        File of the log.
    resumed : bool
        Whether the run continues an earlier one; :func:`resume` sets it.

    Raises
    ------
    ValueError
        If it does not come first in the list of directives, if `names` are not one for each data set, and, when an
        inversion begins, if the file is not a log or is one that may not be replaced.
    OSError
        When an inversion begins, if the file cannot be written.

    Examples
    --------
    >>> from simpeg_jointdl.directives import SaveLog
    >>> log = SaveLog(names=["Bouguer anomaly", "total field"])
    >>> log.history  # before a run
    {}
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        names: Sequence[str] | None = None,
        *,
        overwrite: bool = False,
        **kwargs: Any,
    ):
        super().__init__(names, **kwargs)
        self.path: Path | None = None if path is None else Path(path)
        self.overwrite: bool = bool(overwrite)
        self.resumed: bool = False
        self._rows: list[dict[str, float]] = []
        self._couplings: list[str] = []
        self._is_whole = False

    @property
    def history(self) -> dict[str, dict[str, list[float]]]:
        """Numbers of all iterations, ``{group: {name: values}}``.

        Groups are ``chi``, ``beta``, ``coupling_weight``, ``coupling_value`` and ``term_value`` (weights times
        values), for :func:`simpeg_jointdl.plotting.plot_convergence`. Empty before the first iteration.
        """
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

    def initialize(self) -> None:
        """Begin a new log, or prepare to continue one."""
        super().initialize()
        self._rows, self._couplings, self._is_whole = [], [], False
        if self.path is not None:
            check_writable(self.path, "SaveLog.path")
            self._check_present(self.path)

    def _check_present(self, path: Path) -> None:
        """Raise ValueError if the file is not a log, or a log that may not be replaced."""
        if not path.exists() or path.stat().st_size == 0:
            return
        read_log(path)
        if not (self.overwrite or self.resumed):
            msg = (
                f"SaveLog.path: {str(path)!r} holds the log of an earlier run; give another path or "
                "overwrite=True, or continue that run by resume(inversion, path of its checkpoint)."
            )
            raise ValueError(msg)

    def endIter(self) -> None:
        """Add the iteration that has just ended."""
        record = self._take()
        row = record.columns()
        if self._rows and len(row) == len(self._rows[0]):
            # in a run that an older version began, data sets have other names, in the same order
            row = dict(zip(self._rows[0], row.values(), strict=True))
        self._rows.append(row)
        self._couplings = list(record.couplings)
        if self.path is not None:
            self._write_or_warn(self.path)

    def _write_or_warn(self, path: Path) -> None:
        try:
            self._write(path)
        except OSError as error:
            self._is_whole = False
            get_logger().warning(f"SaveLog: could not write {str(path)!r} ({error}); the inversion goes on.")

    def _write(self, path: Path) -> None:
        """Append the last line, or write the whole file where it is not complete."""
        if self._is_whole:
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write(_as_csv([self._rows[-1].values()]))
        else:
            lines = [self._rows[0], *(row.values() for row in self._rows)]
            write_whole(path, _as_csv(lines).encode())
            self._is_whole = True

    def checkpoint_state(self) -> dict[str, Any]:
        """Return all lines so far.

        Returns
        -------
        dict
            State as plain values: numbers, strings, None, arrays, and lists and dicts of these.
        """
        columns = list(self._rows[0]) if self._rows else []
        rows = np.array([list(row.values()) for row in self._rows], dtype=float)
        return {"columns": columns, "rows": rows, "couplings": self._couplings}

    def restore_checkpoint_state(self, state: dict[str, Any]) -> None:
        """Go back to the lines of a checkpoint; later lines, and one that is written in part, are removed.

        Parameters
        ----------
        state : dict
            State that :meth:`checkpoint_state` returned.
        """
        self._rows = [dict(zip(state["columns"], row, strict=True)) for row in state["rows"].tolist()]
        for row in self._rows:
            row["iteration"] = int(row["iteration"])
        self._couplings = list(state["couplings"])
        if self.path is not None and self._rows:
            self._check_present(self.path)
            self._write(self.path)


def read_log(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the log that :class:`SaveLog` wrote, of a finished run or of one that is still running.

    Parameters
    ----------
    path : str or os.PathLike
        CSV file of the log.

    Returns
    -------
    dict of str to (n_iterations,) numpy.ndarray
        The columns: ``iteration`` of int, all others of float.

    Raises
    ------
    ValueError
        If the file is not a log.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        # the last line of a run that was killed may be written in part, and then has no end
        header, *rows = csv.reader(io.StringIO(text[: text.rfind("\n") + 1]), strict=True)
        if header[: len(_FIRST_COLUMNS)] != _FIRST_COLUMNS:
            raise ValueError("its first line does not name the columns of one")
        values = np.array([[float(value) for value in row] for row in rows]).reshape(len(rows), len(header))
    except (ValueError, csv.Error) as error:
        msg = f"read_log: {str(path)!r} is not a log that SaveLog wrote ({error})."
        raise ValueError(msg) from error
    table = dict(zip(header, values.T.copy(), strict=True))
    return table | {"iteration": table["iteration"].astype(int)}


def _as_csv(lines: Iterable[Iterable]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
