"""Layered earth: impedances of SimPEG, closed forms, scaling laws, and exact derivatives."""

import math

import numpy as np
import pytest
import torch
from simpeg.electromagnetics.natural_source import Simulation1DRecursive

from simpeg_jointdl.kernels import (
    MU_0,
    _layered_earth,
    layered_impedance,
    layered_impedance_derivatives,
    layered_sounding,
)

FREQUENCIES = np.geomspace(1e-4, 1e4, 9)


def columns(n=6, n_layers=12, seed=0, decades=(-4.0, 1.0)):
    """Random conductivities (S/m) and thicknesses (m)."""
    rng = np.random.default_rng(seed)
    return 10.0 ** rng.uniform(*decades, (n, n_layers)), 10.0 ** rng.uniform(0.0, 3.0, (n, n_layers - 1))


def tensors(*arrays, dtype=torch.float64):
    return [torch.as_tensor(array, dtype=dtype) for array in arrays]


def impedance(frequencies, conductivity, thicknesses, **options):
    return layered_impedance(*tensors(frequencies, conductivity, thicknesses, **options)).numpy()


def derivatives(frequencies, conductivity, thicknesses, **options):
    return [part.numpy() for part in layered_impedance_derivatives(*tensors(frequencies, conductivity, thicknesses))]


def of_simpeg(conductivity, thicknesses):
    """Impedance by SimPEG, whose arrays and z axis run from the bottom up, which changes the sign."""
    recursion = Simulation1DRecursive()._get_recursive_impedances_deriv
    parts = [recursion(FREQUENCIES, h[::-1], s[::-1]) for s, h in zip(conductivity, thicknesses, strict=True)]
    z, by_sigma, by_h = (np.stack(part) for part in zip(*parts, strict=True))
    return -z, -by_sigma[..., ::-1].swapaxes(1, 2), -by_h[..., ::-1].swapaxes(1, 2)


def test_a_sounding_is_computed_from_the_impedance():
    conductivity, thicknesses = columns()
    z = impedance(FREQUENCIES, conductivity, thicknesses)
    resistivity, phase = layered_sounding(*tensors(FREQUENCIES, conductivity, thicknesses))
    np.testing.assert_allclose(resistivity, np.abs(z) ** 2 / (2 * np.pi * FREQUENCIES * MU_0))
    np.testing.assert_allclose(phase, np.angle(z))
    resistivity, phase = layered_sounding(*tensors(FREQUENCIES, [0.02], []))
    np.testing.assert_allclose(resistivity, 50.0)
    np.testing.assert_allclose(phase, np.pi / 4)


# against others -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("n_layers", [2, 12, 40])
def test_agrees_with_simpeg(n_layers):
    conductivity, thicknesses = columns(n_layers=n_layers)
    wanted = of_simpeg(conductivity, thicknesses)
    found = derivatives(FREQUENCIES, conductivity, thicknesses)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-10)
    for part, right, x in zip(found[1:], wanted[1:], (conductivity, thicknesses), strict=True):
        error = np.abs(x[..., None] * (part - right)).max(axis=1)  # by the logarithm, in ohm
        np.testing.assert_array_less(error, 1e-10 * np.abs(wanted[0]))
    np.testing.assert_allclose(impedance(FREQUENCIES, conductivity, thicknesses), wanted[0], rtol=1e-10)


def test_half_space():
    found = impedance(FREQUENCIES, [0.01], [])
    np.testing.assert_allclose(found, np.sqrt(2j * np.pi * FREQUENCIES * MU_0 / 0.01), rtol=1e-14)
    np.testing.assert_allclose(np.angle(found), np.pi / 4.0, rtol=1e-14)


def test_equal_layers_are_a_half_space():
    conductivity, thicknesses = np.full(40, 0.01), np.geomspace(1e-3, 1e5, 39)
    np.testing.assert_allclose(impedance(FREQUENCIES, conductivity, thicknesses), impedance(FREQUENCIES, [0.01], []))


def test_two_layers():
    top, below, h = 0.3, 1e-3, 40.0
    alpha = np.sqrt(2j * np.pi * FREQUENCIES * MU_0 * top)
    r = (math.sqrt(top) - math.sqrt(below)) / (math.sqrt(top) + math.sqrt(below))
    gamma = r * np.exp(-2.0 * alpha * h)
    found = impedance(FREQUENCIES, [top, below], [h])
    np.testing.assert_allclose(found, alpha / top * (1.0 + gamma) / (1.0 - gamma), rtol=1e-12)


# laws ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("s", [1e-3, 0.2, 50.0])
def test_scaling_depths_by_s_scales_frequencies_by_one_over_s_squared(s):
    conductivity, thicknesses = columns()
    found = impedance(FREQUENCIES / s**2, conductivity, s * thicknesses)
    np.testing.assert_allclose(found, impedance(FREQUENCIES, conductivity, thicknesses) / s, rtol=1e-12)


@pytest.mark.parametrize("c", [1e-3, 0.2, 50.0])
def test_scaling_resistivities_by_c_scales_frequencies_by_c(c):
    conductivity, thicknesses = columns()
    found = impedance(c * FREQUENCIES, conductivity / c, thicknesses)
    np.testing.assert_allclose(found, c * impedance(FREQUENCIES, conductivity, thicknesses), rtol=1e-12)


def test_a_split_layer_equals_the_whole_layer():
    conductivity, thicknesses = columns()
    twice = impedance(
        FREQUENCIES,
        np.insert(conductivity, 4, conductivity[:, 4], axis=1),
        np.insert(0.7 * thicknesses * (np.arange(11) == 4) + thicknesses * (np.arange(11) != 4), 4, 0.0, axis=1)
        + 0.3 * np.insert(thicknesses, 4, thicknesses[:, 4], axis=1) * (np.arange(12) == 4),
    )
    np.testing.assert_allclose(twice, impedance(FREQUENCIES, conductivity, thicknesses), rtol=1e-12)


def test_apparent_resistivity_and_phase_stay_in_the_first_quadrant():
    conductivity, thicknesses = columns(n=40, n_layers=30, decades=(-6.0, 3.0))
    found = impedance(FREQUENCIES, conductivity, thicknesses)
    assert (found.real > 0.0).all()
    assert (found.imag > 0.0).all()


def test_derivatives_obey_the_scaling_laws():
    """Both scaling laws of Z(f, σ, h): σ·∂Z/∂σ - f·∂Z/∂f = -Z and h·∂Z/∂h - 2f·∂Z/∂f = -Z."""
    conductivity, thicknesses = columns()
    z, by_sigma, by_h = derivatives(FREQUENCIES, conductivity, thicknesses)
    sigma_part = (conductivity[..., None] * by_sigma).sum(1)
    h_part = (thicknesses[..., None] * by_h).sum(1)
    np.testing.assert_allclose(2.0 * sigma_part - h_part, -z, rtol=1e-11)


# extremes -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_thick_layer_hides_what_is_below(dtype):
    alone = impedance(FREQUENCIES, [1e-2], [], dtype=dtype)
    rtol = 1e-14 if dtype == torch.float64 else 1e-6
    for below in (1e-8, 1e6):
        np.testing.assert_allclose(impedance(FREQUENCIES, [1e-2, below], [1e9], dtype=dtype), alone, rtol=rtol)


def test_a_thin_layer_acts_by_its_conductance():
    """Thin sheet of Price: 1/Z = 1/Z_below + σ h, up to second order in the thickness."""
    z = impedance(FREQUENCIES, [10.0, 1e-3], [1e-5])
    below = impedance(FREQUENCIES, [1e-3], [])
    np.testing.assert_allclose(1.0 / z - 1.0 / below, 10.0 * 1e-5, rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_over_a_perfect_conductor_a_layer_is_an_inductance(dtype):
    """Z = iωμh, which is lost if the tanh is not accurate to its last digits."""
    f = np.geomspace(1e-4, 1.0, 5)
    found = impedance(f, [1e-8, 1e18], [1.0], dtype=dtype)
    np.testing.assert_allclose(found.imag, 2.0 * np.pi * f * MU_0, rtol=1e-4)


def test_extreme_layers_are_finite_in_float64_and_float32():
    rng = np.random.default_rng(3)
    conductivity = 10.0 ** rng.uniform(-6.0, 8.0, (200, 20))  # 1e-8 to 1e6 ohm m
    thicknesses = 10.0 ** rng.uniform(-3.0, 6.0, (200, 19))
    exact = [part for part in layered_impedance_derivatives(*tensors(FREQUENCIES, conductivity, thicknesses))]
    assert all(torch.isfinite(part).all() for part in exact)
    rough = layered_impedance_derivatives(*tensors(FREQUENCIES, conductivity, thicknesses, dtype=torch.float32))
    assert all(torch.isfinite(part).all() for part in rough)
    assert rough[0].dtype == torch.complex64
    assert ((rough[0] - exact[0]).abs() / exact[0].abs()).max() < 2e-5


def test_error_of_float32():
    arrays = FREQUENCIES, *columns(n=200, n_layers=40)
    exact = impedance(*arrays)
    assert (np.abs(impedance(*arrays, dtype=torch.float32) - exact) / np.abs(exact)).max() < 1e-5
    rough = layered_impedance_derivatives(*tensors(*arrays, dtype=torch.float32))[1].numpy()
    right = derivatives(*arrays)[1]
    weight = arrays[1][..., None]
    error = np.abs(weight * (rough - right)).max(1) / np.abs(weight * right).max(1)
    assert error.max() < 2e-5


# derivatives --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("largest", [1e-3, 1e3])  # m; thin layers use a series, thick ones the closed form
def test_derivatives_are_those_of_autograd(largest):
    conductivity, thicknesses = columns(n_layers=6)
    f, s, h = tensors(FREQUENCIES, conductivity, np.minimum(thicknesses, largest))
    z, by_sigma, by_h = layered_impedance_derivatives(f, s, h)
    s.requires_grad_()
    h.requires_grad_()
    value = layered_impedance(f, s, h)
    torch.testing.assert_close(value, z, rtol=1e-14, atol=0.0)
    for k in range(len(f)):
        for part, pick in ((value.real, torch.real), (value.imag, torch.imag)):
            grads = torch.autograd.grad(part[:, k].sum(), (s, h), retain_graph=True)
            for found, grad, x in zip((by_sigma, by_h), grads, (s, h), strict=True):
                scale = (found[..., k].abs() * x).max().item()  # in units of the logarithm
                torch.testing.assert_close(pick(found[..., k]) * x, grad * x, rtol=1e-9, atol=1e-11 * scale)


def test_derivatives_are_the_limit_of_differences():
    conductivity, thicknesses = columns(n_layers=6)
    _, by_sigma, by_h = derivatives(FREQUENCIES, conductivity, thicknesses)
    rng = np.random.default_rng(0)
    ds, dh = (x * rng.standard_normal(x.shape) for x in (conductivity, thicknesses))
    slope = (by_sigma * ds[..., None]).sum(1) + (by_h * dh[..., None]).sum(1)
    errors = []
    for step in 10.0 ** -np.arange(2.0, 5.0):
        ahead, back = (impedance(FREQUENCIES, conductivity + t * ds, thicknesses + t * dh) for t in (step, -step))
        errors.append(np.abs((ahead - back) / (2.0 * step) - slope).max())
    np.testing.assert_allclose(np.log10(np.array(errors[:-1]) / errors[1:]), 2.0, atol=0.1)


@pytest.mark.parametrize("h", [1e-6, 1e-2, 30.0, 1e3])
def test_derivatives_far_smaller_than_their_terms_keep_their_digits(h):
    """A layer over a conductor, where ∂Z/∂σ is of third order in the thickness; compared with 60 digits."""
    mp = pytest.importorskip("mpmath")
    f, s, below = 3.0, 0.05, 1e15
    with mp.workdps(60):

        def of_conductivity(sigma):
            w = [mp.sqrt(2j * mp.pi * f * mp.mpf(MU_0) / x) for x in (sigma, below)]
            t = mp.tanh(w[0] * sigma * mp.mpf(h))
            return w[0] * (w[1] + w[0] * t) / (w[0] + w[1] * t)

        wanted = complex(mp.diff(of_conductivity, mp.mpf(s)))
    found = derivatives([f], [s, below], [h])[1][0, 0]
    assert abs(found - wanted) < 1e-11 * abs(wanted)


def test_derivatives_by_thickness_can_be_left_out():
    arrays = tensors(FREQUENCIES, *columns())
    z, by_sigma, nothing = layered_impedance_derivatives(*arrays, by_thickness=False)
    wanted = layered_impedance_derivatives(*arrays)
    assert nothing is None
    assert torch.equal(z, wanted[0])
    assert torch.equal(by_sigma, wanted[1])


# shapes -------------------------------------------------------------------------------------------------
def test_leading_axes_broadcast():
    rng = np.random.default_rng(0)
    f = 10.0 ** rng.uniform(-2, 2, (4, 1, 5))
    s, h = 10.0 ** rng.uniform(-4, 0, (3, 7)), 10.0 ** rng.uniform(0, 3, (4, 3, 6))
    z, by_sigma, by_h = derivatives(f, s, h)
    assert (z.shape, by_sigma.shape, by_h.shape) == ((4, 3, 5), (4, 3, 7, 5), (4, 3, 6, 5))
    np.testing.assert_array_equal(impedance(f, s, h), z)
    for i in range(4):
        for j in range(3):
            for found, one in zip((z, by_sigma, by_h), derivatives(f[i, 0], s[j], h[i, j]), strict=True):
                np.testing.assert_allclose(found[i, j], one, rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (1,), (2, 0), (2, 3)])
def test_one_layer_and_empty_batches(shape):
    f, s, h = (torch.ones(*shape, n, dtype=torch.float64) for n in (2, 3, 2))
    parts = layered_impedance_derivatives(f, s, h)
    assert [part.shape for part in parts] == [(*shape, 2), (*shape, 3, 2), (*shape, 2, 2)]
    assert layered_impedance(f, s, h).shape == (*shape, 2)
    assert layered_impedance(f, s[..., :1], h[..., :0]).shape == (*shape, 2)


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
def test_computing_in_pieces_changes_nothing(own, monkeypatch):
    conductivity, thicknesses = columns(n=23)
    f = np.outer(np.arange(1, 24), FREQUENCIES) if own else FREQUENCIES
    whole = derivatives(f, conductivity, thicknesses if own else thicknesses[0])
    monkeypatch.setitem(_layered_earth._PIECE, "cpu", 40)
    in_parts = derivatives(f, conductivity, thicknesses if own else thicknesses[0])
    for one, other in zip(whole, in_parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)
