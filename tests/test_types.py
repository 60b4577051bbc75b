"""Type hints: complete on everything public, and of use to those who call it. By basedpyright, of the `dev` extra."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAME = "simpeg_jointdl"

# What SimPEG and other packages without hints leave unknown in ours, and what is no matter of types.
NOT_OURS = (
    "Type of metaclass unknown",
    "Type of base class",
    "Ambiguous base class override",
    "No docstring found",
)

# What a consumer's check says of SimPEG's classes, whose attributes are made at run time.
OF_SIMPEG = ('for class "Wires"',)


def basedpyright(*arguments, cwd=ROOT) -> dict:
    """Its report; skips the test where the tool is not installed."""
    command = shutil.which("basedpyright", path=str(Path(sys.executable).parent)) or shutil.which("basedpyright")
    if command is None:
        pytest.skip("no type check without basedpyright: python -m pip install '.[dev]'")
    options = ["--pythonpath", sys.executable, "--outputjson"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # before any installed copy
    done = subprocess.run(
        [command, *options, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.stdout.strip().startswith("{"), done.stderr
    return json.loads(done.stdout)


def is_ours(message: str) -> bool:
    """Whether a hint of ours is missing. A class is "partially unknown" already if SimPEG's class below it is."""
    if message.startswith(NOT_OURS):
        return False
    return "partially unknown" not in message.splitlines()[0] or "Unknown" in message


def test_the_package_says_that_it_is_typed():
    assert (ROOT / NAME / "py.typed").is_file()


def test_everything_public_has_complete_types():
    """Parameters, returns, attributes: of every public name, and of whatever these show in turn."""
    report = basedpyright("--verifytypes", NAME, "--ignoreexternal")["typeCompleteness"]
    assert Path(report["packageRootDirectory"]) == ROOT / NAME, "another copy of the package was checked"
    symbols = report["symbols"]
    public = {symbol["name"] for symbol in symbols if symbol["isExported"]}
    # a class is defined in a private module and exported by a door
    public |= {symbol["name"] for symbol in symbols if public & set(symbol.get("alternateNames", []))}
    assert len(public) > 150
    missing = [
        f"{symbol['name']}: {' '.join(diagnostic['message'].split())}"
        for symbol in symbols
        for diagnostic in symbol["diagnostics"]
        if is_ours(diagnostic["message"])
        # attributes of classes that only appear in the signatures of public ones are not for users
        if symbol["category"] != "variable" or symbol["name"].rpartition(".")[0] in public
    ]
    assert not missing, f"{len(missing)} types are not known:\n" + "\n".join(sorted(missing))


def test_the_readmes_script_has_no_type_errors(tmp_path):
    """A user's check of a user's script: what ours return has the attributes that the script takes."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "script.py").write_text(re.search(r"```python\n(.*?)```", readme, re.DOTALL).group(1))
    settings = {"include": ["script.py"], "extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    report = basedpyright("--project", str(tmp_path / "pyrightconfig.json"), cwd=tmp_path)
    assert report["summary"]["filesAnalyzed"] == 1
    errors = [one["message"] for one in report["generalDiagnostics"] if not any(k in one["message"] for k in OF_SIMPEG)]
    assert errors == []
