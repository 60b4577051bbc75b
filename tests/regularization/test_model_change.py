"""The change from a reference model: what a change of each pattern costs."""

import discretize
import numpy as np
import pytest
from simpeg import maps

from simpeg_jointdl.regularization import ModelChange


@pytest.mark.parametrize("width", [1.0, 50.0])
@pytest.mark.parametrize(("dim", "cost"), [(2, 1.0 + (0.3 * 8.0) ** 2), (3, 1.0 + (0.3 * 12.0) ** 2)])
def test_a_checkerboard_costs_the_same_for_cells_of_any_size(dim, cost, width):
    """In units of a uniform change: the Laplacian of a checkerboard is 4 d times its amplitude."""
    n = 24
    mesh = discretize.TensorMesh([np.full(n, width)] * dim)
    wires = maps.Wires(("density", mesh.n_cells), ("velocity", mesh.n_cells))
    change = ModelChange(mesh, wires, reference=np.ones((2, mesh.n_cells)), which=0)
    pattern = (-1.0) ** np.indices((n,) * dim).sum(0).ravel()
    uniform = change(np.r_[np.full(mesh.n_cells, 1.1), np.ones(mesh.n_cells)])
    rough = change(np.r_[1.0 + 0.1 * pattern, np.ones(mesh.n_cells)])
    border = 1.0 - (1.0 - 2.0 / n) ** dim  # cells with fewer neighbours cost less
    assert cost * (1.0 - border) < rough / uniform < cost
