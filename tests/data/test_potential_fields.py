"""Data classes: what they hand to SimPEG, and what they refuse."""

import dataclasses

import discretize
import numpy as np
import pytest

from simpeg_jointdl import datasets

LOCATIONS = np.array([[0.0, 0.0, 1.0], [10.0, 0.0, 1.0], [0.0, 20.0, 2.0]])
VALUES = np.array([1.0, -2.0, 3.0])
FIELD = (50_000.0, 60.0, 5.0)
MESH = discretize.TensorMesh([2, 2, 2])


def gravity(**changes):
    return datasets.GravityData(**{"locations": LOCATIONS, "gz": VALUES, "uncertainty": 0.1, **changes})


def magnetics(**changes):
    arguments = {
        "locations": LOCATIONS,
        "tmi": VALUES,
        "uncertainty": [1.0, 2.0, 3.0],
        "inducing_field": FIELD,
    }
    return datasets.MagneticData(**{**arguments, **changes})


@pytest.mark.parametrize(("part", "component"), [(gravity(), "gz"), (magnetics(), "tmi")])
def test_data_for_simpeg(part, component):
    data = part.data()
    (receivers,) = data.survey.source_field.receiver_list
    assert receivers.components == [component]
    np.testing.assert_array_equal(data.survey.receiver_locations, LOCATIONS)
    np.testing.assert_array_equal(data.dobs, VALUES)
    np.testing.assert_array_equal(data.standard_deviation, part.uncertainty)


def test_inducing_field_reaches_the_survey():
    source = magnetics().survey().source_field
    assert (source.amplitude, source.inclination, source.declination) == FIELD


def test_arrays_are_frozen_copies():
    values = VALUES.copy()
    part = gravity(gz=values)
    values[0] = 99.0
    assert part.gz[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        part.gz[0] = 5.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.gz = values
    part.data().dobs[0] = 7.0
    assert part.gz[0] == 1.0


@pytest.mark.parametrize(
    ("build", "changes", "kind", "match"),
    [
        (gravity, {"locations": LOCATIONS[:, :2]}, ValueError, r"got shape \(3, 2\), wanted \(n, 3\)"),
        (gravity, {"locations": LOCATIONS[:0]}, ValueError, "got shape"),
        (gravity, {"gz": VALUES[:2]}, ValueError, r"GravityData.gz: got shape \(2,\), wanted \(3,\)"),
        (gravity, {"gz": [1.0, np.nan, 2.0]}, ValueError, "GravityData.gz: got 1 of 3 entries that are NaN"),
        (gravity, {"gz": "abc"}, TypeError, "GravityData.gz: got str"),
        (gravity, {"uncertainty": 0.0}, ValueError, "uncertainty: got 0 .* wanted"),
        (magnetics, {"tmi": [[1.0, 2.0, 3.0]]}, ValueError, r"MagneticData.tmi: got shape \(1, 3\)"),
        (magnetics, {"uncertainty": [1.0, -1.0, 1.0]}, ValueError, "MagneticData.uncertainty: got -1"),
        (magnetics, {"inducing_field": 50_000.0}, TypeError, "inducing_field: got 50000.0, wanted 3 entries"),
        (magnetics, {"inducing_field": (1.0, 2.0)}, ValueError, "inducing_field: got 2 entries"),
        (magnetics, {"inducing_field": (-1.0, 60.0, 0.0)}, ValueError, "amplitude: got -1.0"),
        (magnetics, {"inducing_field": (60.0, 50_000.0, 0.0)}, ValueError, "50000, wanted -90 to 90"),
        (magnetics, {"inducing_field": ("a", 60.0, 0.0)}, TypeError, "amplitude: got 'a'"),
    ],
)  # fmt: skip
def test_refusals_name_what_came_and_what_was_wanted(build, changes, kind, match):
    with pytest.raises(kind, match=match):
        build(**changes)


def test_dataset_holds_mesh_and_models():
    active = np.arange(8) < 6
    dataset = datasets.GravityMagneticDataset(
        "six", gravity(), magnetics(), mesh=MESH, active_cells=active, true_models={"density": np.ones(6)}
    )
    active[:] = False
    assert dataset.active_cells.sum() == 6
    everything = datasets.GravityMagneticDataset("eight", gravity(), magnetics(), mesh=MESH)
    assert everything.active_cells.all()


@pytest.mark.parametrize("absent", ["gravity", "magnetics"])
def test_dataset_of_one_kind(absent):
    parts = {"gravity": gravity(), "magnetics": magnetics(), absent: None}
    dataset = datasets.GravityMagneticDataset("one", mesh=MESH, published_models={"L2": {}}, **parts)
    assert getattr(dataset, absent) is None


@pytest.mark.parametrize(
    ("changes", "kind", "match"),
    [
        ({"gravity": magnetics()}, TypeError, "gravity: got MagneticData, wanted GravityData"),
        ({"gravity": None, "magnetics": None}, ValueError, "got neither gravity nor magnetics"),
        ({"true_models": {"density": np.ones(8)}}, ValueError, "true_models: got no mesh with it"),
        ({"published_models": {"L2": {}}}, ValueError, "published_models: got no mesh with it"),
        ({"mesh": MESH, "published_models": {"L2": {"density": np.ones(7)}}}, ValueError, r"\['L2'\]\['density'\]"),
        ({"active_cells": np.ones(8, dtype=bool)}, ValueError, "active_cells: got no mesh with it"),
        ({"mesh": MESH, "active_cells": np.ones(8)}, ValueError, "active_cells: got float64 of shape"),
        ({"mesh": MESH, "true_models": {"density": np.ones(7)}}, ValueError, r"\(7,\), wanted \(8,\)"),
    ],
)  # fmt: skip
def test_dataset_refusals(changes, kind, match):
    with pytest.raises(kind, match=match):
        datasets.GravityMagneticDataset(**{"name": "x", "gravity": gravity(), "magnetics": magnetics(), **changes})
