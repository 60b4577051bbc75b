"""The published two bodies: the CSV to its digits, and the truth that explains the data."""

import numpy as np
import pytest

from simpeg_jointdl import datasets


@pytest.fixture
def table(field_data):
    return lambda name: np.loadtxt(field_data / "two_bodies" / f"two_bodies_{name}.csv", delimiter=",", skiprows=1)


def test_data_are_the_csv_with_gravity_positive_up(table):
    """The CSV rounds what the original files give to four digits."""
    bodies = datasets.load("two_bodies")
    gravity, magnetics = bodies.gravity, bodies.magnetics
    assert len(np.unique(gravity.locations[:, 0])) * len(np.unique(gravity.locations[:, 1])) == 30 * 20 == 600
    rows = table("gravity")
    np.testing.assert_array_equal(gravity.locations, rows[:, :3])
    np.testing.assert_allclose(-gravity.gz, rows[:, 4], atol=0.5001e-4, rtol=0)
    np.testing.assert_array_equal(gravity.uncertainty, rows[:, 5])
    rows = table("magnetics")
    np.testing.assert_array_equal(magnetics.locations, rows[:, :3])
    np.testing.assert_allclose(magnetics.tmi, rows[:, 4], atol=0.5001e-3, rtol=0)
    np.testing.assert_array_equal(magnetics.uncertainty, rows[:, 5])
    assert magnetics.inducing_field == (40_000.0, 45.0, 15.0)
    assert gravity.gz.min() < -2 * gravity.gz.max()  # the dense body is the larger: down is where it pulls
    assert bodies.license.startswith("BSD 2-Clause")


def test_truth_is_the_csv(table):
    bodies, rows = datasets.load("two_bodies"), table("true_model")
    assert bodies.mesh.shape_cells == (30, 20, 15)
    assert bodies.mesh.n_cells == len(rows) == 9000
    assert bodies.active_cells.all()
    cells = bodies.mesh.point2index(rows[:, :3])
    np.testing.assert_array_equal(bodies.mesh.cell_centers[cells], rows[:, :3])
    density, susceptibility = bodies.true_models["density"], bodies.true_models["susceptibility"]
    np.testing.assert_array_equal(density[cells], rows[:, 3])
    np.testing.assert_allclose(susceptibility[cells], rows[:, 5], atol=1e-6)
    np.testing.assert_array_equal(np.sign(density), np.sign(susceptibility))
    assert ((density > 0).sum(), (density < 0).sum()) == (510, 80)


def test_truth_leaves_nothing_of_the_noise_free_data_and_the_noise_of_the_others(table, forward):
    bodies = datasets.load("two_bodies")
    gz, tmi = forward(bodies)
    assert np.std(-gz - table("gravity")[:, 3]) < 0.00046
    assert np.std(tmi - table("magnetics")[:, 3]) < 0.0095
    assert np.std(bodies.gravity.gz - gz) == pytest.approx(0.107, rel=0.01)
    assert np.std(bodies.magnetics.tmi - tmi) == pytest.approx(11.25, rel=0.01)


def test_it_takes_no_options():
    with pytest.raises(TypeError, match="size"):
        datasets.load("two_bodies", size="small")
