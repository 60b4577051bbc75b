"""Magnetotelluric U-Net: scaling laws, any frequencies, missing data, errors, and the weights of the package."""

import math

import numpy as np
import pytest
import torch

from simpeg_jointdl import datasets, networks
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.kernels import MU_0
from simpeg_jointdl.networks.mt1d import sample_soundings
from simpeg_jointdl.networks.mt1d._samples import simulate

F = np.logspace(-2, 3, 31)
SMALL = {"widths": (8, 16), "n_nodes": 32, "n_hidden": 32, "n_components": 2}


@pytest.fixture(params=["wide", "published"])
def network(request):
    return make_network(request.param)


def make_network(design="wide"):
    """Return a network with random weights, since the initial ones give only the Niblett-Bostick transform."""
    network = networks.MT1DUNet(design, **SMALL, random_seed=3).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for weight in network.parameters():
        weight += 0.05 * torch.randn(weight.shape, generator=generator)
    return network


def make_data(n=4, design="wide", frequencies=F, noise=0.0):
    """Return apparent resistivity (ohm m) and phase (degrees) of random models, (n, n_frequencies)."""
    model = synthetic.sample_layered_earth(n, design, random_seed=5)
    log_frequency = torch.log10(torch.as_tensor(frequencies)).expand(n, -1)
    resistivity, phase = simulate(model, synthetic.layer_thicknesses(design), log_frequency)
    rng = np.random.default_rng(7)
    resistivity = 10.0 ** resistivity.numpy() * np.exp(2 * noise * rng.standard_normal(resistivity.shape))
    return resistivity, np.degrees(phase.numpy() + noise * rng.standard_normal(phase.shape))


# predictions and layers ---------------------------------------------------------------------------------------------
def test_predictions_have_one_value_per_station_and_layer(network):
    resistivity, phase = make_data()
    predicted = network.predict(F, resistivity, phase)
    assert predicted.shape == (4, 40)
    assert predicted.dtype == np.float64
    assert (predicted > 0).all()
    assert network.thicknesses.shape == (39,)
    assert network.predict(F, resistivity[0], phase[0]).shape == (1, 40)


def test_the_layers_are_those_of_the_design():
    published, wide = (networks.MT1DUNet(design, **SMALL).thicknesses for design in ("published", "wide"))
    np.testing.assert_allclose(published[[0, -1]], [21.0, 20.0 + 10.0 ** (0.057 * 38)])
    assert published.sum() == pytest.approx(1964.4, abs=0.1)
    np.testing.assert_allclose(wide, 20.0 * 1.2 ** np.arange(39))


def test_the_same_seed_gives_the_same_weights():
    one, two = (networks.MT1DUNet(**SMALL, random_seed=4).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_an_untrained_network_gives_the_niblett_bostick_transform():
    over_half_space = networks.MT1DUNet(**SMALL).predict(F, np.full(F.size, 30.0), np.full(F.size, 45.0))
    np.testing.assert_allclose(over_half_space, 30.0, rtol=1e-4)


# scaling laws and missing data --------------------------------------------------------------------------
@pytest.mark.parametrize("factor", [0.03, 7.0])
def test_depths_scale_with_frequencies(network, factor):
    resistivity, phase = make_data()
    scaled = network.scaled(factor)
    np.testing.assert_allclose(scaled.thicknesses, factor * network.thicknesses)
    one, two = network.predict(F, resistivity, phase), scaled.predict(F / factor**2, resistivity, phase)
    np.testing.assert_allclose(two, one, rtol=1e-3)  # float32
    np.testing.assert_allclose(scaled.scaled(1.0 / factor).thicknesses, network.thicknesses)


def test_resistivities_scale_with_frequencies():
    network, (resistivity, phase) = make_network("wide"), make_data()
    one, two = network.predict(F, resistivity, phase), network.predict(500.0 * F, 500.0 * resistivity, phase)
    np.testing.assert_allclose(two, 500.0 * one, rtol=1e-3)


def test_the_order_of_frequencies_and_stations_does_not_matter(network):
    resistivity, phase = make_data()
    order, rows = np.random.default_rng(0).permutation(F.size), [2, 0, 3, 1]
    one = network.predict(F, resistivity, phase)
    two = network.predict(F[order], resistivity[rows][:, order], phase[rows][:, order])
    np.testing.assert_allclose(two, one[rows], rtol=1e-4)


def test_a_missing_point_equals_one_that_was_not_measured(network):
    resistivity, phase = make_data()
    kept = np.ones(F.size, bool)
    kept[[0, 4, 5, 20]] = False
    gaps, lost = resistivity.copy(), phase.copy()
    gaps[:, [0, 4]], lost[:, [5, 20]] = np.nan, np.nan
    one, two = network.predict(F[kept], resistivity[:, kept], phase[:, kept]), network.predict(F, gaps, lost)
    np.testing.assert_allclose(two, one, rtol=1e-4)


def test_a_point_with_a_huge_error_hardly_matters(network):
    resistivity, phase = make_data()
    error = np.full(resistivity.shape, 0.02) * resistivity
    one = network.predict(F, resistivity, phase, apparent_resistivity_error=error)
    spoilt, error = resistivity.copy(), error.copy()
    spoilt[:, 10] *= 1.2
    error[:, 10] *= 1e4
    two = network.predict(F, spoilt, phase, apparent_resistivity_error=error)
    np.testing.assert_allclose(np.log10(two), np.log10(one), atol=0.05)


def test_stations_may_have_their_own_frequencies(network):
    resistivity, phase = make_data(2)
    each = np.stack([F, F[::-1]])
    together = network.predict(
        each, np.stack([resistivity[0], resistivity[1][::-1]]), np.stack([phase[0], phase[1][::-1]])
    )
    np.testing.assert_allclose(together, network.predict(F, resistivity, phase), rtol=1e-4)


def test_errors_may_be_those_of_either_datum(network):
    resistivity, phase = make_data()
    one = network.predict(F, resistivity, phase, apparent_resistivity_error=0.1 * resistivity)
    np.testing.assert_allclose(network.predict(F, resistivity, phase, phase_error=np.degrees(0.05)), one, rtol=1e-5)
    np.testing.assert_allclose(network.predict(F, resistivity, phase), one, rtol=1e-5)  # 5 % by default


def test_many_stations_are_evaluated_in_batches(network, monkeypatch):
    from simpeg_jointdl.networks.mt1d import _network

    resistivity, phase = make_data(7)
    one = network.predict(F, resistivity, phase)
    monkeypatch.setattr(_network, "_BATCH", 3)
    np.testing.assert_allclose(network.predict(F, resistivity, phase), one, rtol=1e-5)


def test_every_parameter_has_a_gradient(network):
    network.requires_grad_(True)
    _, soundings = sample_soundings(16, network.design, torch.Generator().manual_seed(0))
    sum(part.sum() for part in network(soundings)).backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())


def test_the_arrays_of_the_caller_are_not_changed(network):
    resistivity, phase = make_data()
    resistivity[0, 3] = np.nan
    copies = resistivity.copy(), phase.copy()
    network.predict(F, resistivity, phase)
    np.testing.assert_array_equal(resistivity, copies[0])
    np.testing.assert_array_equal(phase, copies[1])


# objects with soundings -------------------------------------------------------------------------------------
def test_soundings_and_data_of_simpeg_agree_with_arrays(network):
    resistivity, phase = make_data(3)
    resistivity[1, 4] = phase[1, 4] = np.nan
    errors = {"apparent_resistivity_error": 0.06 * resistivity, "phase_error": np.degrees(0.03 + 0.0 * phase)}
    names, locations = ["A", "B", "C"], 1e3 * np.eye(3)
    soundings = datasets.MTSoundings(names, locations, F, resistivity, phase, *errors.values())
    one = network.predict(F, resistivity, phase, **errors)
    np.testing.assert_allclose(network.predict(soundings), one, rtol=1e-5)
    np.testing.assert_allclose(network.predict(soundings.to_simpeg()), one, rtol=1e-4)
    np.testing.assert_allclose(network.posterior(soundings).mean(), one, rtol=1e-5)


def test_impedance_tensors_are_reduced_to_their_determinant(network):
    resistivity, phase = make_data(2)
    absolute = np.sqrt(resistivity * 2 * np.pi * F * MU_0)
    impedance = np.zeros((2, F.size, 2, 2), complex)
    impedance[..., 0, 1] = absolute * np.exp(1j * np.radians(phase))
    impedance[..., 1, 0] = -impedance[..., 0, 1]
    error = np.broadcast_to(0.001 * absolute[..., None, None], impedance.shape)
    stations = datasets.MTStations(["A", "B"], 1e3 * np.eye(3)[:2], F, impedance, error)
    np.testing.assert_allclose(network.predict(stations), network.predict(F, resistivity, phase), rtol=1e-2)


def test_errors_that_soundings_do_not_have_are_five_percent(network):
    resistivity, phase = make_data(2)
    soundings = datasets.MTSoundings(["A", "B"], 1e3 * np.eye(3)[:2], F, resistivity, phase)
    np.testing.assert_allclose(network.predict(soundings), network.predict(F, resistivity, phase), rtol=1e-5)


def test_arrays_and_soundings_together_are_refused():
    resistivity, phase = make_data(1)
    soundings = datasets.MTSoundings(["A"], [[0.0, 0.0, 0.0]], F, resistivity, phase)
    with pytest.raises(TypeError, match="got MTSoundings and arrays as well"):
        make_network().predict(soundings, resistivity, phase)
    with pytest.raises(TypeError, match="no apparent_resistivity or phase"):
        make_network().predict(F, resistivity)


# uncertainty --------------------------------------------------------------------------------------------
def test_the_posterior_is_a_distribution(network):
    resistivity, phase = make_data()
    posterior = network.posterior(F, resistivity, phase)
    bands = posterior.quantiles((0.05, 0.5, 0.95))
    assert bands.shape == (3, 4, 40)
    assert (np.diff(bands, axis=0) > 0).all()
    np.testing.assert_allclose(posterior.cdf(bands[2]), 0.95, atol=1e-6)
    np.testing.assert_allclose(posterior.cdf(bands[0]), 0.05, atol=1e-6)
    np.testing.assert_allclose(posterior.quantiles(0.5), bands[1])
    np.testing.assert_array_equal(posterior.mean(), network.predict(F, resistivity, phase))
    assert posterior.cdf(1e9).min() > 0.999
    assert posterior.std().min() > 0


def test_moments_agree_with_those_of_samples():
    log_weights = torch.log(torch.tensor([0.2, 0.5, 0.3])).reshape(1, 3, 1)
    means, deviations = torch.tensor([0.0, 1.0, 3.0]).reshape(1, 3, 1), torch.tensor([0.1, 0.5, 0.2]).reshape(1, 3, 1)
    posterior = networks.LayerPosterior(log_weights, means, deviations.log())
    rng = np.random.default_rng(0)
    which = rng.choice(3, size=200_000, p=[0.2, 0.5, 0.3])
    drawn = rng.normal(np.array([0.0, 1.0, 3.0])[which], np.array([0.1, 0.5, 0.2])[which])
    assert math.log10(posterior.mean()[0, 0]) == pytest.approx(drawn.mean(), abs=0.01)
    assert posterior.std()[0, 0] == pytest.approx(drawn.std(), abs=0.01)
    assert math.log10(posterior.quantiles(0.8)[0, 0]) == pytest.approx(np.quantile(drawn, 0.8), abs=0.02)


# the weights of the package ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("design", "least", "band"), [("published", 0.98, (0.0, 4.0)), ("wide", 0.98, (-3.0, 3.0))])
def test_weights_of_the_package_invert_exact_soundings(design, least, band):
    network = networks.MT1DUNet.from_pretrained(design)
    frequencies = np.logspace(*band, 33)
    resistivity, phase = make_data(300, design, frequencies)
    truth = synthetic.sample_layered_earth(300, design, random_seed=5).numpy()
    squares = (np.log10(network.predict(frequencies, resistivity, phase, phase_error=0.0)) - truth) ** 2
    assert 1.0 - squares.sum() / ((truth - truth.mean()) ** 2).sum() > least
    assert {"command", "data", "metrics", "trained_on", "random_seed"} <= set(network.card)


def test_bands_of_the_package_contain_the_truth():
    network = networks.MT1DUNet.from_pretrained()
    frequencies = np.logspace(-3, 3, 33)
    data = make_data(600, "wide", frequencies, noise=0.04)
    truth = 10.0 ** synthetic.sample_layered_earth(600, "wide", random_seed=5).numpy()
    levels = network.posterior(frequencies, *data, phase_error=np.degrees(0.04)).cdf(truth)
    for part in (0.5, 0.9):
        assert np.mean(np.abs(levels - 0.5) < 0.5 * part) == pytest.approx(part, abs=0.04)
