"""The door of the subpackage: names, and what an import costs."""

import pathlib
import subprocess
import sys

import pytest

from simpeg_jointdl import datasets

_IMPORT_ALONE = """
import sys, types
package = types.ModuleType("simpeg_jointdl")
package.__path__ = [sys.argv[1]]
sys.modules["simpeg_jointdl"] = package
import simpeg_jointdl.datasets
print(*sorted({"pooch", "pyproj", "simpeg", "mt_metadata"} & set(sys.modules)))
"""


def test_door_lists_what_it_holds():
    assert all(hasattr(datasets, name) for name in datasets.__all__)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(
        ValueError, match=r"name: got 'nope', wanted one of 'camp_blocks', 'ernest_henry', 'raglan_mag'"
    ):
        datasets.load("nope")


def test_unknown_option_is_refused():
    with pytest.raises(TypeError, match="upwards"):
        datasets.load("ernest_henry", upwards=1)


def test_import_is_cheap():
    package = pathlib.Path(datasets.__file__).parents[1]
    command = [sys.executable, "-c", _IMPORT_ALONE, str(package)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
