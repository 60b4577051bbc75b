"""Magnetotelluric soundings by recipe, with a network that has learned nothing."""

import numpy as np
import pytest
import torch

from simpeg_jointdl import datasets, networks, recipes
from simpeg_jointdl.datasets import synthetic

FREQUENCIES = np.logspace(-2, 3, 16)
THICKNESSES = 30.0 * 1.35 ** np.arange(16)
N = 5


def network():
    """Untrained, it says what Niblett and Bostick say."""
    return networks.MT1DUNet(widths=(8, 8), n_nodes=32, n_hidden=8).requires_grad_(False)


def soundings(n=N, *, noise=0.03, floor=0.045, seed=0):
    """Over smooth layers, errors a little larger than the noise so that any draw of it can be fitted."""
    rng = np.random.default_rng(seed)
    log_rho = 1.5 + 0.3 * np.cumsum(rng.standard_normal((n, THICKNESSES.size + 1)), axis=1)
    made = synthetic.make_soundings(10.0**log_rho, THICKNESSES, FREQUENCIES, noise=noise, random_seed=seed)
    return made.floored(floor)


def make(data, **options):
    start = options.get("start", "network")
    options = ({"network": network()} if start == "network" else {}) | {"progress": False, "device": "cpu"} | options
    return recipes.create_mt_inversion(data, **options)


def run(data, **options):
    recipe = make(data, **options)
    result = recipe.run()
    return recipe, result


def without(made, station, column):
    """Soundings that miss a point."""
    curves = {}
    for name in ("apparent_resistivity", "phase", "apparent_resistivity_error", "phase_error"):
        curves[name] = getattr(made, name).copy()
        curves[name][station, column] = np.nan
    return datasets.MTSoundings(made.names, made.locations, made.frequencies, **curves)


# what comes out -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("start", ["network", "halfspace"])
def test_every_station_ends_at_its_noise(start):
    data = soundings()
    recipe = make(data, start=start)
    before = recipe.station_chi
    assert list(before) == list(data.names)
    assert max(before.values()) > 1.0
    result = recipe.run()
    assert list(result) == ["resistivity"]
    assert result["resistivity"].shape == (N * 40,)
    np.testing.assert_allclose(result["resistivity"], recipe.resistivity.ravel())
    assert recipe.failed == []
    chi = np.array(list(recipe.station_chi.values()))
    assert (chi <= 1.0).all()
    np.testing.assert_allclose(chi, recipe.soundings.chi(recipe.predicted()), rtol=1e-6)
    assert sum(recipe.station_iterations.values()) > 0
    lower, upper = recipe.band(0.9)
    assert ((lower < recipe.resistivity) & (recipe.resistivity < upper)).all()
    wide = recipe.band(0.99)
    assert ((wide[0] < lower) & (wide[1] > upper)).all()


def test_progress_is_shown_and_changes_nothing():
    quiet, _ = run(soundings(2))
    shown, _ = run(soundings(2), progress=True)
    np.testing.assert_array_equal(quiet.model, shown.model)
    assert len(shown.log.history["chi"]) == 1


def test_soundings_stations_and_simpegs_data_are_the_same():
    made = soundings(3)
    recipe, _ = run(made)
    of_simpeg, _ = run(made.to_simpeg())
    np.testing.assert_allclose(of_simpeg.resistivity, recipe.resistivity, rtol=1e-5)
    angle = np.radians(made.phase)
    z = np.sqrt(made.apparent_resistivity * 2 * np.pi * FREQUENCIES * 4e-7 * np.pi) * np.exp(1j * angle)
    zero = np.zeros_like(z)
    tensor = np.stack([np.stack([zero, z], -1), np.stack([-z, zero], -1)], -2)
    stations = datasets.MTStations(made.names, made.locations, made.frequencies, tensor)
    of_stations, _ = run(stations)  # errors of 5 %, as nobody has told them
    wanted, _ = run(made.floored(0.05))
    np.testing.assert_allclose(of_stations.resistivity, wanted.resistivity, rtol=1e-5)


def test_stations_keep_their_order_whatever_the_survey_makes_of_it():
    """The survey meets the first station last when that one lacks the lowest frequency."""
    made = without(soundings(3), 0, slice(0, 2))
    options = {"start": "halfspace", "thicknesses": THICKNESSES}
    recipe, _ = run(made, **options)
    for i, name in enumerate(made.names):
        alone, _ = run(made[[i]], **options)
        np.testing.assert_allclose(recipe.resistivity[i], alone.resistivity[0], rtol=1e-6)
        assert recipe.station_chi[name] == pytest.approx(alone.station_chi[name], rel=1e-6)


def test_depths_have_no_scale():
    """Frequencies a hundred times lower: the same resistivities in layers ten times as thick."""
    made = soundings(3)
    curves = made.apparent_resistivity, made.phase, made.apparent_resistivity_error, made.phase_error
    slow = datasets.MTSoundings(made.names, made.locations, made.frequencies / 100.0, *curves)
    shallow, deep = make(made), make(slow)
    np.testing.assert_allclose(deep.thicknesses, 10.0 * shallow.thicknesses, rtol=1e-9)
    np.testing.assert_allclose(deep.initial_model, shallow.initial_model, atol=1e-3)


def test_a_half_space_is_found_at_once():
    made = synthetic.make_soundings(np.full((2, 2), [[30.0], [700.0]]), [100.0], FREQUENCIES, noise=0.0)
    recipe, _ = run(made, start="halfspace")
    np.testing.assert_allclose(recipe.resistivity, np.tile([[30.0], [700.0]], 40), rtol=1e-9)
    assert set(recipe.station_iterations.values()) == {0}


def test_a_station_that_the_network_fits_keeps_the_networks_band():
    made = synthetic.make_soundings(np.full((1, 2), 50.0), [100.0], FREQUENCIES, noise=0.0).floored(0.05)
    recipe, _ = run(made)
    assert recipe.station_iterations == {made.names[0]: 0}
    np.testing.assert_array_equal(recipe.model, recipe.initial_model)
    np.testing.assert_allclose(recipe.deviation, np.log(10.0) * recipe.posterior.std(), rtol=1e-6)


def test_stations_that_cannot_be_fitted_are_counted_and_named(caplog):
    made = soundings(3)
    curves = made.apparent_resistivity.copy(), made.phase, made.apparent_resistivity_error, made.phase_error
    curves[0][1, ::2] *= 3.0
    wild = datasets.MTSoundings(made.names, made.locations, made.frequencies, *curves)
    with caplog.at_level("WARNING"):
        recipe, _ = run(wild)
    assert recipe.failed == [made.names[1]]
    assert f"1 of 3 stations have not reached χ = 1: {made.names[1]} (χ " in caplog.text


# layers and references ------------------------------------------------------------------------------------
def test_layers_in_proportion_to_the_networks_are_its_own():
    net = network()
    recipe = make(soundings(2), network=net, thicknesses=2.5 * net.thicknesses)
    np.testing.assert_allclose(recipe.network.thicknesses, recipe.thicknesses, rtol=1e-9)
    np.testing.assert_allclose(recipe.resistivity, recipe.posterior.mean(), rtol=1e-9)
    assert net.thicknesses[0] == pytest.approx(20.0)


def test_other_layers_get_means_over_depth():
    recipe = make(soundings(2))
    own, logs = recipe.thicknesses, np.log(recipe.posterior.mean())
    # more layers than the network has: every one cut in two
    fine = make(soundings(2), thicknesses=np.repeat(own / 2.0, 2))
    np.testing.assert_allclose(fine.initial_model.reshape(2, -1)[:, :-1], np.repeat(logs[:, :-1], 2, axis=1), rtol=1e-5)
    # and fewer: pairs of them
    coarse = make(soundings(2), thicknesses=own[:-1].reshape(-1, 2).sum(axis=1))
    means = ((logs[:, :-2] * own[:-1]).reshape(2, -1, 2).sum(axis=2)) / own[:-1].reshape(-1, 2).sum(axis=1)
    np.testing.assert_allclose(coarse.initial_model.reshape(2, -1)[:, :-1], means, rtol=1e-5)


@pytest.mark.parametrize("n_layers", [8, 60])
def test_other_layers_are_fitted_all_the_same(n_layers):
    thicknesses = np.diff(np.geomspace(20.0, 2e4, n_layers))
    recipe, result = run(soundings(2, floor=0.1), thicknesses=thicknesses)
    assert result["resistivity"].shape == (2 * n_layers,)
    assert recipe.failed == []


def test_a_reference_holds_what_the_data_leave_free():
    made = soundings(1)
    low, _ = run(made, reference=1.0, smoothing_steps=5)
    high, _ = run(made, reference=np.full(40, 1e4), smoothing_steps=5)
    assert high.resistivity[0, -1] > low.resistivity[0, -1]
    np.testing.assert_array_equal(low.reference, np.ones((1, 40)))


# bad input ------------------------------------------------------------------------------------------------
def test_missing_errors_are_five_percent():
    made = soundings(2)
    bare = datasets.MTSoundings(made.names, made.locations, made.frequencies, made.apparent_resistivity, made.phase)
    recipe = make(bare)
    np.testing.assert_allclose(recipe.soundings.apparent_resistivity_error, 0.1 * made.apparent_resistivity)
    np.testing.assert_allclose(recipe.soundings.phase_error, np.degrees(0.05))


def test_errors_as_told_unless_there_is_a_floor():
    made = soundings(2)
    np.testing.assert_array_equal(make(made).soundings.phase_error, made.phase_error)
    floored = make(made, error_floor=0.2).soundings
    np.testing.assert_allclose(floored.phase_error, np.degrees(0.2))


def test_a_station_without_data_is_named():
    made = without(soundings(3), 1, slice(None))
    with pytest.raises(ValueError, match=rf"1 of 3 stations have no usable frequency: {made.names[1]}. Leave"):
        make(made)


def test_phases_that_layers_do_not_have_are_left_out_and_counted(caplog):
    made = soundings(2)
    phase = made.phase.copy()
    phase[0, 3], phase[1, 5] = -20.0, 110.0
    curves = made.apparent_resistivity, phase, made.apparent_resistivity_error, made.phase_error
    with caplog.at_level("WARNING"):
        recipe = make(datasets.MTSoundings(made.names, made.locations, made.frequencies, *curves))
    assert "2 of 32 phases, of 2 stations, are not between 0 and 90 degrees" in caplog.text
    assert recipe.soundings.n_data.tolist() == [30, 30]


@pytest.mark.parametrize("factor", [1.0 / (4e-4 * np.pi) ** 2, (4e-4 * np.pi) ** 2 * 1e-3])
def test_impedances_in_other_units_are_told(factor):
    made = soundings(2)
    wrong = datasets.MTSoundings(
        made.names, made.locations, made.frequencies, factor * made.apparent_resistivity, made.phase
    )
    with pytest.raises(ValueError, match=r"median apparent resistivity is .* in mV/km/nT, times 4 pi 1e-4"):
        make(wrong)


def test_radians_are_told():
    made = soundings(2)
    curves = made.apparent_resistivity, np.radians(made.phase)
    with pytest.raises(ValueError, match=r"all phases lie between 0 and 1\.\d+; wanted degrees"):
        make(datasets.MTSoundings(made.names, made.locations, made.frequencies, *curves))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "zero"}, r"create_mt_inversion.start: got 'zero', wanted one of 'network', 'halfspace'"),
        ({"error_floor": 0.0}, r"create_mt_inversion.error_floor: got 0.0"),
        ({"error_floor": 5.0}, r"create_mt_inversion.error_floor: got 5.0"),
        ({"thicknesses": []}, r"create_mt_inversion.thicknesses: got shape \(0,\)"),
        ({"thicknesses": [10.0, -1.0]}, r"create_mt_inversion.thicknesses: got -1 .*wanted every entry above 0"),
        ({"thicknesses": [10.0, np.nan]}, r"create_mt_inversion.thicknesses"),
        ({"reference": 0.0}, r"create_mt_inversion.reference: .* above 0 ohm m"),
        ({"reference": np.ones(7)}, r"create_mt_inversion.reference: got shape \(7,\), wanted"),
        ({"target_chi": -1.0}, r"create_mt_inversion.target_chi: got -1.0"),
        ({"max_iterations": 0}, r"create_mt_inversion.max_iterations: got 0"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        make(soundings(2), **options)


def test_wrong_kinds():
    with pytest.raises(TypeError, match=r"create_mt_inversion.error_floor: got 'five', wanted a finite number"):
        make(soundings(2), error_floor="five")
    with pytest.raises(TypeError, match=r"create_mt_inversion.data: got ndarray, wanted data.MTSoundings"):
        make(np.ones((3, 4)))
    with pytest.raises(TypeError, match=r"create_mt_inversion.network: got Identity, wanted networks.MT1DUNet"):
        make(soundings(2), network=torch.nn.Identity())


def test_nothing_before_it_ran():
    recipe = make(soundings(2))
    for name in ("failed", "station_iterations", "deviation"):
        with pytest.raises(ValueError, match=rf"MTRecipe.{name}: .* call run\(\) first"):
            getattr(recipe, name)
    with pytest.raises(ValueError, match=r"MTRecipe.band.level: got 1.0"):
        recipe.band(1.0)
    with pytest.raises(ValueError, match=r"MTRecipe.predicted: got shape \(3,\)"):
        recipe.predicted(np.ones(3))
