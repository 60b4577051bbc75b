"""Store what a benchmark measures, with the versions and the machine, and read it back.

A result file is one CSV file in long format with the columns version, table, row, column and value. Lines before it
begin with ``#``; each is a JSON object that says how one table of one version was measured. To read the values:
``pandas.read_csv(path, comment="#")``. A value is a text, a number, or a few numbers with spaces between them.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import importlib.metadata
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]  # of the repository
RESULTS = ROOT / "benchmarks" / "results"
FIELDS = ("version", "table", "row", "column", "value")
PACKAGES = ("simpeg", "discretize", "numpy", "torch")


@dataclass(frozen=True)
class Column:
    """How the values of a column are shown.

    Attributes
    ----------
    format : str
        A format string with one field per number, such as ``"{:.2f} ({:.0f})"``; empty for text.
    limit : float, optional
        A cell with a number above it is shown in red on the screen and in bold on the page.
    """

    format: str = ""
    limit: float | None = None

    def store(self, value) -> str:
        """A value as it stands in the file: text as it is, numbers with six significant digits, None as nothing."""
        if value is None or isinstance(value, str):
            return value or ""
        return " ".join(f"{number:.6g}" for number in np.ravel(np.asarray(value, dtype=float)))

    def show(self, stored: str) -> str:
        """A stored value as a reader sees it."""
        if not self.format or not stored:
            return stored
        return self.format.format(*map(float, stored.split()))

    def is_marked(self, stored: str) -> bool:
        """Whether a number in the cell is above the limit."""
        return self.limit is not None and bool(stored) and max(map(float, stored.split())) > self.limit


@dataclass
class Table:
    """One measured table.

    Parameters
    ----------
    name : str
        Short name, unique within the benchmark.
    title : str
        What the numbers are.
    columns : dict of str to (str or Column)
        Heading of each column and its format.
    note : str
        What a reader has to know besides.
    heading : str
        Heading of the column of row names.
    """

    name: str
    title: str
    columns: dict
    note: str = ""
    heading: str = ""
    rows: dict = field(default_factory=dict)  # name -> stored values
    about: dict = field(default_factory=dict)  # version, date, command, ...

    def __post_init__(self):
        self.columns = {
            name: one if isinstance(one, Column) else Column(one or "") for name, one in self.columns.items()
        }

    def add_row(self, name: str, *values):
        """Add a row; the name must be new."""
        if name in self.rows:
            raise ValueError(f"Table.add_row: the table {self.name!r} has a row {name!r} already.")
        if len(values) != len(self.columns):
            raise ValueError(f"Table.add_row: {len(values)} values for the {len(self.columns)} columns.")
        self.rows[name] = [column.store(value) for column, value in zip(self.columns.values(), values, strict=True)]

    def cells(self, name: str) -> list[str]:
        """The cells of a row as a reader sees them."""
        return [column.show(value) for column, value in zip(self.columns.values(), self.rows[name], strict=True)]

    def marked(self, name: str) -> list[bool]:
        """Which cells of a row are above their column's limit."""
        return [column.is_marked(value) for column, value in zip(self.columns.values(), self.rows[name], strict=True)]

    def rich(self):
        """The table for the screen."""
        from rich.table import Table as Rich

        table = Rich(title=self.title, caption=self.note)
        table.add_column(self.heading)
        for heading, column in self.columns.items():
            table.add_column(heading, justify="right" if column.format else "left")
        for name in self.rows:
            pairs = zip(self.cells(name), self.marked(name), strict=True)
            table.add_row(name, *(f"[red]{cell}" if mark else cell for cell, mark in pairs))
        return table


def make_parser(doc: str, module: str) -> argparse.ArgumentParser:
    """A command line with the option --output, described by the benchmark's docstring.

    Parameters
    ----------
    doc : str
        ``__doc__`` of the benchmark.
    module : str
        ``__spec__.name`` of the benchmark.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    path = RESULTS / f"{module.rpartition('.')[2]}.csv"
    parser.add_argument("--output", type=Path, default=path, help="file that the results are written to")
    parser.set_defaults(module=module)
    return parser


def store(options, *tables: Table):
    """Write tables to the file ``options.output``; tables of the same name and version there are replaced.

    Parameters
    ----------
    options : argparse.Namespace
        What a parser of `make_parser` gave.
    *tables : Table
        Tables without rows are left out.
    """
    about = describe_run(options.module)
    kept = {(one.name, one.about["version"]): one for one in load(options.output)}
    for table in tables:
        if table.rows:
            table.about = about
            kept[table.name, about["version"]] = table
    save(options.output, kept.values())


def describe_run(module: str) -> dict:
    """Versions, machine, date and command of this process."""
    return {
        "version": tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        "commit": _commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": f"python -m {module} {shlex.join(sys.argv[1:])}".strip(),
        "machine": _machine(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _commit() -> str:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _machine() -> str:
    import torch

    try:
        model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))[1]
    except (OSError, TypeError):
        model = platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    told = [model, f"{cores} core{'s' * (cores > 1)}"]
    threads = torch.get_num_threads()
    told.append(f"{threads} thread{'s' * (threads > 1)}")
    if torch.cuda.is_available():
        told.append(torch.cuda.get_device_name())
    if hasattr(os, "getloadavg"):  # other processes make times longer
        told.append(f"load average {os.getloadavg()[1]:.1f}")
    return ", ".join(told)


def save(path: Path, tables):
    """Write a result file, tables in the order of their names' first appearance, versions from old to new."""
    tables = list(tables)
    order = list(dict.fromkeys(table.name for table in tables))
    tables.sort(key=lambda table: (order.index(table.name), version_key(table.about["version"])))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        for table in tables:
            columns = {
                name: [one.format] if one.limit is None else [one.format, one.limit]
                for name, one in table.columns.items()
            }
            head = {"table": table.name, "title": table.title, "note": table.note, "heading": table.heading}
            file.write("# " + json.dumps(head | table.about | {"columns": columns}, ensure_ascii=False) + "\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for table in tables:
            for name, values in table.rows.items():
                for heading, value in zip(table.columns, values, strict=True):
                    writer.writerow([table.about["version"], table.name, name, heading, value])


def load(path: Path) -> list[Table]:
    """Read a result file; nothing if there is none."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines:
        if not line.startswith("# "):
            break
        about = json.loads(line[2:])
        first = [about.pop(key) for key in ("table", "title", "note", "heading")]
        columns = {name: Column(*settings) for name, settings in about.pop("columns").items()}
        found[first[0], about["version"]] = Table(first[0], first[1], columns, first[2], first[3], {}, about)
    for line in csv.DictReader(lines[len(found) :]):
        table = found[line["table"], line["version"]]
        row = table.rows.setdefault(line["row"], [""] * len(table.columns))
        row[list(table.columns).index(line["column"])] = line["value"]
    return list(found.values())


def newest(tables) -> dict[str, Table]:
    """The newest version of each table, by name."""
    ordered = sorted(tables, key=lambda table: version_key(table.about["version"]))
    return {table.name: table for table in ordered}


def version_key(version: str) -> tuple:
    """What versions are ordered by."""
    return tuple(int(part) for part in re.findall(r"\d+", version))
