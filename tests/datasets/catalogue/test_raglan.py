"""The Raglan survey: the CSV to its digits, and the published model that explains the data as far as it says."""

import gzip

import numpy as np
import pytest

from simpeg_jointdl import datasets
from simpeg_jointdl.datasets.catalogue import _sources
from simpeg_jointdl.potential_fields import magnetics


def test_data_are_the_csv(field_data):
    raglan = datasets.load("raglan_mag")
    rows = np.loadtxt(field_data / "raglan_mag" / "magnetics.csv", delimiter=",", skiprows=1)
    assert rows.shape == (1638, 5)
    data = raglan.magnetics
    np.testing.assert_array_equal(np.column_stack([data.locations, data.tmi]), rows[:, :4])
    np.testing.assert_allclose(data.uncertainty, rows[:, 4], atol=0.5001e-3, rtol=0)  # the CSV rounds it
    np.testing.assert_allclose(data.uncertainty, 5.0 + 0.02 * np.abs(data.tmi), atol=1e-2)
    assert data.inducing_field == (60_000.0, 83.0, -32.0)
    assert data.survey().nD == data.data().nD == 1638
    assert raglan.gravity is None
    assert raglan.true_models is None
    assert raglan.license == "MIT License"


def test_published_model_leaves_the_misfit_it_was_made_with(field_data):
    """27 in ``inv.inp``; a model in any other order of cells, or another field, is far from it."""
    raglan = datasets.load("raglan_mag")
    assert raglan.mesh.shape_cells == (40, 40, 10)
    assert raglan.mesh.nodes_z[-1] == 0.0
    assert raglan.active_cells.all()
    model = raglan.published_models["MAG3D"]["susceptibility"]
    data = raglan.magnetics
    simulation = magnetics.Simulation3DIntegral(raglan.mesh, survey=data.survey(), chi=model, engine="blocked")
    residual = (simulation.dpred(None) - data.tmi) / data.uncertainty
    assert np.mean(residual**2) == pytest.approx(27.0, rel=0.005)
    assert (model.min(), model.max()) == (0.0, 0.31418)


def test_files_as_downloaded(field_data, monkeypatch, tmp_path):
    """Our folder holds the model compressed; the public address has it plain."""
    ours = datasets.load("raglan_mag")
    for name in ("raglan_magnetics", "raglan_mesh", "raglan_susceptibility"):
        content = _sources.fetch(name).read_bytes()
        path = tmp_path / _sources.REGISTRY[name].path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    monkeypatch.setenv("SIMPEG_JOINTDL_DATA", str(tmp_path))
    plain = datasets.load("raglan_mag")
    wanted = plain.mesh.read_model_UBC(str(_sources.fetch("raglan_susceptibility")))
    for dataset in (ours, plain):
        np.testing.assert_array_equal(dataset.published_models["MAG3D"]["susceptibility"], wanted)
        np.testing.assert_array_equal(dataset.magnetics.tmi, plain.magnetics.tmi)


def test_it_takes_no_options():
    with pytest.raises(TypeError, match="size"):
        datasets.load("raglan_mag", size="small")
