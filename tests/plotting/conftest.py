"""Meshes to draw, and the check that no figure stays open."""

import sys

import numpy as np
import pytest
from discretize import TensorMesh, TreeMesh

from tests.plotting.figures import make_block


@pytest.fixture(autouse=True)
def _nothing_is_left_open():
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


@pytest.fixture(params=["tensor", "tree"])
def ground(request):
    """Mesh, active cells below a slope, and a block's (n_active,) values."""
    if request.param == "tensor":
        mesh = TensorMesh([[100.0] * 12, [100.0] * 10, [50.0] * 8], origin="CCN")
    else:
        mesh = TreeMesh([[50.0] * 16] * 3, origin="CCN", diagonal_balance=True)
        mesh.refine_bounding_box(np.array([[-150.0, -150, -400], [150, 150, 0]]), level=-1)
    centers = mesh.cell_centers
    active = centers[:, 2] < -30 - 0.1 * centers[:, 0]
    return mesh, active, make_block(centers)[active]
