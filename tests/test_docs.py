"""The documentation: its code runs as it stands there, and its API pages list every public name."""

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import simpeg_jointdl

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for part in ("getting_started", "user_guide", "how_to") for path in (DOCS / part).rglob("*.rst"))

#: Blocks marked ``:class: not-run``: what they need is not here. A page that is not named has none.
NOT_RUN = {
    "how_to/gpu.rst": 2,  # a GPU
    "how_to/my_own_edi_files.rst": 1,  # EDI files of the reader's own
}

DIRECTIVE = re.compile(r"^(?P<indent> *)\.\. (?P<name>code-block|testsetup|include)::(?P<argument>.*)$")


def blocks(path: Path):
    """Python of a page in its order: (source with the line numbers of the page, path, whether it runs)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        found = DIRECTIVE.match(line)
        if not found:
            continue
        name, argument = found["name"], found["argument"].strip()
        if name == "include":
            yield from blocks(DOCS / argument.lstrip("/") if argument.startswith("/") else path.parent / argument)
            continue
        if name == "code-block" and argument != "python":
            continue
        depth = len(found["indent"])
        body = []
        for inner in lines[number + 1 :]:
            if inner.strip() and len(inner) - len(inner.lstrip()) <= depth:
                break
            body.append(inner)
        options = [one.strip() for one in body if one.strip().startswith(":")]
        code = ["" if one.strip() in options else one for one in body]
        yield "\n" * (number + 1) + textwrap.dedent("\n".join(code)), path, ":class: not-run" not in options


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = list(blocks(page))
    skipped = sum(not runs for _, _, runs in found)
    assert skipped == NOT_RUN.get(page.relative_to(DOCS).as_posix(), 0), "blocks marked not-run; count them in NOT_RUN"
    names: dict = {"__name__": "__main__"}
    for source, path, runs in found:
        code = compile(source, str(path), "exec")  # those that are not run must at least be Python
        if runs:
            exec(code, names)


def test_pages_that_need_something_are_there():
    assert {DOCS / page for page in NOT_RUN} <= set(PAGES)


def test_the_script_of_the_readme_runs(tmp_path):
    """In a process of its own, with no name from here."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?)```", readme, re.DOTALL).group(1)
    assert len(script.splitlines()) <= 40
    # one thread: other tests run beside it, and threads that wait for a busy core take many times as long
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def doors():
    """Every public module and the API page it belongs to: the packages, and the modules that these list themselves."""
    found = {"networks.train": importlib.import_module("simpeg_jointdl.networks.train")}
    for info in pkgutil.iter_modules(simpeg_jointdl.__path__):
        if info.name.startswith("_"):
            continue
        found[info.name] = package = importlib.import_module(f"simpeg_jointdl.{info.name}")
        for name in package.__all__:
            if inspect.ismodule(module := getattr(package, name)) and module.__name__.startswith("simpeg_jointdl."):
                found[f"{info.name}.{name}"] = module
    return {door: (module, f"{door.split('.')[0]}.rst") for door, module in found.items()}


@pytest.mark.parametrize("door", sorted(doors()))
def test_api_pages_list_every_public_name(door):
    module, page = doors()[door]
    text = (DOCS / "api" / page).read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", text))
    missing = [name for name in module.__all__ if name not in words]
    assert not missing, f"docs/api/{page} does not list {', '.join(missing)} of simpeg_jointdl.{door}"


def test_api_pages_name_nothing_that_is_gone():
    """Every entry of a summary table is a public attribute of the module that the page has last named."""
    for page in sorted((DOCS / "api").glob("*.rst")):
        module, table = None, False
        for line in page.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"\.\. currentmodule:: (\S+)", line):
                module, table = importlib.import_module(found.group(1)), False
            elif line.startswith(".. autosummary::"):
                table = True
            elif line and not line.startswith(" "):
                table = False
            elif table and line.strip() and not line.strip().startswith(":"):
                assert hasattr(module, line.strip()), f"{page.name}: {module.__name__} has no {line.strip()}"
