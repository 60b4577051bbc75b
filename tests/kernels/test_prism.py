"""Prisms: laws of potentials, values at singular points, and the precision of float32."""

import numpy as np
import pytest
import torch

from simpeg_jointdl.kernels import NODE_FUNCTIONS, cell_values, gather_cells, node_function

LOW, HIGH = (0.0, 0.0, 0.0), (2.0, 3.0, 1.0)  # m
PLACES = {
    "above": (0.7, 1.2, 1.9),
    "beside": (-1.5, 2.1, 0.4),
    "below": (3.1, -0.8, -2.2),
    "inside": (0.6, 1.3, 0.45),
}
ON_FACES = {"x face": (0.0, 1.2, 0.4), "y face": (0.7, 3.0, 0.4), "z face": (0.7, 1.2, 1.0)}
ON_EDGES = {"x edge": (0.7, 0.0, 1.0), "y edge": (2.0, 1.2, 0.0), "z edge": (2.0, 3.0, 0.6)}
AT_VERTICES = {"low vertex": LOW, "high vertex": HIGH}
PROLONGED = {
    "above a node": (0.0, 3.0, 2.5),
    "below a node": (2.0, 0.0, -1.5),
    "east of a node": (3.5, 0.0, 1.0),
    "west of a node": (-1.5, 3.0, 0.0),
    "north of a node": (2.0, 4.5, 1.0),
    "south of a node": (0.0, -1.5, 1.0),
}
SINGULAR = ON_FACES | ON_EDGES | AT_VERTICES

every_derivative = pytest.mark.parametrize("name", NODE_FUNCTIONS)


def places(table):
    return pytest.mark.parametrize("place", table.values(), ids=table)


def on_prism(name, place, device, dtype=torch.float64, low=LOW, high=HIGH):
    """Derivative of the potential of one prism at one point."""
    bounds = np.array([low, high]) - np.asarray(place)  # (2, 3)
    x, y, z = torch.as_tensor(bounds.T, device=device).to(dtype)
    value = cell_values(node_function(name, x[:, None, None], y[:, None], z))
    assert value.shape == (1, 1, 1)
    assert value.dtype == dtype
    return value.item()


def beside(place, axis, distance):
    step = np.zeros(3)
    step["xyz".index(axis)] = distance
    return np.asarray(place) + step


# laws ---------------------------------------------------------------------------------------------------
@places({k: v for k, v in PLACES.items() if k != "inside"})
def test_potential_is_the_volume_integral(place, device):
    nodes, weights = np.polynomial.legendre.leggauss(24)
    points = np.stack(np.meshgrid(*(h * (1 + nodes) / 2 for h in HIGH), indexing="ij"), axis=-1)
    measure = np.einsum("i,j,k->ijk", weights, weights, weights) * np.prod(HIGH) / 8
    wanted = np.sum(measure / np.linalg.norm(points - place, axis=-1))
    assert on_prism("u", place, device) == pytest.approx(wanted, rel=1e-10)


@places(PLACES)
@pytest.mark.parametrize("name", [n for n in NODE_FUNCTIONS if n != "u"])
def test_a_derivative_is_the_difference_of_the_derivative_below_it(name, place, device):
    for i, axis in enumerate(name):
        lower = name[:i] + name[i + 1 :] or "u"
        ahead, behind = (on_prism(lower, beside(place, axis, h), device) for h in (1e-4, -1e-4))
        assert on_prism(name, place, device) == pytest.approx((ahead - behind) / 2e-4, rel=1e-6, abs=1e-6)


SHARE_OF_SPHERE = {**dict.fromkeys(PLACES, 0), "inside": 1, **dict.fromkeys(PROLONGED, 0)}
SHARE_OF_SPHERE |= dict.fromkeys(ON_FACES, 1 / 2) | dict.fromkeys(ON_EDGES, 1 / 4) | dict.fromkeys(AT_VERTICES, 1 / 8)


@pytest.mark.parametrize("where", SHARE_OF_SPHERE)
def test_the_trace_is_minus_the_solid_angle_of_the_body(where, dtype, device):
    place = (PLACES | SINGULAR | PROLONGED)[where]
    trace = sum(on_prism(name, place, device, dtype) for name in ("xx", "yy", "zz"))
    tolerance = 1e-13 if dtype == torch.float64 else 1e-5
    assert trace == pytest.approx(-4 * np.pi * SHARE_OF_SPHERE[where], abs=tolerance)


def test_a_wide_prism_tends_to_the_bouguer_slab(device):
    errors = []
    for half_width in (1e3, 1e4, 1e5):
        low, high = (-half_width, -half_width, -10.0), (half_width, half_width, 0.0)
        attraction = on_prism("z", (0.0, 0.0, 3.0), device, low=low, high=high)
        errors.append(abs(attraction / (-2 * np.pi * 10.0) - 1))
    assert errors[2] < 1e-4
    np.testing.assert_allclose(errors[:2], np.multiply(10, errors[1:]), rtol=0.01)  # like 1 / width


@every_derivative
def test_a_distant_prism_is_a_point_mass(name, device):
    """A derivative of 1/r, in turn the limit of a small cube: cubes of two sizes give it in proportion to volume."""
    place = np.array([3.0, -4.0, 5.0])
    values = [on_prism(name, place, device, low=[-h] * 3, high=[h] * 3) / (2 * h) ** 3 for h in (0.05, 0.1)]
    assert values[0] == pytest.approx(values[1], rel=1e-3, abs=1e-6)


# singular points ----------------------------------------------------------------------------------------
@places(SINGULAR | PROLONGED)
@every_derivative
def test_singular_points_are_finite_and_float32_returns_the_same(name, place, device):
    double, single = (on_prism(name, place, device, dtype) for dtype in (torch.float64, torch.float32))
    assert np.isfinite(double)
    assert single == pytest.approx(double, rel=1e-5, abs=1e-5)


@every_derivative
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("tiny", [1e-15, 1e-22, 1e-30, 1e-42])
def test_next_to_a_vertex_nothing_overflows(name, dtype, tiny, device):
    axis = torch.tensor([-1.0, -tiny, 0.0, tiny, 1.0], device=device, dtype=dtype)
    assert node_function(name, axis[:, None, None], axis[:, None], axis).isfinite().all()


@places(SINGULAR)
@pytest.mark.parametrize("name", ["u", "x", "y", "z"])
def test_potential_and_attraction_are_continuous(name, place, device):
    for direction in ([1, 2, -1], [-2, 1, 3]):
        near = on_prism(name, np.asarray(place) + 1e-9 * np.array(direction), device)
        assert on_prism(name, place, device) == pytest.approx(near, abs=1e-6)


@places(ON_FACES)
def test_on_a_face_a_second_derivative_is_the_mean_of_both_sides(place, device):
    axis = "xyz"[[p in (low, high) for p, low, high in zip(place, LOW, HIGH, strict=True)].index(True)]
    sides = [on_prism(2 * axis, beside(place, axis, h), device) for h in (1e-9, -1e-9)]
    assert abs(sides[0] - sides[1]) == pytest.approx(4 * np.pi, abs=1e-6)
    assert on_prism(2 * axis, place, device) == pytest.approx(np.mean(sides), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "place", "outward"),
    [("xy", (2.0, 3.0, 0.6), (1, 1, 0)), ("yz", (0.5, 0.0, 1.0), (0, -1, 1)), ("xz", (0.0, 1.2, 1.0), (-1, 0, 1))],
)
def test_on_an_edge_a_mixed_derivative_lacks_only_its_logarithm(name, place, outward, device):
    distance = 1e-6
    near = on_prism(name, place + distance * np.array(outward) / np.sqrt(2), device)
    infinite = -2 * np.log(distance) * np.prod([o for o in outward if o])
    assert on_prism(name, place, device) == pytest.approx(near - infinite, abs=1e-4)


@places(PROLONGED)
@every_derivative
@pytest.mark.parametrize("distance", [1e-16, 1e-13, 1e-10, 1e-7])
def test_derivatives_are_smooth_on_the_extension_of_an_edge(name, place, distance, device):
    """Receivers above nodes miss the extension by round-off, where geoana's gradients of b are wrong by 0.3 %."""
    near = on_prism(name, np.asarray(place) + distance * np.array([1.0, -1.0, 1.0]), device)
    assert on_prism(name, place, device) == pytest.approx(near, rel=1e-6, abs=1e-6)


# accuracy -----------------------------------------------------------------------------------------------
@every_derivative
@pytest.mark.parametrize("distance", [1.0, 10.0, 100.0])
def test_float32_has_the_error_that_its_docstring_states(name, distance, device):
    """At a distance of 100 cells the error is larger than most values."""
    order = len(name.removeprefix("u"))
    places = np.random.default_rng(0).normal(size=(100, 3))
    places *= distance / np.linalg.norm(places, axis=1, keepdims=True)
    double, single = (
        np.array([on_prism(name, place, device, dtype, low=[-0.5] * 3, high=[0.5] * 3) for place in places])
        for dtype in (torch.float64, torch.float32)
    )
    to_bound = np.sort(abs(abs(places) - 0.5), axis=1)  # along each axis, the nearest two first
    to_line = np.hypot(to_bound[:, 0], to_bound[:, 1])  # through the nearest edge
    scale = distance ** (2 - order) * (1 + np.log(distance)) + abs(double) + (order == 3) / to_line
    assert (abs(single - double) <= 25 * torch.finfo(torch.float32).eps * scale).all()


@every_derivative
def test_translation_changes_nothing(name, device):
    shift = np.array([4.5e5, 7.5e6, -300.0])  # m, as in a projected system
    place = PLACES["above"]
    moved = on_prism(name, place + shift, device, low=LOW + shift, high=HIGH + shift)
    assert moved == pytest.approx(on_prism(name, place, device), rel=1e-7, abs=1e-7)


# cells --------------------------------------------------------------------------------------------------
def test_gathered_cells_equal_the_cells_of_a_grid(dtype, device):
    shape = (4, 3, 5)  # z, y, x: x fastest
    values = torch.randn(2, *(n + 1 for n in shape), generator=torch.Generator().manual_seed(0)).to(device, dtype)
    nodes = torch.arange(values[0].numel(), device=device).reshape(values[0].shape)
    corners = [nodes[k : k + 4, j : j + 3, i : i + 5].reshape(-1) for k in (0, 1) for j in (0, 1) for i in (0, 1)]
    gathered = gather_cells(values.reshape(2, -1), torch.stack(corners, dim=1))
    torch.testing.assert_close(gathered.reshape(2, *shape), cell_values(values))


def test_two_halves_sum_to_the_whole(device):
    for name in NODE_FUNCTIONS:
        lower = on_prism(name, PLACES["beside"], device, high=(2.0, 3.0, 0.3))
        upper = on_prism(name, PLACES["beside"], device, low=(0.0, 0.0, 0.3))
        assert lower + upper == pytest.approx(on_prism(name, PLACES["beside"], device), rel=1e-10, abs=1e-12)


def test_an_unknown_derivative_is_refused():
    one = torch.ones(1)
    with pytest.raises(ValueError, match=r"node_function\.name: got 'zx', wanted one of 'u', 'x'"):
        node_function("zx", one, one, one)
