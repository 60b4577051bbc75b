"""Windows as lists of cells, however they are summed."""

import discretize
import numpy as np
import pytest
import torch
from simpeg.regularization import RegularizationMesh

from simpeg_jointdl.regularization.structural._windows import Windows


def make(mesh, window, overlap, active=None):
    return Windows.boxes(RegularizationMesh(mesh, active), window, overlap, torch.device("cpu"), torch.float64)


@pytest.mark.parametrize(("window", "overlap"), [((1, 1), 0.0), ((3, 2), 0.0), ((4, 3), 0.5), ((5, 4), 0.8)])
def test_sums_are_those_over_boxes(window, overlap):
    mesh = discretize.TensorMesh([7, 5])
    active = np.random.default_rng(0).random(mesh.n_cells) > 0.3
    windows = make(mesh, window, overlap, active)
    values = np.random.default_rng(1).normal(size=mesh.n_cells) * active
    grid = values.reshape(mesh.shape_cells, order="F")
    strides = [max(1, round(size * (1 - overlap))) for size in window]
    expected = []
    for i in range(-strides[0] * ((window[0] - 1) // strides[0]), 7, strides[0]):
        for j in range(-strides[1] * ((window[1] - 1) // strides[1]), 5, strides[1]):
            part = np.s_[max(i, 0) : i + window[0], max(j, 0) : j + window[1]]
            if active.reshape(mesh.shape_cells, order="F")[part].any():
                expected.append(grid[part].sum())
    found = windows.sum(torch.as_tensor(values[active])[None])[0].numpy()
    np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=1e-14)


@pytest.mark.parametrize(("window", "overlap"), [((1, 1, 1), 0.0), ((3, 3, 2), 0.5)])
def test_spread_is_the_adjoint_of_sum(window, overlap):
    windows = make(discretize.TensorMesh([5, 4, 4]), window, overlap)
    rng = np.random.default_rng(0)
    x, y = torch.as_tensor(rng.normal(size=(1, 80))), torch.as_tensor(rng.normal(size=(1, windows.n_windows)))
    assert float((windows.sum(x) * y).sum()) == pytest.approx(float((x * windows.spread(y)).sum()), rel=1e-13)


def test_border_cells_lie_in_as_many_windows_as_others():
    windows = make(discretize.TensorMesh([9, 8, 7]), (4, 4, 4), 0.5)
    np.testing.assert_array_equal(windows.spread(torch.ones(1, windows.n_windows, dtype=torch.float64)), 8.0)


def test_a_fine_tree_costs_what_its_cells_cost():
    mesh = discretize.TreeMesh([2048, 2048, 2048], diagonal_balance=True)
    mesh.refine_points(np.array([[0.5, 0.5, 0.5]]), 11)
    windows = make(mesh, (2, 2, 2), 0.5)
    assert mesh.n_cells < 3000
    assert windows.n_windows < 8 * mesh.n_cells
    assert windows.entries()[0].numel() == 8 * mesh.n_cells
