"""Meshes with active cells, as couplings use them; the formulas are tested with the kernels."""

import discretize
import numpy as np
import pytest
from simpeg.regularization import RegularizationMesh

from simpeg_jointdl._problem.mesh import (
    active_values,
    as_regularization_mesh,
    gradient_matrix,
    laplacian_matrix,
)
from tests.registry import tensor_mesh, tree_mesh

MESH = tensor_mesh(2)
SOME = np.arange(MESH.n_cells) % 5 > 0
on_each_mesh = pytest.mark.parametrize("mesh", [tensor_mesh(2), tensor_mesh(3), tree_mesh(2), tree_mesh(3)])


def test_all_cells_are_active_unless_some_are_given():
    assert as_regularization_mesh(MESH, None, "f").n_cells == MESH.n_cells
    assert as_regularization_mesh(MESH, SOME, "f").n_cells == SOME.sum()


def test_indices_are_accepted_in_place_of_bools():
    mesh = as_regularization_mesh(MESH, np.flatnonzero(SOME), "f")
    np.testing.assert_array_equal(mesh.active_cells, SOME)


def test_a_regularization_mesh_keeps_its_active_cells():
    mesh = as_regularization_mesh(RegularizationMesh(MESH, SOME), None, "f")
    np.testing.assert_array_equal(mesh.active_cells, SOME)
    with pytest.raises(ValueError, match=r"f\.active_cells: got active cells, and the RegularizationMesh has its own"):
        as_regularization_mesh(RegularizationMesh(MESH, SOME), SOME, "f")


BAD = {
    "no mesh": ("mesh", None, TypeError, r"f\.mesh: got str, wanted a discretize TensorMesh or TreeMesh"),
    "cylinder": (discretize.CylindricalMesh([3, 4, 2]), None, TypeError, r"f\.mesh: got CylindricalMesh"),
    "line": (discretize.TensorMesh([4]), None, ValueError, r"f\.mesh: got a 1-D TensorMesh, wanted a 2-D or 3-D mesh"),
    "none active": (MESH, ~SOME & SOME, ValueError, r"f\.active_cells: got bool .* with 0 True"),
    "floats": (MESH, np.ones(MESH.n_cells), ValueError, r"f\.active_cells: got float64"),
    "outside": (MESH, [0, 99], ValueError, "different indices from 0 to 41"),
    "0 and 1": (MESH, SOME.astype(int), ValueError, r"f\.active_cells: got int64 of shape \(42,\)"),
}


@pytest.mark.parametrize(("mesh", "active", "error", "message"), BAD.values(), ids=BAD)
def test_bad_meshes_and_active_cells_are_refused(mesh, active, error, message):
    with pytest.raises(error, match=message):
        as_regularization_mesh(mesh, active, "f")


@on_each_mesh
def test_derivatives_of_a_linear_model_on_active_cells(mesh):
    active = np.arange(mesh.n_cells) % 7 > 0
    regularization_mesh = as_regularization_mesh(mesh, active, "f")
    slope = np.arange(1.0, mesh.dim + 1.0)
    model = active_values(regularization_mesh, mesh.cell_centers @ slope)
    n = regularization_mesh.n_cells
    gradient, laplacian = gradient_matrix(regularization_mesh), laplacian_matrix(regularization_mesh)
    assert (gradient.shape, laplacian.shape) == ((mesh.dim * n, n), (n, n))
    np.testing.assert_allclose((gradient @ model).reshape(mesh.dim, n), np.outer(slope, np.ones(n)), atol=1e-10)
    np.testing.assert_allclose(laplacian @ model, 0.0, atol=1e-9)


def test_values_of_active_cells():
    values = np.arange(MESH.n_cells)
    np.testing.assert_array_equal(active_values(as_regularization_mesh(MESH, SOME, "f"), values), values[SOME])
    assert active_values(as_regularization_mesh(MESH, None, "f"), values) is values
