"""The engine of regular grids: the same matrix as cell by cell, wherever receivers lie, and why it is not there."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from discretize import TensorMesh, TreeMesh

from simpeg_jointdl.kernels import field_direction, gravity_terms, magnetic_terms, magnetizations
from simpeg_jointdl.potential_fields.engines import Geometry, Stations
from simpeg_jointdl.potential_fields.engines._geometry import Tiles
from simpeg_jointdl.potential_fields.engines._toeplitz import Toeplitz, toeplitz_reason

CPU = torch.device("cpu")
NORTH = field_direction(65.0, 12.0)
WIDTHS = (50.0, 40.0)
ORIGIN = (4.5e5, 7.5e6, -60.0)  # m, as in a projected system


def gravity(*components):
    return [[gravity_terms(one)] for one in components]


def magnetic(*components, model_type="vector"):
    blocks = magnetizations(model_type, 5e4, 65.0, 12.0)
    return [[magnetic_terms(one, NORTH, block) for block in blocks] for one in components]


def grid(nx=5, ny=4, spacing=WIDTHS, offset=(13.0, -71.0), height=30.0):
    """Receivers on a grid; the offset is from the corner of the mesh, spacing and height are in m."""
    x, y = (ORIGIN[a] + offset[a] + spacing[a] * np.arange(n) for a, n in enumerate((nx, ny)))
    places = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.column_stack([places, np.full(len(places), height)])


def masked(locations, seed=1):
    """A random part of locations, in random order, one of them twice."""
    order = np.random.default_rng(seed).permutation(len(locations))[: 2 * len(locations) // 3]
    return locations[[*order, order[3]]]


def times(x, y, **options):
    return grid(spacing=(WIDTHS[0] * x, WIDTHS[1] * y), **options)


def jittered(locations):
    """Coordinates as they come out of a file, 1e-7 of a cell off."""
    return locations + 5e-6 * np.random.default_rng(2).uniform(-1, 1, locations.shape) * [1, 1, 0]


def topography(mesh):
    x, y, z = (mesh.cell_centers - ORIGIN).T
    return z < 40 + 0.2 * x - 0.1 * y


def no_padding(mesh):
    """All but the outermost cells."""
    box = np.zeros(mesh.shape_cells, dtype=bool)
    box[1:-1, 1:-1] = True
    return box.ravel(order="F")


@dataclass(frozen=True)
class Case:
    locations: list = field(default_factory=lambda: [grid()])
    terms: list = field(default_factory=lambda: [gravity("gz")])
    layers: tuple = (20.0, 20.0, 20.0)
    padding: float | None = None
    active: object = None
    magnetized: bool = False

    def geometry(self):
        sides = [np.full(n, width) for n, width in zip((6, 5), WIDTHS, strict=True)]
        origin = np.array(ORIGIN)
        if self.padding:
            sides = [np.r_[self.padding, side, self.padding] for side in sides]
            origin[:2] -= self.padding
        mesh = TensorMesh([*sides, np.array(self.layers)], origin=origin)
        active = np.ones(mesh.n_cells, dtype=bool) if self.active is None else self.active(mesh)
        magnets = None
        if self.magnetized:
            magnets = np.random.default_rng(3).normal(size=(3, np.count_nonzero(active)))
        stations = [Stations(*one) for one in zip(self.locations, self.terms, strict=True)]
        return Geometry(mesh, active, stations, magnets)


B = magnetic("bx", "by", "bz")
CASES = {
    "an offset grid": Case(),
    "receivers above nodes": Case([grid(offset=(0, 40))]),
    "receivers above centres": Case([grid(offset=(25, 20))]),
    "masked, in random order": Case([masked(grid(7, 6))]),
    "coordinates from a file": Case([jittered(grid())]),
    "topography": Case(active=topography),
    "layers of many widths": Case(layers=(35.0, 20.0, 10.0, 4.0)),
    "inactive padding": Case(padding=333.0, active=no_padding),
    "twice the cells": Case([times(2, 2)]),
    "three times, in random order": Case([masked(times(3, 3))]),
    "a half": Case([times(1 / 2, 1 / 2)]),
    "a third": Case([masked(times(1 / 3, 1 / 3, nx=7, ny=8))]),
    "two along x, a third along y": Case([times(2, 1 / 3)]),
    "three quarters along x": Case([times(3 / 4, 1, nx=9)]),
    "two heights": Case([np.vstack([grid(height=30.0), grid(4, 3, offset=(25.0, 20.0), height=55.5)])]),
    "within the cells": Case([grid(height=-30.0)]),
    "on top of the cells": Case([grid(offset=(0, 0), height=0.0)], [gravity("gz", "gxz", "gzz")]),
    "a single receiver": Case([grid(1, 1)]),
    "a line along x": Case([grid(9, 1)]),
    "a line along y, half as wide": Case([times(1, 1 / 2, nx=1, ny=11)]),
    "an oblique line": Case([ORIGIN * np.array([1, 1, 0]) + np.outer(np.arange(5), [50, 80, 0]) + [0, 0, 20.0]]),
    "far beyond the mesh": Case([grid(20, 3, offset=(-500, 200))]),
    "gravity and gradients": Case(terms=[gravity("gz", "gzz", "gxy")], active=topography),
    "tmi": Case(terms=[magnetic("tmi", model_type="scalar")], active=topography),
    "gradients of tmi": Case(terms=[magnetic("tmi_x", "tmi_y", "tmi_z", model_type="scalar")]),
    "three components": Case([masked(times(1 / 2, 1))], [magnetic("bx", "by", "bz", model_type="scalar")]),
    "vector blocks": Case(terms=[B], active=topography),
    "magnetized": Case([masked(times(1 / 2, 1))], [B], active=topography, magnetized=True),
    "magnetized, tmi": Case(terms=[magnetic("tmi")], magnetized=True),
    "two groups": Case(
        [times(1 / 2, 1), masked(grid(3, 4, offset=(25, 20)))], [gravity("gz"), gravity("gxx", "gyy", "gzz")]
    ),
}
THREE = ["gravity and gradients", "three components", "vector blocks", "magnetized"]
on_every_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture(scope="module")
def oracle():
    """Matrices evaluated cell by cell, once."""
    known = {}

    def evaluate(name):
        if name not in known:
            geometry = CASES[name].geometry()
            tiles = Tiles(geometry, CPU)
            known[name] = torch.cat([tiles(one, 0, len(one.locations)) for one in geometry.stations])
        return known[name]

    return evaluate


def random(n, seed, device=CPU, dtype=torch.float64):
    return torch.as_tensor(np.random.default_rng(seed).normal(size=n)).to(device, dtype)


def assert_close(got, wanted, tolerance):
    """Relative to the largest."""
    assert got.shape == wanted.shape
    assert (got.to(wanted) - wanted).abs().max() <= tolerance * wanted.abs().max()


# the matrix ---------------------------------------------------------------------------------------------
@on_every_case
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-6)], ids=str)
def test_products_are_those_of_the_matrix(name, dtype, tolerance, oracle, device):
    if "file" in name:
        tolerance = max(tolerance, 1e-7)  # receivers are put on their grid
    matrix = oracle(name)
    engine = Toeplitz(CASES[name].geometry(), device, dtype)
    assert engine.shape == tuple(matrix.shape)
    model, data = (random(n, seed, dtype=dtype) for seed, n in enumerate(matrix.T.shape))
    forward, adjoint = engine.forward(model.to(device)), engine.adjoint(data.to(device))
    assert (forward.dtype, adjoint.dtype, forward.device.type) == (dtype, dtype, device.type)
    assert_close(forward.cpu(), matrix @ model.double(), tolerance)
    assert_close(adjoint.cpu(), matrix.T @ data.double(), tolerance)


@on_every_case
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=str)
def test_adjoint_identity(name, dtype, tolerance, device):
    engine = Toeplitz(CASES[name].geometry(), device, dtype)
    data, model = (random(n, seed, device, dtype) for seed, n in enumerate(engine.shape))
    forward, adjoint = engine.forward(model).double(), engine.adjoint(data).double()
    one, other = torch.dot(forward, data.double()), torch.dot(adjoint, model.double())
    assert abs(one - other) <= tolerance * forward.norm() * data.double().norm()


def test_products_leave_what_they_are_given_alone(device):
    engine = Toeplitz(CASES["magnetized"].geometry(), device, torch.float64)
    data, model = (random(n, seed, device) for seed, n in enumerate(engine.shape))
    before = [data.clone(), model.clone()]
    engine.forward(model), engine.adjoint(data), engine.squared_columns(data[:, None])
    assert torch.equal(before[0], data)
    assert torch.equal(before[1], model)


@pytest.mark.parametrize("name", ["two groups", "magnetized"])
def test_dense_is_the_matrix(name, oracle, device):
    dense = Toeplitz(CASES[name].geometry(), device, torch.float64).dense()
    np.testing.assert_allclose(dense, oracle(name).numpy(), rtol=1e-12)


@pytest.mark.parametrize("at_once", [1, 40_000])
def test_parts_of_any_size_give_the_same(at_once, oracle, device, monkeypatch):
    monkeypatch.setattr("simpeg_jointdl.potential_fields.engines._toeplitz._CPU_BYTES", at_once)
    engine = Toeplitz(CASES["vector blocks"].geometry(), device, torch.float64)
    matrix = oracle("vector blocks")
    model = random(matrix.shape[1], 0)
    assert_close(engine.forward(model.to(device)).cpu(), matrix @ model, 1e-12)
    squares = engine.squared_columns(torch.ones(len(matrix), 1, dtype=torch.float64))
    assert_close(squares.cpu(), matrix.square().sum(dim=0), 1e-12)


# squares ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "k"), [*((name, 1) for name in CASES), *((name, 3) for name in THREE)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_squared_columns_are_exact_in_either_type(name, k, dtype, oracle, device):
    matrix = oracle(name)
    coefficients = random(len(matrix), 5).reshape(-1, k)
    joined = (coefficients[:, :, None] * matrix.reshape(*coefficients.shape, -1)).sum(dim=1)
    squares = Toeplitz(CASES[name].geometry(), device, dtype).squared_columns(coefficients.to(device))
    assert squares.dtype == torch.float64
    assert_close(squares.cpu(), joined.square().sum(dim=0), 1e-7 if "file" in name else 1e-10)


def test_squares_are_not_negative(device):
    """Where a receiver sees nothing, as gxy north of it, what is left is round-off."""
    engine = Toeplitz(Case([grid(offset=(25, 20))], [gravity("gxy")]).geometry(), device, torch.float64)
    weights = torch.eye(engine.shape[0], 1, dtype=torch.float64)
    assert (engine.squared_columns(weights) >= 0).all()


@pytest.mark.parametrize("shape", [(60,), (30, 2), (12, 5), (59, 1), (10, 3)])
def test_coefficients_that_do_not_fit_the_rows_are_refused(shape, device):
    engine = Toeplitz(CASES["gravity and gradients"].geometry(), device, torch.float64)
    assert engine.shape[0] == 60
    with pytest.raises(ValueError, match=r"60 rows, \[3\] components .* wanted \(n_rows / k, k\)"):
        engine.squared_columns(torch.ones(shape, dtype=torch.float64))


# memory -------------------------------------------------------------------------------------------------
def test_what_is_held_is_what_the_transforms_need(device):
    """Receivers of any count see the cells through one kernel a layer, complex numbers of half the offsets."""
    geometry = Case([grid(5, 4)]).geometry()
    engine = Toeplitz(geometry, device, torch.float32)
    n_x, n_y = 10, 8  # 6 + 5 - 1, 5 + 4 - 1: fast already
    assert engine.n_bytes == 3 * (n_x // 2 + 1) * n_y * 8 + geometry.n_rows * 4
    assert engine.name == "toeplitz"


def test_spacing_costs_kernels_only_for_places_within_a_cell(device):
    geometries = [Case([times(x, 1, nx=4)]).geometry() for x in (1, 3, 1 / 2, 3 / 4)]
    counts = [Toeplitz(one, device, torch.float32)._kernels.shape[1] for one in geometries]
    assert counts == [1, 1, 2, 4]


# refusals -----------------------------------------------------------------------------------------------
def scattered(n):
    return grid(1, 1) + np.random.default_rng(7).uniform(0, 200, (n, 3)) * [1, 1, 0]


def draped():
    return grid() + np.outer(np.arange(len(grid())), [0, 0, 0.5])


REFUSED = {
    "cells of other widths": (Case(padding=333.0), "cells of the box differ in width along x, from 50 to 333 m"),
    "every receiver at its own height": (
        Case([grid(), draped()], [gravity("gz")] * 2),
        "receivers of group 2 have 20 distinct heights; at most 8",
    ),
    "a spacing that does not fit": (
        Case([grid(30, 4, spacing=(37.0, 40.0))]),
        "receiver spacing 37 m of group 1 along x is neither a multiple nor a simple fraction of the cell width 50 m",
    ),
    "a spacing that does not fit, with gaps": (
        Case([grid(5, 30, spacing=(50.0, 33.3))[7:]]),
        "receiver spacing 33.3 m of group 1 along y is neither",
    ),
    "no grid": (Case([grid(), scattered(40)], [gravity("gz")] * 2), "group 2 are not on a regular grid along x"),
    "no grid, of few": (Case([scattered(6)]), "group 1 are not on a regular grid: each of 6 needs a kernel"),
    "a receiver gone astray": (
        Case([np.vstack([grid(), grid(1, 1, offset=(50013.0, 39929.0))])]),
        "kernels would hold .* times the numbers of the matrix",
    ),
}


@pytest.mark.parametrize(("case", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_served_is_refused_with_its_reason(case, reason, device):
    geometry = case.geometry()
    assert toeplitz_reason(geometry)
    with pytest.raises(ValueError, match=rf"'toeplitz' cannot be used .*{reason}.*engine='dense' or 'blocked'"):
        Toeplitz(geometry, device, torch.float64)


def test_a_tree_mesh_is_refused():
    mesh = TreeMesh([np.full(8, 10.0)] * 3)
    mesh.refine(2)
    geometry = Geometry(mesh, np.ones(mesh.n_cells, dtype=bool), [Stations(grid(), gravity("gz"))])
    assert toeplitz_reason(geometry) == "the mesh is a tree mesh"


@on_every_case
def test_what_can_be_served_has_no_reason_against_it(name):
    assert toeplitz_reason(CASES[name].geometry()) is None
