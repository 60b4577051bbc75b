"""Optional libraries: the error for one that is not installed."""

import math

import pytest

from simpeg_jointdl._core.optional import required


def test_a_library_that_is_there_is_imported():
    assert required("math", "f") is math


def test_a_missing_library_is_reported_with_the_extra_that_installs_it():
    with pytest.raises(ImportError, match=r'f needs absent_, which is not installed\. .*"simpeg_jointdl\[mt\]"'):
        required("absent_", "f", "mt")
    with pytest.raises(ImportError, match=r"which is not installed, to read EDI files\. Install it with"):
        required("absent_", "f", "mt", "to read EDI files")
