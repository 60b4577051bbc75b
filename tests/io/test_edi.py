"""EDI files: units, order, rotation, what is missing, and every file that is none."""

import importlib
import pathlib
import sys

import numpy as np
import pytest

from simpeg_jointdl import datasets

pytest.importorskip("mt_metadata", reason='needs mt_metadata: pip install "simpeg_jointdl[mt]"')

OHM = 4e-4 * np.pi
FREQUENCIES = np.array([100.0, 10.0, 1.0, 0.1])


def half_space(rho=100.0, frequencies=FREQUENCIES):
    """In mV/km/nT: |Z|² = 5 f ρ."""
    z = np.sqrt(5 * frequencies * rho) * np.exp(0.25j * np.pi)
    tensor = np.zeros((len(frequencies), 2, 2), dtype=complex)
    tensor[:, 0, 1], tensor[:, 1, 0] = z, -z
    tensor[:, 0, 0], tensor[:, 1, 1] = 0.01 * z, 0.02 * z
    return tensor


def variance(relative=0.02):
    return np.abs(half_space()[:, [[0, 0]] * 2, [[1, 1]] * 2] * relative) ** 2


@pytest.fixture
def said(caplog):
    """What SimPEG's logger says."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == "SimPEG"]


def test_a_half_space_in_mv_per_km_per_nt_comes_out_in_ohm(write_edi, said, capfd):
    stations = datasets.read_edi(write_edi("A", FREQUENCIES, half_space(), variance()))
    np.testing.assert_allclose(stations.frequencies, FREQUENCIES[::-1])
    np.testing.assert_allclose(stations.impedance[0], OHM * half_space()[::-1], rtol=1e-14)
    np.testing.assert_allclose(stations.error[0], OHM * np.sqrt(variance())[::-1], rtol=1e-14)
    sounding = stations.soundings("xy", 0.0)
    np.testing.assert_allclose(sounding.apparent_resistivity, 100.0)
    np.testing.assert_allclose(sounding.phase, 45.0)
    np.testing.assert_allclose(sounding.apparent_resistivity_error, 4.0)
    assert stations.names == ("A",)
    np.testing.assert_allclose(stations.longitude_latitude, [[-111.0, 45.0]])
    assert stations.crs == "EPSG:32612"
    np.testing.assert_allclose(stations.locations, [[500_000.0, 4_982_950.4, 1500.0]], atol=0.1)
    assert said() == []
    assert capfd.readouterr() == ("", "")


def test_southern_latitudes_and_other_projections(write_edi):
    path = write_edi("A", FREQUENCIES, half_space(), head={"LAT": "-20:30:00", "LONG": "140.5"})
    assert datasets.read_edi(path).crs == "EPSG:32754"
    there = datasets.read_edi(path, crs=28354)
    assert there.crs == "EPSG:28354"
    np.testing.assert_allclose(there.locations, datasets.read_edi(path).locations, atol=2.0)


# order and rotation -------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", [[3, 2, 1, 0], [0, 1, 2, 3], [1, 3, 0, 2], [2, 0, 3, 1]])
def test_frequencies_in_any_order(write_edi, order):
    angles = np.array([0.0, 10.0, 20.0, 30.0])
    plain = datasets.read_edi(write_edi("A", FREQUENCIES, half_space(), variance(), rotation=angles))
    path = write_edi("B", FREQUENCIES[order], half_space()[order], variance()[order], rotation=angles[order])
    mixed = datasets.read_edi(path)
    np.testing.assert_array_equal(mixed.frequencies, plain.frequencies)
    np.testing.assert_allclose(mixed.impedance, plain.impedance)
    np.testing.assert_allclose(mixed.error, plain.error)


def test_stations_of_other_frequencies_meet_in_their_union(write_edi):
    write_edi("B", FREQUENCIES * 1.0004, half_space())
    c = write_edi("C", FREQUENCIES[:2], half_space()[:2])
    c.rename(c.with_suffix(".EDI"))
    folder = write_edi("A", [30.0, 10.0, 0.1], half_space()[:3]).parent
    stations = datasets.read_edi(str(folder))
    assert stations.names == ("A", "B", "C")
    np.testing.assert_allclose(stations.frequencies, [0.1, 1.0, 10.0, 30.0, 100.0], rtol=1e-3)
    there = ~np.isnan(stations.impedance[..., 0, 1])
    np.testing.assert_array_equal(there, [[1, 0, 1, 1, 0], [1, 1, 1, 0, 1], [0, 0, 1, 0, 1]])


def test_zrot_is_undone_and_said(write_edi, said):
    north = datasets.MTStations(["A"], [[0, 0, 0]], FREQUENCIES[::-1], OHM * half_space()[None, ::-1])
    turned = north.rotated(30.0).impedance[0, ::-1] / OHM
    stations = datasets.read_edi(write_edi("A", FREQUENCIES, turned, rotation=30.0))
    assert stations.rotation == 0.0
    np.testing.assert_allclose(stations.impedance, north.impedance, atol=1e-14)
    assert said()[-1] == "read_edi: rotated to an azimuth of 0 degrees: A.edi."
    as_it_is = datasets.read_edi(write_edi("A", FREQUENCIES, turned, rotation=30.0), rotation=30.0)
    np.testing.assert_allclose(as_it_is.impedance, OHM * turned[None, ::-1], rtol=1e-12)
    assert as_it_is.rotation == 30.0


def test_a_tensor_with_a_gap_cannot_be_turned(write_edi, said):
    z = half_space()
    z[1, 0, 0] = 0.0
    stations = datasets.read_edi(write_edi("A", FREQUENCIES, z, rotation=20.0))
    assert np.isnan(stations.impedance[0]).all(axis=(-2, -1)).tolist() == [False, False, True, False]
    z[:, 0, 0] = z[:, 1, 1] = 0.0
    path = write_edi("B", FREQUENCIES, z, rotation=20.0)
    with pytest.raises(ValueError, match=r"B\.edi: every tensor lacks an element.*Read it alone, with rotation=20"):
        datasets.read_edi(path)
    np.testing.assert_allclose(datasets.read_edi(path, rotation=20.0).soundings("xy").apparent_resistivity, 100.0)


# files of the world, which mt_metadata brings along -----------------------------------------------------
def world(name):
    import mt_metadata

    return pathlib.Path(mt_metadata.__file__).parent / "data" / "transfer_functions" / f"tf_edi_{name}.edi"


def test_spectra_are_turned_from_rotspec():
    """107 degrees; mt_metadata wrote the same in impedances, and left that angle out."""
    measured = datasets.read_edi(world("spectra_in"), rotation=107.0)
    written = datasets.read_edi(world("spectra_out"))
    np.testing.assert_allclose(measured.frequencies, written.frequencies, rtol=1e-4)
    np.testing.assert_allclose(measured.impedance, written.impedance, rtol=1e-4, atol=1e-6)
    north = datasets.read_edi(world("spectra_in"))
    np.testing.assert_allclose(north.impedance, measured.rotated(-107.0).impedance)


@pytest.mark.parametrize("name", ["cgg", "empower", "metronix", "phoenix", "quantec"])
def test_files_of_other_houses_are_read(name):
    stations = datasets.read_edi(world(name))
    sounding = stations.soundings("determinant")
    assert len(stations.frequencies) > 40
    assert 1.0 < np.nanmedian(sounding.apparent_resistivity) < 2000.0
    assert 15.0 < np.nanmedian(sounding.phase) < 60.0
    assert np.isfinite(sounding.phase).mean() > 0.9


def test_a_file_without_errors_nor_coordinates():
    with pytest.raises(ValueError, match=r"no_error\.edi: got no coordinates, wanted LAT and LONG .* pass locations="):
        datasets.read_edi(world("no_error"))
    stations = datasets.read_edi(world("no_error"), locations=[[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(stations.locations, [[1.0, 2.0, 3.0]])
    assert stations.longitude_latitude is None
    assert (stations.crs, len(stations.frequencies)) == ("", 47)


def test_resistivities_and_phases_alone_are_in_no_unit_of_impedance():
    """Below 0.4 ohm m, and turned to 20 degrees without a diagonal."""
    stations = datasets.read_edi(world("rho_only"), rotation=20.0)
    xy = stations.soundings("xy", 0.0)
    assert xy.apparent_resistivity[0, -1] == pytest.approx(0.2818635, rel=1e-6)
    assert xy.phase[0, -1] == pytest.approx(35.75853, rel=1e-6)
    assert xy.phase_error[0, -1] == pytest.approx(0.03258705, rel=1e-6)


# what is missing ----------------------------------------------------------------------------------------
def test_zeros_empty_values_and_no_numbers_are_missing_and_counted(write_edi, said):
    z, var = half_space(), variance()
    z[0] = 0.0
    z[1, 0, 1] = 1e32 * (1 + 1j)
    z[2, 1, 0] = np.nan
    z[3, 1, 1] = 3e31 + 3e31j
    var[0], var[2, 0, 1], var[3, 0, 1] = 0.0, 0.0, 1e32
    stations = datasets.read_edi(write_edi("A", FREQUENCIES, z, var))
    missing = np.isnan(stations.impedance[0, ::-1])
    assert np.argwhere(missing[1:]).tolist() == [[0, 0, 1], [1, 1, 0], [2, 1, 1]]
    assert missing[0].all()
    unknown = np.isnan(stations.error[0, ::-1]) & ~missing
    assert np.argwhere(unknown).tolist() == [[2, 0, 1], [3, 0, 1]]
    assert said() == [
        "read_edi: 7 of 16 elements are zero or empty and count as missing.",
        "read_edi: 2 of 9 elements have no error, which counts as unknown.",
    ]
    floored = stations.soundings("xy", 0.05)
    np.testing.assert_allclose(floored.apparent_resistivity_error[0, :2], 10.0)


def test_zero_filled_diagonals_leave_xy_and_yx(write_edi):
    z = half_space()
    z[:, 0, 0] = z[:, 1, 1] = 0.0
    stations = datasets.read_edi(write_edi("A", FREQUENCIES, z))
    np.testing.assert_allclose(stations.soundings("yx").apparent_resistivity, 100.0)
    assert np.isnan(stations.soundings("determinant").phase).all()


def test_variances_come_before_what_follows_from_phase_errors(write_edi):
    """mt_metadata replaces the first by the second."""
    blocks = {"RHOXY": [100.0] * 4, "PHSXY": [45.0] * 4, "RHOXY_ERR": [50.0] * 4, "PHSXY_ERR": [20.0] * 4}
    stations = datasets.read_edi(write_edi("A", FREQUENCIES, half_space(), variance(), **blocks))
    np.testing.assert_allclose(stations.soundings("xy", 0.0).phase_error, np.degrees(0.02))


def test_resistivities_and_phases_alone_will_do(write_edi):
    blocks = {"RHOXY": [100.0] * 4, "PHSXY": [45.0] * 4, "RHOXY_ERR": [10.0] * 4, "PHSXY_ERR": [3.0] * 4}
    sounding = datasets.read_edi(write_edi("A", FREQUENCIES, None, **blocks)).soundings("xy", 0.0)
    np.testing.assert_allclose(sounding.apparent_resistivity, 100.0, rtol=1e-3)
    np.testing.assert_allclose(sounding.phase, 45.0)
    np.testing.assert_allclose(sounding.phase_error, 3.0, rtol=1e-3)


# units --------------------------------------------------------------------------------------------------
def test_ohm_is_told_by_the_header_by_the_caller_or_by_the_numbers(write_edi, said):
    z, var = OHM * half_space(), OHM**2 * variance()
    wanted = datasets.read_edi(write_edi("A", FREQUENCIES, half_space(), variance()))
    told = write_edi("B", FREQUENCIES, z, var, head={"UNITS": "ohm"})
    untold = write_edi("C", FREQUENCIES, z, var)
    for path, units in ((told, None), (untold, "ohm")):
        np.testing.assert_allclose(datasets.read_edi(path, units=units).impedance, wanted.impedance)
    assert said() == []
    guessed = datasets.read_edi(untold)
    np.testing.assert_allclose(guessed.impedance, wanted.impedance)
    np.testing.assert_allclose(guessed.error, wanted.error)
    assert said() == ["read_edi: taken as ohm, since mV/km/nT would give too small resistivities: C.edi."]


def test_mv_per_km_per_nt_is_told_even_where_the_numbers_look_like_ohm(write_edi):
    path = write_edi("A", FREQUENCIES, half_space(0.05), head={"UNITS": "[mV/km]/[nT]"})
    np.testing.assert_allclose(datasets.read_edi(path).soundings("xy").apparent_resistivity, 0.05)


def test_wrong_units_show(write_edi, said):
    datasets.read_edi(write_edi("A", FREQUENCIES, half_space()), units="ohm")
    assert said()[-1].startswith("read_edi: apparent resistivities outside 1e-3 to 1e7 ohm m in A.edi. Wrong units?")
    datasets.read_edi(write_edi("B", FREQUENCIES, OHM * half_space()), units="mV/km/nT")
    assert "ohm m in B.edi. Wrong units? Pass units=." in said()[-1]
    with pytest.raises(ValueError, match="units: got 'V/m', wanted one of 'mV/km/nT', 'ohm'"):
        datasets.read_edi("A.edi", units="V/m")


def test_the_other_sign_of_time_shows(write_edi, said):
    stations = datasets.read_edi(write_edi("A", FREQUENCIES, half_space().conj()))
    np.testing.assert_allclose(stations.soundings("xy").phase, -45.0)
    assert said()[-1].endswith("at most frequencies in A.edi. Are channels swapped, or is the time factor exp(-iωt)?")


# files that are none ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"impedance": None}, r"A\.edi: got no impedances, wanted ZXY or ZYX"),
        ({"impedance": np.zeros((4, 2, 2))}, r"A\.edi: got no impedances"),
        ({"frequencies": [10.0, 1.0, 0.0, -1.0]}, r"A\.edi: frequencies: got 0 .* above 0"),
        ({"frequencies": [10.0, 1.0, 0.5, -1.0]}, r"A\.edi: frequencies: got -1 "),
        ({"frequencies": [10.0, 1.0, np.nan, 0.1]}, r"A\.edi: frequencies: got 1 of 4 entries that are NaN"),
        ({"frequencies": [10.0, 1.0, 1.0, 0.1]}, r"A\.edi: a frequency occurs twice"),
        ({"frequencies": [10.0, 1.0]}, r"A\.edi: mt_metadata cannot read it \(ValueError"),
        ({"rotation": 0.0, "ZROT": [0.0, 0.0]}, r"A\.edi: got 2 angles in ZROT, wanted 4"),
        ({"head": {"LAT": "0.0", "LONG": "0.0"}}, r"A\.edi: got no coordinates, wanted LAT and LONG"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(write_edi, changes, message):
    with pytest.raises(ValueError, match=message):
        datasets.read_edi(write_edi("A", **({"frequencies": FREQUENCIES, "impedance": half_space()} | changes)))


def test_one_frequency_or_any_text_is_no_edi(write_edi, tmp_path):
    with pytest.raises(ValueError, match=r"B\.edi: mt_metadata cannot read it .* two or more frequencies"):
        datasets.read_edi(write_edi("B", FREQUENCIES[:1], half_space()[:1]))
    path = tmp_path / "notes.edi"
    path.write_text("nothing of the kind\n")
    with pytest.raises(ValueError, match=r"notes\.edi: mt_metadata cannot read it"):
        datasets.read_edi(path)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.edi"):
        datasets.read_edi([tmp_path / "none.edi"])
    with pytest.raises(FileNotFoundError, match=r"there is no file \*\.edi"):
        datasets.read_edi(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no file \*\.edi"):
        datasets.read_edi([])


def test_the_same_name_twice(write_edi):
    path = write_edi("A", FREQUENCIES, half_space())
    with pytest.raises(ValueError, match=r"names: got \['A'\], wanted each name once"):
        datasets.read_edi([path, path])
    assert datasets.read_edi([path, path], names=["one", "two"]).names == ("one", "two")


# the optional library -----------------------------------------------------------------------------------
@pytest.mark.parametrize("module", ["mt_metadata", "pyproj"])
def test_without_the_library_the_error_says_how_to_have_it(write_edi, module, monkeypatch):
    path = write_edi("A", FREQUENCIES, half_space())
    importlib.import_module("mt_metadata.transfer_functions.io.edi")  # which itself cannot do without pyproj
    for name in [module, *sys.modules]:
        if name == module or name.startswith(f"{module}."):
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"read_edi needs {module}, which is not installed") as caught:
        datasets.read_edi(path)
    assert 'pip install "simpeg_jointdl[mt]"' in str(caught.value)
