"""Yellowstone: the impedances and soundings of the table, its flags, and the time the folder takes."""

import csv
import time

import numpy as np
import pytest

from simpeg_jointdl import datasets

pytest.importorskip("mt_metadata", reason='needs mt_metadata: pip install "simpeg_jointdl[mt]"')


@pytest.fixture
def table(field_data):
    """Columns of mt_impedance.csv by name."""
    with open(field_data / "ynp_mt" / "mt_impedance.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([row[key] if key == "station" else float(row[key]) for row in rows]) for key in rows[0]}


def places(stations, table):
    """Index of the station and of the frequency of every row."""
    station = np.array([stations.names.index(name) for name in table["station"]])
    frequency = np.abs(np.log(table["freq_hz"][:, None] / stations.frequencies)).argmin(axis=1)
    return station, frequency


def test_impedances_are_those_of_the_table(table):
    """Which another parser has read, and rounded to seven digits."""
    stations = datasets.load("ynp_mt", flags=False)
    assert len(stations) == 44
    assert stations.impedance.shape == (44, 37, 2, 2)
    assert stations.rotation == 0.0
    at = places(stations, table)
    for i, j in np.ndindex(2, 2):
        name = f"z{'xy'[i]}{'xy'[j]}"
        z = table[f"{name}_re_ohm"] + 1j * table[f"{name}_im_ohm"]
        np.testing.assert_allclose(stations.impedance[*at, i, j], z, rtol=6e-7)
        np.testing.assert_allclose(stations.error[*at, i, j], table[f"{name}_std_ohm"], rtol=6e-7)
    there = np.zeros((44, 37), dtype=bool)
    there[at] = True
    np.testing.assert_array_equal(np.isnan(stations.impedance[..., 0, 1]), ~there)


def test_soundings_are_those_of_the_table(table):
    stations = datasets.load("ynp_mt")
    good = table["use_flag"] == 1
    at = tuple(index[good] for index in places(stations, table))
    for component, name in (("determinant", "det"), ("xy", "xy"), ("yx", "yx")):
        sounding = stations.soundings(component)
        phase = table[f"phs_{name}_deg"][good]
        phase = (phase + 360.0) % 360.0 - 180.0 if name == "yx" else phase
        rho = table[f"rho_{name}_ohmm"][good]  # written with five digits
        np.testing.assert_allclose(sounding.apparent_resistivity[at], rho, rtol=5e-5)
        np.testing.assert_allclose(sounding.phase[at], phase, rtol=0, atol=0.000501)  # three decimals


def test_locations_are_those_of_the_table(table):
    stations = datasets.load("ynp_mt")
    (station, _) = places(stations, table)
    wanted = np.column_stack([table["x_m"], table["y_m"], table["z_m"]])
    np.testing.assert_allclose(stations.locations[station], wanted, rtol=0, atol=0.0501)
    assert stations.crs == "EPSG:32612"


def test_flags_are_those_of_the_table(table):
    stations = datasets.load("ynp_mt")
    missing = np.isnan(stations.impedance).all(axis=(-2, -1))[places(stations, table)]
    np.testing.assert_array_equal(missing, table["use_flag"] == 0)
    assert missing.sum() == 77
    assert stations["YNP15"].soundings().n_data == 2


def test_the_rules_find_every_flagged_point(table):
    """And sixteen more, of 1605, that are in the wrong quadrant or spikes."""
    stations = datasets.load("ynp_mt", flags=False).without(relative_error=0.5, wrong_quadrant=True, spikes=0.1)
    missing = np.isnan(stations.soundings().phase)[places(stations, table)]
    assert missing[table["use_flag"] == 0].all()
    assert missing.sum() == 93


def test_the_folder_is_the_dataset_and_takes_seconds(field_data):
    start = time.perf_counter()
    stations = datasets.read_edi(field_data / "ynp_mt" / "original" / "edi")
    assert time.perf_counter() - start < 10.0
    loaded = datasets.load("ynp_mt", flags=False)
    assert stations.names == loaded.names
    np.testing.assert_array_equal(stations.impedance, loaded.impedance)
    np.testing.assert_allclose(stations.locations, loaded.locations)


def test_all_soundings_go_through_simpeg_and_back(field_data):
    soundings = datasets.load("ynp_mt").soundings()
    data = soundings.to_simpeg()
    assert data.survey.nD == soundings.n_data.sum() == 2 * (1605 - 77)
    back = datasets.MTSoundings.from_simpeg(data)
    order = [int(np.argmin(np.abs(back.locations - place).sum(axis=1))) for place in soundings.locations]
    back = back[order]
    np.testing.assert_allclose(back.phase, soundings.phase, rtol=1e-12)
    np.testing.assert_allclose(back.apparent_resistivity_error, soundings.apparent_resistivity_error, rtol=1e-12)
