"""Bad input of the magnetotelluric U-Net: data, options and weights."""

import logging

import numpy as np
import pytest

from simpeg_jointdl import networks

F = np.logspace(-2, 3, 31)
SMALL = {"widths": (8, 16), "n_nodes": 32, "n_hidden": 32, "n_components": 2}


def make_network():
    return networks.MT1DUNet(**SMALL, random_seed=3).eval().requires_grad_(False)


def make_data(n=4):
    """Return apparent resistivity (ohm m) and phase (degrees) over a half-space, (n, n_frequencies)."""
    return np.full((n, F.size), 30.0), np.full((n, F.size), 45.0)


# data ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequencies": -F}, r"frequencies: the smallest value is -1000, wanted all finite and above 0 Hz"),
        ({"frequencies": 0 * F}, "frequencies: the smallest value is 0"),
        ({"frequencies": F[:-1]}, r"frequencies: got shape \(1, 30\), wanted \(31,\) or \(1, 31\)"),
        ({"apparent_resistivity": np.zeros(31)}, "31 values are not above 0 ohm m, the smallest is 0"),
        ({"apparent_resistivity": np.full(31, -2.0)}, "pass resistivities, not logarithms"),
        ({"apparent_resistivity": np.full(31, np.nan)}, "1 of 1 stations have no usable frequency: rows 0"),
        ({"apparent_resistivity": np.zeros((2, 2, 2))}, r"got shape \(2, 2, 2\)"),
        ({"phase": np.full(30, 45.0)}, r"phase: got shape \(1, 30\), wanted \(1, 31\)"),
        ({"phase_error": -1.0}, "smallest standard deviation is -1, wanted none below 0"),
        ({"apparent_resistivity_error": np.ones(7)}, r"got shape \(7,\), wanted one number or \(1, 31\)"),
    ],
)
def test_bad_data_are_refused(change, message):
    data = {"frequencies": F, "apparent_resistivity": np.full(31, 30.0), "phase": np.full(31, 45.0)} | change
    with pytest.raises(ValueError, match=message):
        make_network().predict(**data)


def test_strings_are_refused():
    with pytest.raises(TypeError, match=r"apparent_resistivity: got str, wanted real numbers"):
        make_network().predict(F, "thirty", np.full(31, 45.0))


def test_phases_of_no_layered_earth_are_not_used_and_give_a_warning(caplog):
    network, (resistivity, phase) = make_network(), make_data(2)
    phase[0, :3] = -135.0
    gaps = np.where(phase < 0, np.nan, phase)
    with caplog.at_level(logging.WARNING, "simpeg_jointdl"):
        one = network.predict(F, resistivity, phase)
    assert "3 of 62 phases are not between 0 and 90 degrees" in caplog.text
    np.testing.assert_array_equal(one, network.predict(F, resistivity, gaps))


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="n_nodes: got 30, wanted a multiple of 8"):
        networks.MT1DUNet(n_nodes=30)
    with pytest.raises(ValueError, match=r"got the design 'deep', wanted 'wide' or 'published'"):
        networks.MT1DUNet("deep")
    with pytest.raises(ValueError, match=r"MT1DUNet\.scaled\.factor: got 0"):
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


def test_masked_entries_are_missing_data():
    network, (resistivity, phase) = make_network(), make_data(2)
    resistivity[0, 3] = 7.0
    masked = np.ma.masked_equal(resistivity, 7.0)
    missing = np.where(resistivity == 7.0, np.nan, resistivity)
    np.testing.assert_array_equal(network.predict(F, masked, phase), network.predict(F, missing, phase))


def test_errors_name_the_method_that_was_called():
    network = make_network()
    for method in (network.predict, network.posterior):
        with pytest.raises(ValueError, match=rf"^MT1DUNet.{method.__name__}.phase: got shape"):
            method(F, np.full(31, 30.0), np.full(30, 45.0))
