"""The package as a whole: what may import what, what an import costs, and what its doors promise."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import simpeg_jointdl

NAME = simpeg_jointdl.__name__
ROOT = Path(simpeg_jointdl.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Top to bottom; a room imports from the layers below its own, and from itself.
LAYERS = (
    {"recipes", "plotting"},
    {"diagnostics", "maps"},
    {"regularization", "data_misfit", "directives", "optimization", "potential_fields", "electromagnetics"},
    {"_tensor_path"},
    {"_problem"},
    {"networks"},
    {"datasets"},
    {"io"},
    {"data"},
    {"kernels"},
    {"_core"},
)
# These stand beside: what they may import, and nobody but the door of the package imports them.
BESIDE = {
    "testing": {"recipes", "directives", "regularization", "maps", "potential_fields", "_core"},
}
CROSSINGS = {"numpy", "from_numpy", "as_tensor", "from_dlpack"}
MAX_LINES = 300


def name_of(path):
    return str(path.relative_to(ROOT))


def unit_of(path):
    """Top-level module or subpackage a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes_of(path, *kinds):
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, kinds)]


def imported_modules(path, source=None):
    """Dotted names a file imports, at any depth of its code, relative ones resolved."""
    package = [NAME, *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(source or path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imported_units(path, source=None):
    """Units of our own package that a file of another unit imports."""
    dotted = (module.split(".") for module in imported_modules(path, source))
    return {parts[1] for parts in dotted if parts[0] == NAME and len(parts) > 1} - {unit_of(path)}


def allowed_units(unit):
    if unit in BESIDE:
        return BESIDE[unit]
    (level,) = (i for i, layer in enumerate(LAYERS) if unit in layer)
    return set().union(*LAYERS[level + 1 :])


on_every_file = pytest.mark.parametrize("path", FILES, ids=name_of)
inside = [path for path in FILES if path.parent != ROOT or path.name != "__init__.py"]


# layers -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", inside, ids=name_of)
def test_imports_run_downwards_only(path):
    forbidden = imported_units(path) - allowed_units(unit_of(path))
    assert not forbidden, f"{name_of(path)} imports {sorted(forbidden)}; see LAYERS in {Path(__file__).name}"


def test_every_unit_has_its_layer():
    assert {unit_of(path) for path in inside} <= set().union(BESIDE, *LAYERS)


def test_lower_layers_may_do_less():
    for upper, lower in pairwise(LAYERS):
        assert all(allowed_units(b) < allowed_units(a) for a in upper for b in lower)


@pytest.mark.parametrize(
    ("source", "units"),
    [
        ("from .._core.tensors import as_numpy", {"_core"}),
        ("from ..kernels._cells import cell_gradient", {"kernels"}),
        ("from .. import directives", {"directives"}),
        ("import simpeg_jointdl.maps._base", {"maps"}),
        ("def f():\n    from simpeg_jointdl import recipes", {"recipes"}),
        ("from ._base import BaseCoupling\nimport numpy.linalg\nfrom simpeg import maps", set()),
    ],
)
def test_the_walk_sees_every_form_of_import(source, units):
    assert imported_units(ROOT / "regularization" / "_base.py", source) == units


def module_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def runtime_imports(path):
    """Modules of ours that a file imports when it runs: imports for type checkers alone are left out."""
    for_types = [node for node in nodes_of(path, ast.If) if ast.unparse(node.test) == "TYPE_CHECKING"]
    source = path.read_text(encoding="utf-8")
    for node in for_types:
        source = source.replace(ast.get_source_segment(source, node), "pass")
    known = {module_of(one) for one in FILES}
    for name in imported_modules(path, source):
        found = [one for one in (name, name.rpartition(".")[0]) if one in known]
        yield from found[:1]


def circles(graph):
    """Groups of modules that reach each other."""

    def reached(start):
        seen, todo = set(), [start]
        while todo:
            new = graph[todo.pop()] - seen
            seen |= new
            todo += new
        return seen

    reach = {module: reached(module) for module in graph}
    return {frozenset(b for b in reach[a] if a in reach[b]) for a in graph if a in reach[a]}


def private_imports(path, source=None):
    """Private modules of other packages that a file imports; those of a package around it count as its own."""
    package = [NAME, *path.relative_to(ROOT).parts[:-1]]
    for module in imported_modules(path, source):
        parts = module.split(".")
        private = [i for i, part in enumerate(parts) if part.startswith("_") and not part.startswith("__")]
        private = [i for i in private if parts[0] == NAME and i >= 2]  # rooms such as _core are private as a whole
        if private and package[: private[0]] != parts[: private[0]]:
            yield module


@on_every_file
def test_no_file_imports_a_private_module_of_another_package(path):
    assert not list(private_imports(path)), "import from the door of that package, its __init__.py"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from ..kernels._cells import cell_gradient", 1),
        ("from ..kernels import cell_gradient", 0),
        ("from ._base import BaseCoupling", 0),
        ("from .._core.tensors import as_tensor", 0),
        ("from ..maps import _base", 1),
    ],
)
def test_the_walk_sees_private_imports(source, found):
    assert len(list(private_imports(ROOT / "regularization" / "_base.py", source))) == found


def test_no_modules_import_each_other_in_a_circle():
    """At the level of modules, imports that type checkers alone see left out."""
    graph = {module_of(path): set(runtime_imports(path)) - {module_of(path)} for path in FILES}
    assert circles(graph) == set()
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == {frozenset("bc")}


@pytest.mark.parametrize("path", [path for path in FILES if name_of(path) != "_core/tensors.py"], ids=name_of)
def test_numpy_meets_torch_in_one_file_only(path):
    calls = [node.func for node in nodes_of(path, ast.Call) if isinstance(node.func, ast.Attribute)]
    crossing = [f"line {func.lineno}: .{func.attr}()" for func in calls if func.attr in CROSSINGS]
    assert not crossing, f"{name_of(path)}: use as_tensor and as_numpy of _core/tensors.py"


# what an import does ------------------------------------------------------------------------------------
STATE = "torch.get_num_threads(), torch.get_default_dtype(), torch.get_default_device(), torch.initial_seed()"
IMPORT_CHANGES_NOTHING = f"""
import torch
torch.manual_seed(3)
before = {STATE}
import {NAME}
raise SystemExit(before != ({STATE}) or torch.cuda.is_initialized())
"""


def run_python(code, *options):
    result = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return result.stdout


def test_import_is_silent_warns_of_nothing_and_leaves_torch_and_the_gpu_alone():
    assert run_python(IMPORT_CHANGES_NOTHING, "-W", "error") == ""


# What costs most of an import is torch and SimPEG. What ours adds is counted, not timed: other work on the machine
# does not change it.
SMALL = {"matplotlib", "psutil", "rich", "safetensors"}
IMPORTS_OF_OURS = f"""
import sys
import simpeg.electromagnetics.natural_source, simpeg.potential_fields, torch
before = set(sys.modules)
import {NAME}
print(*sorted(set(sys.modules) - before))
"""


def test_import_brings_few_modules_that_simpeg_and_torch_do_not():
    """No pyplot, pandas, pyvista, dask, lightning and the like, unless SimPEG or torch has imported them already."""
    new = run_python(IMPORTS_OF_OURS).split()
    roots = {module.split(".")[0] for module in new} - set(sys.stdlib_module_names)
    assert roots <= SMALL | {NAME}
    assert len([module for module in new if not module.startswith(NAME)]) < 120


# doors --------------------------------------------------------------------------------------------------
def public_modules():
    modules = pkgutil.walk_packages([str(ROOT)], f"{NAME}.")
    return [NAME, *(m.name for m in modules if not any(part.startswith("_") for part in m.name.split(".")))]


on_every_door = pytest.mark.parametrize("name", public_modules())


@on_every_door
def test_door_lists_what_it_holds(name):
    """ruff sees to what a door imports and does not list (F401); this, to what it defines."""
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)
    defined = {key for key, value in vars(module).items() if getattr(value, "__module__", None) == name}
    assert {key for key in defined if not key.startswith("_")} <= set(module.__all__)


@on_every_door
def test_everything_public_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for key in module.__all__:
        value = getattr(module, key)
        assert not callable(value) or (value.__doc__ or "").strip(), f"{name}.{key} has no docstring"


def test_the_package_lists_its_subpackages():
    assert set(simpeg_jointdl.__all__) <= {name.split(".")[1] for name in public_modules()[1:]}


# the files ----------------------------------------------------------------------------------------------
@on_every_file
def test_files_stay_short(path):
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert n_lines <= MAX_LINES


@on_every_file
def test_no_assert_and_no_print(path):
    asserts = [node.lineno for node in nodes_of(path, ast.Assert)]
    names = [node.func for node in nodes_of(path, ast.Call) if isinstance(node.func, ast.Name)]
    prints = [func.lineno for func in names if func.id == "print"]
    assert (asserts, prints) == ([], [])


@on_every_file
def test_no_pickle(path):
    roots = {module.split(".")[0] for module in imported_modules(path)}
    assert not roots & {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
