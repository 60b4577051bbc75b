"""Soundings: what is refused, errors and their floor, and SimPEG's data there and back."""

import numpy as np
import pytest
from simpeg import maps
from simpeg.data import Data
from simpeg.electromagnetics import natural_source

from simpeg_jointdl.datasets import MTSoundings

FREQUENCIES = np.logspace(-2, 2, 9)
PARTS = {"names": ["A", "B", "C"], "locations": np.arange(9.0).reshape(3, 3), "frequencies": FREQUENCIES}


def soundings(gaps=True, **changes):
    generator = np.random.default_rng(3)
    rho = np.exp(generator.normal(4.0, 1.0, (3, 9)))
    phase = generator.uniform(10.0, 80.0, (3, 9))
    if gaps:
        rho[0, :2] = phase[0, :2] = rho[2, 5] = phase[1, 4] = np.nan
    return MTSoundings(**(PARTS | {"apparent_resistivity": rho, "phase": phase} | changes))


def layered(frequencies, conductivity, thicknesses, component):
    """SimPEG's own prediction, of layers from the surface down."""
    place = np.zeros((1, 3))
    receiver = [natural_source.receivers.Impedance(place, orientation="xy", component=name) for name in component]
    survey = natural_source.Survey([natural_source.sources.Planewave(receiver, frequency=f) for f in frequencies])
    simulation = natural_source.Simulation1DRecursive(
        survey=survey, thicknesses=thicknesses[::-1], sigmaMap=maps.IdentityMap(nP=len(conductivity))
    )
    return survey, np.asarray(simulation.dpred(conductivity[::-1])).ravel()


# errors and their floor ---------------------------------------------------------------------------------
def test_a_relative_error_e_is_2e_of_resistivity_and_e_radians_of_phase():
    floored = soundings().floored(0.05)
    there = ~np.isnan(floored.apparent_resistivity)
    np.testing.assert_allclose((floored.apparent_resistivity_error / floored.apparent_resistivity)[there], 0.1)
    np.testing.assert_allclose(floored.phase_error[~np.isnan(floored.phase)], np.degrees(0.05))
    np.testing.assert_array_equal(np.isnan(floored.phase_error), np.isnan(floored.phase))


def test_the_floor_raises_what_is_below_it_only_and_zero_leaves_unknown_errors_unknown():
    given = soundings(phase_error=np.linspace(1.0, 6.0, 27).reshape(3, 9))
    np.testing.assert_array_equal(given.floored(0.05).phase_error, np.maximum(given.phase_error, np.degrees(0.05)))
    assert np.isnan(given.floored(0.0).apparent_resistivity_error).all()


def test_errors_agree_with_a_crowd_of_noisy_impedances():
    from simpeg_jointdl.datasets import MTStations

    generator = np.random.default_rng(0)
    n, sigma = 20_000, 0.03
    truth = np.array([[0.1 + 0.05j, 1.0 + 0.8j], [-1.3 - 0.9j, -0.2 + 0.1j]])
    error = sigma * np.array([[1.0, 2.0], [0.5, 1.5]])
    noise = generator.normal(size=(n, 1, 2, 2)) + 1j * generator.normal(size=(n, 1, 2, 2))
    crowd = MTStations(range(n), np.zeros((n, 3)), [1.0], truth + noise * error)
    one = MTStations(["A"], [[0, 0, 0]], [1.0], truth[None, None], error[None, None])
    for component, degrees in (("determinant", 0), ("xy", 0), ("yx", 0), ("xy", 25), ("yx", 25)):
        many, single = (stations.rotated(degrees).soundings(component, 0.0) for stations in (crowd, one))
        assert many.phase.std() == pytest.approx(single.phase_error[0, 0], rel=0.03)
        assert many.apparent_resistivity.std() == pytest.approx(single.apparent_resistivity_error[0, 0], rel=0.03)
        assert many.phase.mean() == pytest.approx(single.phase[0, 0], abs=0.1)


def test_chi_is_one_for_residuals_of_their_size_and_nan_without_data():
    observed = soundings(gaps=False).floored(0.05)
    rho = observed.apparent_resistivity + observed.apparent_resistivity_error
    predicted = soundings(gaps=False, apparent_resistivity=rho, phase=observed.phase - observed.phase_error)
    np.testing.assert_allclose(observed.chi(predicted), 1.0)
    empty = np.full((3, 9), np.nan)
    np.testing.assert_array_equal(observed.chi(soundings(apparent_resistivity=empty, phase=empty)), np.nan)
    with pytest.raises(ValueError, match=r"residual: got \(2, 9\) predicted, wanted \(3, 9\) stations"):
        observed.chi(predicted[:2])


# SimPEG's data ------------------------------------------------------------------------------------------
def test_what_simpeg_predicts_for_layers_means_the_same_here():
    conductivity, thicknesses = np.array([0.01, 0.3, 0.002]), np.array([400.0, 900.0])
    survey, predicted = layered(FREQUENCIES, conductivity, thicknesses, ("apparent_resistivity", "phase"))
    ours = MTSoundings.from_simpeg(Data(survey, predicted))
    assert (ours.phase > 0).all()
    assert (ours.phase < 90).all()
    np.testing.assert_allclose(ours.floored(0.05).to_simpeg().dobs, predicted, rtol=1e-13)
    survey, parts = layered(FREQUENCIES, conductivity, thicknesses, ("real", "imag"))
    from_parts = MTSoundings.from_simpeg(Data(survey, parts, relative_error=0.05))
    np.testing.assert_allclose(from_parts.apparent_resistivity, ours.apparent_resistivity, rtol=1e-9)
    np.testing.assert_allclose(from_parts.phase, ours.phase, rtol=1e-12)
    relative = from_parts.apparent_resistivity_error / from_parts.apparent_resistivity
    np.testing.assert_allclose(np.radians(from_parts.phase_error), relative / 2)
    assert np.isnan(ours.phase_error).all()


def test_over_a_half_space_the_phase_is_45_here_and_minus_135_there():
    survey, predicted = layered([1.0], np.array([0.01, 0.01]), np.array([100.0]), ("apparent_resistivity", "phase"))
    np.testing.assert_allclose(predicted, [100.0, -135.0])
    np.testing.assert_allclose(MTSoundings.from_simpeg(Data(survey, predicted)).phase, 45.0)


def test_there_and_back_with_gaps():
    given = soundings().floored(0.03)
    data = given.to_simpeg()
    assert data.survey.nD == given.n_data.sum() == 27 * 2 - 6
    assert [source.frequency for source in data.survey.source_list] == pytest.approx(FREQUENCIES)
    first = data.survey.source_list[0].receiver_list
    assert [(rx.component, rx.orientation, len(rx.locations_e)) for rx in first] == [
        ("apparent_resistivity", "xy", 2),
        ("phase", "xy", 2),
    ]
    back = MTSoundings.from_simpeg(data, names=["B", "C", "A"])[["A", "B", "C"]]
    for name in ("locations", "apparent_resistivity", "phase", "apparent_resistivity_error", "phase_error"):
        np.testing.assert_allclose(getattr(back, name), getattr(given, name), rtol=1e-12)


def test_to_simpeg_says_what_is_lacking():
    with pytest.raises(ValueError, match=r"25 errors are unknown. Set an error floor first: floored\(0.05\)"):
        soundings().to_simpeg()
    with pytest.raises(ValueError, match="two stations share one location"):
        soundings(locations=np.zeros((3, 3))).floored(0.05).to_simpeg()
    with pytest.raises(ValueError, match="got no values"):
        soundings(apparent_resistivity=np.full((3, 9), np.nan), phase=np.full((3, 9), np.nan)).to_simpeg()


def test_from_simpeg_refuses_what_is_no_sounding():
    def data(*receivers):
        survey = natural_source.Survey([natural_source.sources.Planewave(list(receivers), frequency=1.0)])
        return Data(survey, np.ones(survey.nD))

    def impedance(component, orientation="xy"):
        return natural_source.receivers.Impedance(np.zeros((1, 3)), orientation=orientation, component=component)

    with pytest.raises(TypeError, match=r"receiver Impedance\('phase', 'xx'\), wanted Impedance of"):
        MTSoundings.from_simpeg(data(impedance("phase", "xx")))
    with pytest.raises(TypeError, match="receiver Tipper"):
        MTSoundings.from_simpeg(data(natural_source.receivers.Tipper(np.zeros((1, 3)))))
    with pytest.raises(ValueError, match="got xy and yx, wanted one of them"):
        MTSoundings.from_simpeg(data(impedance("phase"), impedance("phase", "yx")))
    with pytest.raises(ValueError, match="one part of an impedance without the other"):
        MTSoundings.from_simpeg(data(impedance("real")))


# bad input, and choosing --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frequencies": [0.0, *FREQUENCIES[1:]]}, "got 0 .* above 0"),
        ({"frequencies": [-1.0, *FREQUENCIES[1:]]}, "got -1 "),
        ({"frequencies": [np.nan, *FREQUENCIES[1:]]}, "1 of 9 entries that are NaN or infinite"),
        ({"frequencies": FREQUENCIES[::-1]}, "got unsorted frequencies, wanted each once, ascending"),
        ({"frequencies": [0.01, *FREQUENCIES[:8]]}, "got the same frequency twice"),
        ({"names": ["A", "B", "B"]}, r"names: got \['B'\], wanted each name once"),
        ({"names": ["A", "B"]}, r"locations: got shape \(3, 3\), wanted \(2, 3\)"),
        ({"phase": np.zeros((3, 8))}, r"phase: got shape \(3, 8\), wanted \(3, 9\)"),
        ({"apparent_resistivity": np.full((3, 9), -1.0)}, "smallest entry is -1, wanted > 0"),
        ({"phase_error": np.zeros((3, 9))}, "phase_error: the smallest entry is 0, wanted > 0"),
        ({"phase": np.full((3, 9), np.inf)}, "phase: got 27 infinite entries. Set missing values to nan"),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        soundings(gaps=False, **changes)


def test_stations_are_chosen_by_name_index_slice_and_mask():
    given = soundings()
    for key in ("B", ["B"], 1, slice(1, 2), np.array([False, True, False]), [1], -2):
        chosen = given[key]
        assert chosen.names == ("B",)
        assert len(chosen) == 1
        np.testing.assert_array_equal(chosen.phase, given.phase[1:2])
        np.testing.assert_array_equal(chosen.locations, given.locations[1:2])
    with pytest.raises(ValueError, match=r"got stations \['X'\], wanted some of A, B, C"):
        given[["A", "X"]]
    with pytest.raises(ValueError, match="got 2 bools, wanted 3"):
        given[[True, False]]


def test_arrays_are_copies_that_cannot_be_written():
    phase = np.full((3, 9), 45.0)
    given = soundings(phase=phase)
    phase[:] = 0.0
    assert (given.phase == 45.0).all()
    with pytest.raises(ValueError, match="read-only"):
        given.phase[0, 0] = 1.0
