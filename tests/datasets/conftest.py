"""Field data come from a folder; without it the tests that need it say that they were skipped."""

import os
import pathlib

import pytest


@pytest.fixture
def field_data() -> pathlib.Path:
    folder = os.environ.get("SIMPEG_JOINTDL_DATA")
    if not folder:
        pytest.skip("field data: set SIMPEG_JOINTDL_DATA to their folder")
    return pathlib.Path(folder)
