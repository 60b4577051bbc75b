"""The magnetotelluric U-Net: laws of scale, any frequencies, what is missing, and bad input."""

import logging
import math

import numpy as np
import pytest
import torch

from simpeg_jointdl import datasets, networks
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.kernels import MU_0
from simpeg_jointdl.networks.mt1d._samples import MEASUREMENTS, sample_soundings, simulate

F = np.logspace(-2, 3, 31)
SMALL = {"widths": (8, 16), "n_nodes": 32, "n_hidden": 32, "n_components": 2}


@pytest.fixture(params=["wide", "published"])
def network(request):
    return make_network(request.param)


def make_network(design="wide"):
    """With weights that are not at rest, or all laws would hold for the baseline alone."""
    network = networks.MT1DUNet(design, **SMALL, random_seed=3).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for weight in network.parameters():
        weight += 0.05 * torch.randn(weight.shape, generator=generator)
    return network


def make_data(n=4, design="wide", frequencies=F, noise=0.0):
    """Apparent resistivity (ohm m) and phase (degrees) of random models, (n, n_frequencies)."""
    model = synthetic.sample_layered_earth(n, design, random_seed=5)
    log_frequency = torch.log10(torch.as_tensor(frequencies)).expand(n, -1)
    resistivity, phase = simulate(model, synthetic.layer_thicknesses(design), log_frequency)
    rng = np.random.default_rng(7)
    resistivity = 10.0 ** resistivity.numpy() * np.exp(2 * noise * rng.standard_normal(resistivity.shape))
    return resistivity, np.degrees(phase.numpy() + noise * rng.standard_normal(phase.shape))


# what it is ---------------------------------------------------------------------------------------------
def test_shapes_and_layers(network):
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


def test_before_training_it_is_the_transform_of_niblett_and_bostick():
    over_half_space = networks.MT1DUNet(**SMALL).predict(F, np.full(F.size, 30.0), np.full(F.size, 45.0))
    np.testing.assert_allclose(over_half_space, 30.0, rtol=1e-4)


# laws ---------------------------------------------------------------------------------------------------
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


def test_the_order_of_frequencies_and_stations_means_nothing(network):
    resistivity, phase = make_data()
    order, rows = np.random.default_rng(0).permutation(F.size), [2, 0, 3, 1]
    one = network.predict(F, resistivity, phase)
    two = network.predict(F[order], resistivity[rows][:, order], phase[rows][:, order])
    np.testing.assert_allclose(two, one[rows], rtol=1e-4)


def test_a_missing_point_is_as_if_it_had_not_been(network):
    resistivity, phase = make_data()
    kept = np.ones(F.size, bool)
    kept[[0, 4, 5, 20]] = False
    gaps, lost = resistivity.copy(), phase.copy()
    gaps[:, [0, 4]], lost[:, [5, 20]] = np.nan, np.nan
    one, two = network.predict(F[kept], resistivity[:, kept], phase[:, kept]), network.predict(F, gaps, lost)
    np.testing.assert_allclose(two, one, rtol=1e-4)


def test_a_point_of_huge_error_hardly_counts(network):
    resistivity, phase = make_data()
    error = np.full(resistivity.shape, 0.02) * resistivity
    one = network.predict(F, resistivity, phase, apparent_resistivity_error=error)
    spoilt, error = resistivity.copy(), error.copy()
    spoilt[:, 10] *= 1.2
    error[:, 10] *= 1e4
    two = network.predict(F, spoilt, phase, apparent_resistivity_error=error)
    np.testing.assert_allclose(np.log10(two), np.log10(one), atol=0.05)


def test_stations_may_have_frequencies_of_their_own(network):
    resistivity, phase = make_data(2)
    each = np.stack([F, F[::-1]])
    together = network.predict(
        each, np.stack([resistivity[0], resistivity[1][::-1]]), np.stack([phase[0], phase[1][::-1]])
    )
    np.testing.assert_allclose(together, network.predict(F, resistivity, phase), rtol=1e-4)


def test_errors_may_come_by_either_datum(network):
    resistivity, phase = make_data()
    one = network.predict(F, resistivity, phase, apparent_resistivity_error=0.1 * resistivity)
    np.testing.assert_allclose(network.predict(F, resistivity, phase, phase_error=np.degrees(0.05)), one, rtol=1e-5)
    np.testing.assert_allclose(network.predict(F, resistivity, phase), one, rtol=1e-5)  # 5 % if nothing is said


def test_many_stations_are_taken_in_pieces(network, monkeypatch):
    from simpeg_jointdl.networks.mt1d import _network as _mt1d

    resistivity, phase = make_data(7)
    one = network.predict(F, resistivity, phase)
    monkeypatch.setattr(_mt1d, "_BATCH", 3)
    np.testing.assert_allclose(network.predict(F, resistivity, phase), one, rtol=1e-5)


def test_every_parameter_is_reached(network):
    network.requires_grad_(True)
    _, soundings = sample_soundings(16, network.design, torch.Generator().manual_seed(0))
    sum(part.sum() for part in network(soundings)).backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())


def test_the_caller_s_arrays_are_left_alone(network):
    resistivity, phase = make_data()
    resistivity[0, 3] = np.nan
    copies = resistivity.copy(), phase.copy()
    network.predict(F, resistivity, phase)
    np.testing.assert_array_equal(resistivity, copies[0])
    np.testing.assert_array_equal(phase, copies[1])


# what else it takes -------------------------------------------------------------------------------------
def test_soundings_and_simpeg_s_data_are_the_same_as_arrays(network):
    resistivity, phase = make_data(3)
    resistivity[1, 4] = phase[1, 4] = np.nan
    errors = {"apparent_resistivity_error": 0.06 * resistivity, "phase_error": np.degrees(0.03 + 0.0 * phase)}
    names, locations = ["A", "B", "C"], 1e3 * np.eye(3)
    soundings = datasets.MTSoundings(names, locations, F, resistivity, phase, *errors.values())
    one = network.predict(F, resistivity, phase, **errors)
    np.testing.assert_allclose(network.predict(soundings), one, rtol=1e-5)
    np.testing.assert_allclose(network.predict(soundings.to_simpeg()), one, rtol=1e-4)
    np.testing.assert_allclose(network.posterior(soundings).mean(), one, rtol=1e-5)


def test_impedance_tensors_are_taken_by_their_determinant(network):
    resistivity, phase = make_data(2)
    absolute = np.sqrt(resistivity * 2 * np.pi * F * MU_0)
    impedance = np.zeros((2, F.size, 2, 2), complex)
    impedance[..., 0, 1] = absolute * np.exp(1j * np.radians(phase))
    impedance[..., 1, 0] = -impedance[..., 0, 1]
    error = np.broadcast_to(0.001 * absolute[..., None, None], impedance.shape)
    stations = datasets.MTStations(["A", "B"], 1e3 * np.eye(3)[:2], F, impedance, error)
    np.testing.assert_allclose(network.predict(stations), network.predict(F, resistivity, phase), rtol=1e-2)


def test_errors_that_soundings_do_not_tell_are_five_percent(network):
    resistivity, phase = make_data(2)
    soundings = datasets.MTSoundings(["A", "B"], 1e3 * np.eye(3)[:2], F, resistivity, phase)
    np.testing.assert_allclose(network.predict(soundings), network.predict(F, resistivity, phase), rtol=1e-5)


def test_arrays_or_soundings_but_not_both():
    resistivity, phase = make_data(1)
    soundings = datasets.MTSoundings(["A"], [[0.0, 0.0, 0.0]], F, resistivity, phase)
    with pytest.raises(TypeError, match="got MTSoundings and arrays beside it"):
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


def test_moments_are_those_of_samples():
    log_weights = torch.log(torch.tensor([0.2, 0.5, 0.3])).reshape(1, 3, 1)
    means, deviations = torch.tensor([0.0, 1.0, 3.0]).reshape(1, 3, 1), torch.tensor([0.1, 0.5, 0.2]).reshape(1, 3, 1)
    posterior = networks.LayerPosterior(log_weights, means, deviations.log())
    rng = np.random.default_rng(0)
    which = rng.choice(3, size=200_000, p=[0.2, 0.5, 0.3])
    drawn = rng.normal(np.array([0.0, 1.0, 3.0])[which], np.array([0.1, 0.5, 0.2])[which])
    assert math.log10(posterior.mean()[0, 0]) == pytest.approx(drawn.mean(), abs=0.01)
    assert posterior.std()[0, 0] == pytest.approx(drawn.std(), abs=0.01)
    assert math.log10(posterior.quantiles(0.8)[0, 0]) == pytest.approx(np.quantile(drawn, 0.8), abs=0.02)


# bad input ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequencies": -F}, r"frequencies: the least is -1000, wanted all finite and above 0 Hz"),
        ({"frequencies": 0 * F}, "frequencies: the least is 0"),
        ({"frequencies": F[:-1]}, r"frequencies: got shape \(1, 30\), wanted \(31,\) or \(1, 31\)"),
        ({"apparent_resistivity": np.zeros(31)}, "31 values are not above 0 ohm m, the least is 0"),
        ({"apparent_resistivity": np.full(31, -2.0)}, "pass resistivities, not logarithms"),
        ({"apparent_resistivity": np.full(31, np.nan)}, "1 of 1 stations have no usable frequency: rows 0"),
        ({"apparent_resistivity": np.zeros((2, 2, 2))}, r"got shape \(2, 2, 2\)"),
        ({"phase": np.full(30, 45.0)}, r"phase: got shape \(1, 30\), wanted \(1, 31\)"),
        ({"phase_error": -1.0}, "least standard deviation is -1, wanted none below 0"),
        ({"apparent_resistivity_error": np.ones(7)}, r"got shape \(7,\), wanted one number or \(1, 31\)"),
    ],
)
def test_bad_data(change, message):
    data = {"frequencies": F, "apparent_resistivity": np.full(31, 30.0), "phase": np.full(31, 45.0)} | change
    with pytest.raises(ValueError, match=message):
        make_network().predict(**data)


def test_words_are_no_data():
    with pytest.raises(TypeError, match=r"apparent_resistivity: got str, wanted real numbers"):
        make_network().predict(F, "thirty", np.full(31, 45.0))


def test_phases_of_no_layered_earth_are_left_out_and_said(caplog):
    network, (resistivity, phase) = make_network(), make_data(2)
    phase[0, :3] = -135.0
    gaps = np.where(phase < 0, np.nan, phase)
    with caplog.at_level(logging.WARNING, "simpeg_jointdl"):
        one = network.predict(F, resistivity, phase)
    assert "3 of 62 phases are not between 0 and 90 degrees" in caplog.text
    np.testing.assert_array_equal(one, network.predict(F, resistivity, gaps))


def test_bad_networks():
    with pytest.raises(ValueError, match="n_nodes: got 30, wanted a multiple of 8"):
        networks.MT1DUNet(n_nodes=30)
    with pytest.raises(ValueError, match=r"got the design 'deep', wanted 'wide' or 'published'"):
        networks.MT1DUNet("deep")
    with pytest.raises(ValueError, match=r"scaled.factor: got 0"):
        make_network().scaled(0)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    network = make_network()
    networks.save_weights(path, network, {"architecture": "MT1DUNet", "config": network.config | {"n_hidden": 33}})
    with pytest.raises(ValueError, match="of another shape"):
        networks.MT1DUNet.from_pretrained(path)
    networks.save_weights(path, network, {"architecture": "GeologyVAE", "config": {}})
    with pytest.raises(ValueError, match="weights of 'GeologyVAE', wanted 'MT1DUNet'"):
        networks.MT1DUNet.from_pretrained(path)


def test_weights_of_another_version_are_refused(tmp_path):
    path, network = tmp_path / "later.safetensors", make_network()
    config = network.config | {"attention": True}
    networks.save_weights(path, network, {"architecture": "MT1DUNet", "config": config, "version": "9.9"})
    with pytest.raises(ValueError, match=r"of another version of this network, 9\.9"):
        networks.MT1DUNet.from_pretrained(path)


# samples ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("design", ["wide", "published"])
def test_samples_are_soundings(design):
    model, soundings = sample_soundings(500, design, torch.Generator().manual_seed(0))
    again, _ = sample_soundings(500, design, torch.Generator().manual_seed(0))
    assert torch.equal(model, again)
    low, high = MEASUREMENTS[design].band
    assert soundings.log_frequency.min() >= low - 1e-5
    assert soundings.log_frequency.max() <= high + 1e-5
    assert all(bool(torch.isfinite(part).all()) for part in soundings[:3])
    present = torch.isfinite(soundings.error)
    assert bool(present.any(1).all())
    assert 0.02 < float((soundings.error == 0).any(1).double().mean()) < 0.7


def test_noise_is_what_the_errors_say():
    measurement = MEASUREMENTS["published"]
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    model, noisy = sample_soundings(2000, "published", generators[0], measurement)
    resistivity, phase = simulate(model, synthetic.layer_thicknesses("published").float(), noisy.log_frequency)
    used = torch.isfinite(noisy.error) & (noisy.error > 0)
    for difference in ((noisy.log_resistivity - resistivity) * math.log(10.0) / 2.0, noisy.phase - phase):
        assert float((difference / noisy.error)[used].std()) == pytest.approx(1.0, abs=0.03)


# the weights that ship ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("design", "least", "band"), [("published", 0.98, (0.0, 4.0)), ("wide", 0.98, (-3.0, 3.0))])
def test_weights_that_ship_read_exact_soundings(design, least, band):
    network = networks.MT1DUNet.from_pretrained(design)
    frequencies = np.logspace(*band, 33)
    resistivity, phase = make_data(300, design, frequencies)
    truth = synthetic.sample_layered_earth(300, design, random_seed=5).numpy()
    squares = (np.log10(network.predict(frequencies, resistivity, phase, phase_error=0.0)) - truth) ** 2
    assert 1.0 - squares.sum() / ((truth - truth.mean()) ** 2).sum() > least
    assert {"command", "data", "metrics", "trained_on", "random_seed"} <= set(network.card)


def test_bands_that_ship_hold_the_truth():
    network = networks.MT1DUNet.from_pretrained()
    frequencies = np.logspace(-3, 3, 33)
    data = make_data(600, "wide", frequencies, noise=0.04)
    truth = 10.0 ** synthetic.sample_layered_earth(600, "wide", random_seed=5).numpy()
    levels = network.posterior(frequencies, *data, phase_error=np.degrees(0.04)).cdf(truth)
    for part in (0.5, 0.9):
        assert np.mean(np.abs(levels - 0.5) < 0.5 * part) == pytest.approx(part, abs=0.04)
