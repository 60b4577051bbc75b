"""First and second derivatives at cell centres, on meshes of all kinds and any set of active cells."""

import discretize
import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from simpeg.regularization import RegularizationMesh

from simpeg_jointdl._problem.mesh import gradient_matrix, laplacian_matrix

UNEVEN = [[3.0, 1.0, 2.0, 5.0, 4.0, 2.5], [2.0, 4.0, 1.0, 3.0, 3.5], [1.0, 2.0, 4.0, 3.0]]


def uneven_mesh(dim):
    return discretize.TensorMesh(UNEVEN[:dim], origin=[100.0, -20.0, -30.0][:dim])


def tree_mesh(dim):
    """A tree mesh with three levels of cells, hanging faces on two sides, and cells wider than high."""
    mesh = discretize.TreeMesh([[2.0] * 8, [1.0] * 8, [0.5] * 8][:dim], origin="CCC"[:dim], diagonal_balance=False)
    mesh.refine_points(np.array([[1.0, 0.5, 0.2], [-5.0, 2.0, 1.0]])[:, :dim], level=3, finalize=False)
    mesh.refine_points(np.array([[4.0, -2.0, -1.0]])[:, :dim], level=2, finalize=True)
    return mesh


def with_holes(mesh, seed=0):
    """A mesh with a fifth of its cells inactive, and of the others those that are connected."""
    active = np.random.default_rng(seed).random(mesh.n_cells) > 0.2
    faces = abs(mesh.stencil_cell_gradient)
    _, part = connected_components((faces.T @ faces)[active][:, active])
    active[active] = part == np.bincount(part).argmax()
    return RegularizationMesh(mesh, active)


def ridge_mesh():
    """A full 4 x 4 x 2 block with one cell on top, which has a neighbour below and none beside."""
    mesh = discretize.TensorMesh([[10.0] * 4, [10.0] * 4, [10.0] * 3])
    active = mesh.cell_centers[:, 2] < 20
    active[np.argmin(np.linalg.norm(mesh.cell_centers - [15.0, 25.0, 25.0], axis=1))] = True
    return RegularizationMesh(mesh, active)


MESHES = {
    "tensor 2-D": lambda: RegularizationMesh(uneven_mesh(2)),
    "tensor 3-D": lambda: RegularizationMesh(uneven_mesh(3)),
    "tree 2-D": lambda: RegularizationMesh(tree_mesh(2)),
    "tree 3-D": lambda: RegularizationMesh(tree_mesh(3)),
    "tensor 2-D with holes": lambda: with_holes(uneven_mesh(2)),
    "tensor 3-D with holes": lambda: with_holes(uneven_mesh(3)),
    "tree 2-D with holes": lambda: with_holes(tree_mesh(2)),
    "tree 3-D with holes": lambda: with_holes(tree_mesh(3)),
    "ridge": ridge_mesh,
}
on_every_mesh = pytest.mark.parametrize("mesh", [build() for build in MESHES.values()], ids=MESHES)


def centers(mesh):
    everywhere = mesh.mesh.cell_centers
    return everywhere if mesh.active_cells is None else everywhere[mesh.active_cells]


def gradient(mesh, values):
    return (gradient_matrix(mesh) @ values).reshape(mesh.dim, -1).T  # (n_cells, dim)


def is_interior(mesh, rings=1):
    """Cells at least `rings` cells away from the border of a tensor mesh without inactive cells."""
    inside = np.zeros(mesh.mesh.shape_cells, dtype=bool)
    inside[(slice(rings, -rings),) * mesh.dim] = True
    return inside.ravel(order="F")


def slopes(dim):
    return np.array([1.5, -2.0, 0.7])[:dim]


# gradient -----------------------------------------------------------------------------------------------
@on_every_mesh
def test_gradient_is_exact_for_linear_models(mesh):
    g = slopes(mesh.dim)
    result = gradient(mesh, centers(mesh) @ g + 3.0)
    np.testing.assert_allclose(result, np.broadcast_to(g, result.shape), rtol=0, atol=1e-10)


@on_every_mesh
@pytest.mark.parametrize("constant", [1.0, 1e9, np.pi])
def test_gradient_of_a_constant_is_zero(mesh, constant):
    matrix = gradient_matrix(mesh)
    tolerance = 1e-15 * constant * abs(matrix).sum(axis=1).max()
    np.testing.assert_allclose(matrix @ np.full(mesh.n_cells, constant), 0.0, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dim", [2, 3])
def test_gradient_of_a_quadratic_is_exact_inside_an_uneven_mesh(dim):
    mesh = RegularizationMesh(uneven_mesh(dim))
    x = centers(mesh) - centers(mesh).mean(axis=0)
    curvature = np.array([[1.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 0.5]])[:dim, :dim]
    inside = is_interior(mesh)
    result = gradient(mesh, np.einsum("ni,ij,nj->n", x, curvature, x))
    np.testing.assert_allclose(result[inside], (2 * x @ curvature)[inside], rtol=1e-10, atol=1e-10)


def test_gradient_on_even_cells_is_the_central_difference():
    mesh = RegularizationMesh(discretize.TensorMesh([[2.0] * 5, [2.0] * 4]))
    values = np.random.default_rng(0).normal(size=(5, 4))
    along_x, along_y = np.gradient(values, 2.0)
    expected = np.stack([along_x.ravel(order="F"), along_y.ravel(order="F")], axis=1)
    np.testing.assert_allclose(gradient(mesh, values.ravel(order="F")), expected, rtol=1e-12, atol=1e-12)


def test_a_cell_on_a_ridge_uses_the_neighbours_of_the_cell_below():
    mesh = ridge_mesh()
    values = np.random.default_rng(0).normal(size=mesh.n_cells)
    x, y, z = np.round(centers(mesh) - [15.0, 25.0, 25.0]).T / 10.0  # in cells, from the cell on the ridge
    beside = [(values[(x == i) & (y == j) & (z == -1)]).item() for i, j in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    result = gradient(mesh, values)[(x == 0) & (y == 0) & (z == 0)][0]
    expected = [(beside[0] - beside[1]) / 20.0, (beside[2] - beside[3]) / 20.0]
    np.testing.assert_allclose(result[:2], expected, rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_layer_one_cell_thick_has_no_gradient_across(axis):
    mesh = uneven_mesh(3)
    position = mesh.cell_centers[:, axis]
    layer = RegularizationMesh(mesh, position == np.unique(position)[1])
    g = slopes(3)
    expected = np.where(np.arange(3) == axis, 0.0, g)
    result = gradient(layer, centers(layer) @ g)
    np.testing.assert_allclose(result, np.broadcast_to(expected, result.shape), rtol=0, atol=1e-11)


@pytest.mark.parametrize("matrix", [gradient_matrix, laplacian_matrix])
def test_an_isolated_cell_has_no_derivatives(matrix):
    active = np.zeros(uneven_mesh(3).n_cells, dtype=bool)
    active[[0, -1]] = True  # two corners, without neighbours
    result = matrix(RegularizationMesh(uneven_mesh(3), active)) @ np.array([1.0, 5.0])
    np.testing.assert_array_equal(result, 0.0)


@on_every_mesh
def test_shapes_and_sorted_indices(mesh):
    for matrix, blocks in ((gradient_matrix(mesh), mesh.dim), (laplacian_matrix(mesh), 1)):
        assert matrix.shape == (blocks * mesh.n_cells, mesh.n_cells)
        assert matrix.has_sorted_indices
        assert np.isfinite(matrix.data).all()


@pytest.mark.parametrize("dim", [2, 3])
def test_gradient_scales_with_the_unit_of_length(dim):
    """In kilometres the same model has a gradient a thousand times as large."""
    metres = uneven_mesh(dim)
    kilometres = discretize.TensorMesh([1e-3 * h for h in metres.h], origin=1e-3 * metres.origin)
    values = np.random.default_rng(0).normal(size=metres.n_cells)
    expected = 1e3 * gradient(RegularizationMesh(metres), values)
    np.testing.assert_allclose(gradient(RegularizationMesh(kilometres), values), expected, rtol=1e-8, atol=1e-8)


# Laplacian ----------------------------------------------------------------------------------------------
@on_every_mesh
def test_the_laplacian_of_a_linear_model_is_zero_up_to_the_border(mesh):
    matrix = laplacian_matrix(mesh)
    values = centers(mesh) @ slopes(mesh.dim) + 3.0
    scale = abs(matrix) @ np.abs(values)
    np.testing.assert_allclose(matrix @ values / np.maximum(scale, 1.0), 0.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dim", [2, 3])
def test_laplacian_is_the_usual_formula_inside_even_cells(dim):
    widths = [2.0, 5.0, 4.0][:dim]
    shape = (6, 5, 5)[:dim]
    mesh = RegularizationMesh(discretize.TensorMesh([[h] * n for h, n in zip(widths, shape, strict=True)]))
    values = np.random.default_rng(0).normal(size=shape)
    expected = np.zeros(shape)
    for axis, h in enumerate(widths):
        expected += (np.roll(values, 1, axis) - 2 * values + np.roll(values, -1, axis)) / h**2
    inside = is_interior(mesh)
    result = laplacian_matrix(mesh) @ values.ravel(order="F")
    np.testing.assert_allclose(result[inside], expected.ravel(order="F")[inside], rtol=1e-11, atol=1e-11)
    assert set(np.diff(laplacian_matrix(mesh).indptr)[inside]) == {2 * dim + 1}


@pytest.mark.parametrize("dim", [2, 3])
def test_derivatives_converge_with_second_order(dim):
    errors = []
    for n in (8, 16):
        mesh = RegularizationMesh(discretize.TensorMesh([np.full(n, 1.0 / n)] * dim))
        x, inside = 2.0 * centers(mesh), is_interior(mesh)
        values = np.prod(np.sin(x), axis=1)
        exact_gradient = 2.0 * values[:, None] / np.tan(x)
        far = inside & (np.abs(centers(mesh) - 0.5) < 0.3).all(axis=1)
        errors.append(
            (
                np.abs(gradient(mesh, values) - exact_gradient)[far].max(),
                np.abs(laplacian_matrix(mesh) @ values + 4.0 * dim * values)[far].max(),
            )
        )
    orders = np.log2(np.array(errors[0]) / np.array(errors[1]))
    np.testing.assert_allclose(orders, 2.0, atol=0.35)


@pytest.mark.parametrize("narrow", ["tower", "wall"])
def test_cells_of_narrow_topography_use_neighbours_below(narrow):
    mesh = discretize.TensorMesh([7, 7, 14])
    x, y, z = mesh.cell_centers.T
    active = z < 0.4
    active |= (x > 3 / 7) & (x < 4 / 7) & ((y > 3 / 7) & (y < 4 / 7) if narrow == "tower" else True)
    matrix = gradient_matrix(RegularizationMesh(mesh, active))
    found = (matrix @ (x + 2 * y + 3 * z)[active]).reshape(3, -1)
    np.testing.assert_allclose(found, np.broadcast_to([[1.0], [2.0], [3.0]], found.shape), rtol=1e-9)
