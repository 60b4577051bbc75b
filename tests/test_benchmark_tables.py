"""Benchmarks: their stored results, the pages written from these, and their command lines."""

import ast
import importlib
import sys

import numpy as np
import pytest

from benchmarks import tables
from benchmarks._common import results

SCRIPTS = tables.scripts()


def test_the_pages_are_those_that_the_command_writes():
    for path, text in tables.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python -m benchmarks.tables"


def test_no_page_without_a_text():
    assert {path.name for path in tables.DOCS.glob("*.rst")} == {path.name for path in tables.PAGES.glob("*.rst")}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_benchmark_says_what_it_measures_and_how_to_run_it(name):
    path = SCRIPTS[name]
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert doc is not None
    assert doc.splitlines()[0].endswith((".", "?"))
    assert f"python -m benchmarks.{path.parent.name}.{name}" in doc


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_benchmark_has_a_result_of_this_version_or_is_listed_as_not_measured(name):
    index = (tables.DOCS / "index.rst").read_text(encoding="utf-8")
    entry = index.split(f"``{SCRIPTS[name].parent.name}.{name}``")[1].split("* -")[0]
    versions = {table.about["version"] for table in results.load(results.RESULTS / f"{name}.csv")}
    assert (tables.current_version() in versions) != ("not measured on this version" in entry)
    for version in versions:
        assert version in entry


def test_every_result_belongs_to_a_benchmark_and_stands_on_a_page():
    text = "".join(path.read_text(encoding="utf-8") for path in tables.DOCS.glob("*.rst"))
    for path in results.RESULTS.glob("*"):
        assert path.stem in SCRIPTS
        for table in results.newest(results.load(path)).values():
            assert tables.table_block(table) in text, f"{path.name}: {table.name}"
            assert {"version", "commit", "date", "command", "machine", "versions"} <= set(table.about)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_command_line_has_help_and_an_output(name, monkeypatch, capsys):
    module = importlib.import_module(f"benchmarks.{SCRIPTS[name].parent.name}.{name}")
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0
    assert "--output" in capsys.readouterr().out


# storing ----------------------------------------------------------------------------------------------------
@pytest.fixture
def options(tmp_path):
    parser = results.make_parser("What it measures.", "benchmarks.some.thing")
    return parser.parse_args(["--output", str(tmp_path / "thing.csv")])


def make_table(**changes):
    columns = {"s": "{:.2f}", "ratio": results.Column("{:.1f}, {:.1f}", 2.0), "why": ""}
    table = results.Table("cost", "What it *costs*", columns, note="Of 5.", heading="name", **changes)
    table.add_row("first, of all", 1.23456789, (1.0, 2.5), "slow")
    table.add_row("second_", None, np.array([1.0, 2.0]), "")
    table.add_row("third", np.array(3), (1, 2), "")
    return table


def test_a_stored_table_is_read_as_it_was(options):
    table = make_table()
    results.store(options, table)
    (found,) = results.load(options.output)
    assert found == table
    assert found.rows == {
        "first, of all": ["1.23457", "1 2.5", "slow"],
        "second_": ["", "1 2", ""],
        "third": ["3", "1 2", ""],
    }
    assert found.cells("first, of all") == ["1.23", "1.0, 2.5", "slow"]
    assert found.marked("first, of all") == [False, True, False]
    assert found.about["command"].startswith("python -m benchmarks.some.thing")
    assert found.about["version"] == tables.current_version()
    assert set(found.about["versions"]) == {"python", *results.PACKAGES}


def test_a_table_is_replaced_by_its_own_version_only(options):
    old = make_table()
    old.about = {"version": "0.0.9", "versions": {}}
    older = make_table()
    older.about = {"version": "0.0.10", "versions": {}}
    results.save(options.output, [older, old])
    results.store(options, make_table())
    results.store(options, make_table(), results.Table("empty", "", {}))
    found = results.load(options.output)
    assert [one.about["version"] for one in found] == ["0.0.9", "0.0.10", tables.current_version()]
    assert results.newest(found)["cost"].about["version"] == tables.current_version()


def test_rows_are_new_and_whole():
    table = make_table()
    with pytest.raises(ValueError, match="has a row 'second_' already"):
        table.add_row("second_", 1.0, (1.0, 1.0), "")
    with pytest.raises(ValueError, match="1 values for the 3 columns"):
        table.add_row("fourth", 1.0)


def test_a_page_holds_the_table_and_where_it_comes_from(options, tmp_path):
    results.store(options, make_table())
    text = tables.render("Costs\n=====\n\n{{ table: thing/cost }}\n\n{{ tables: thing/none* }}\n", tmp_path)
    assert ".. list-table:: What it \\*costs\\*" in text
    text = text.replace("\N{NO-BREAK SPACE}", "~")
    assert "   * - first, of all\n     - 1.23\n     - **1.0,~2.5**\n     - slow\n" in text
    assert "   * - second\\_\n     -\n     - 1.0,~2.0\n     -\n" in text
    assert f"Measured with version {tables.current_version()} (" in text
    assert "``python -m benchmarks.some.thing" in text


def test_a_marker_without_its_table_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="has no table 'cost'"):
        tables.render("{{ table: thing/cost }}", tmp_path)
