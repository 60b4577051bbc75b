"""Write the pages of docs/benchmarks from the texts in benchmarks/pages and the tables in benchmarks/results.

    python -m benchmarks.tables             # writes docs/benchmarks/*.rst
    python -m benchmarks.tables --check     # exit status 1 if a page is not what would be written

A text is reStructuredText with these markers, each on a line of its own:

``{{ table: script/name }}``
    the newest version of one table of ``benchmarks/results/script.csv``
``{{ tables: script/pattern }}``
    the newest version of every table whose name matches the pattern; nothing if there is none
``{{ scripts }}``
    a list of all benchmarks, what they measure, and the versions they were measured with
"""

from __future__ import annotations

import argparse
import ast
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks._common.results import RESULTS, ROOT, Table, load, newest, version_key

PAGES = ROOT / "benchmarks" / "pages"
DOCS = ROOT / "docs" / "benchmarks"
MARKER = re.compile(r"^\{\{ (table|tables|scripts)(?:: (\w+)/(.+?))? \}\}$")
# the field takes the sidebar away that would leave too little room for wide tables
HEADER = """:html_theme.sidebar_secondary.remove: true

.. Written by python -m benchmarks.tables from benchmarks/pages/{}: change the text there.

"""


def render(text: str, results: Path = RESULTS) -> str:
    """A page: the text with its markers replaced."""
    lines = []
    for line in text.splitlines():
        marker = MARKER.match(line)
        lines.append(_replacement(*marker.groups(), results) if marker else line)
    return "\n".join(lines).rstrip() + "\n"


def _replacement(kind: str, script: str, name: str, results: Path) -> str:
    if kind == "scripts":
        return scripts_table(results)
    stored = load(results / f"{script}.csv")
    chosen = newest(stored)
    names = [name] if kind == "table" else [one for one in chosen if fnmatchcase(one, name)]
    if kind == "table" and name not in chosen:
        raise ValueError(f"render: {script}.csv has no table {name!r}; it has {sorted(chosen)}.")
    return "\n".join(table_block(chosen[one]) for one in names)


def table_block(table: Table) -> str:
    """One table and where it comes from."""
    rows = [[table.heading, *table.columns]]
    for name in table.rows:
        marked = table.marked(name)
        cells = [_unbroken(cell) for cell in table.cells(name)]
        cells = [_bold(cell) if mark else _escape(cell) for cell, mark in zip(cells, marked, strict=True)]
        rows.append([_escape(name), *cells])
    rows[0] = [_escape(cell) for cell in rows[0]]
    lines = [*list_table(rows, _escape(table.title)), ""]
    if table.note:
        lines += [_escape(table.note), ""]
    return "\n".join([*lines, ".. rst-class:: text-muted", "", provenance(table.about), ""])


def list_table(rows, title: str = "", stub: bool = True) -> list[str]:
    """Lines of a list-table whose first row is the header."""
    lines = [f".. list-table:: {title}".rstrip(), "   :header-rows: 1", "   :class: table-sm"]
    lines += ["   :stub-columns: 1", ""] if stub else [""]
    for row in rows:
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(row)]
    return lines


def provenance(about: dict) -> str:
    """Version, date, machine and command of a table."""
    packages = {"simpeg": "SimPEG", "torch": "torch", "python": "Python"}
    versions = [f"{title} {about['versions'][key]}" for key, title in packages.items() if key in about["versions"]]
    told = [about["date"], f"commit {about['commit']}" if about["commit"] else "", ", ".join(versions)]
    told = "; ".join(filter(None, [*told, about["machine"]]))
    moved = f" Moved from the {about['source']}." if about.get("source") else ""
    return f"Measured with version {about['version']} ({told}): ``{about['command']}``.{moved}"


def scripts() -> dict[str, Path]:
    """All benchmarks by name."""
    found = (path for path in (ROOT / "benchmarks").glob("[a-z]*/*.py") if not path.name.startswith("_"))
    return {path.stem: path for path in sorted(found)}


def current_version() -> str:
    """Version of the package."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def scripts_table(results: Path = RESULTS) -> str:
    """All benchmarks, what they measure, and the versions they were measured with."""
    rows, version = [["benchmark", "what it measures", "measured with"]], current_version()
    for name, path in scripts().items():
        first = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]
        versions = sorted({table.about["version"] for table in load(results / f"{name}.csv")}, key=version_key)
        told = ", ".join(versions)
        if version not in versions:
            told += f"{'; ' if told else ''}not measured on this version"
        rows.append([f"``{path.parent.name}.{name}``", _escape(first), told])
    return "\n".join([*list_table(rows, stub=False), ""])


def _escape(text: str) -> str:
    text = re.sub(r"([\\*`|])", r"\\\1", text)
    text = re.sub(r"_(?=\W|$)", r"\\_", text)
    text = text.replace("--", r"\-\-")  # which would become a dash
    return re.sub(r"^([-+])(?=\s|$)", r"\\\1", text)


def _unbroken(text: str) -> str:
    """A few numbers, which stay on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}") if len(text) <= 18 and re.match(r"[-+±<]?\d", text) else text


def _bold(text: str) -> str:
    return f"**{_escape(text)}**"


def pages() -> dict[Path, str]:
    """What each page should hold."""
    found = {}
    for path in sorted(PAGES.glob("*.rst")):
        found[DOCS / path.name] = HEADER.format(path.name) + render(path.read_text(encoding="utf-8"))
    return found


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tables", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if a page would change")
    options = parser.parse_args()
    changed = []
    for path, text in pages().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        changed.append(path)
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in changed:
        print(f"{'would change' if options.check else 'written'}: {path.relative_to(ROOT)}")
    return int(options.check and bool(changed))


if __name__ == "__main__":
    raise SystemExit(main())
