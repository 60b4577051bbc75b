"""The published blocks: the CSV to the digit, the truth that explains the data, and the published baselines."""

import gzip

import numpy as np
import pytest

from simpeg_jointdl import datasets
from simpeg_jointdl.datasets.catalogue import _sources


@pytest.fixture(scope="module")
def load():
    """Each size once: the mesh takes seconds to read."""
    kept = {}
    return lambda size: kept.get(size) or kept.setdefault(size, datasets.load("camp_blocks", size=size))


@pytest.mark.parametrize(("size", "file", "n"), [("full", "", 70 * 86), ("small", "_small", 24 * 29)])
def test_data_are_the_csv_with_gravity_positive_up(field_data, load, size, file, n):
    blocks = load(size)
    gravity, magnetics = blocks.gravity, blocks.magnetics
    rows = {
        part: np.loadtxt(field_data / "camp_blocks" / f"{part}{file}.csv", delimiter=",", skiprows=1)
        for part in ("gravity", "magnetics")
    }
    assert len(gravity.gz) == len(magnetics.tmi) == n
    wanted = np.column_stack([gravity.locations, -gravity.gz, gravity.uncertainty])
    np.testing.assert_array_equal(wanted, rows["gravity"])
    wanted = np.column_stack([magnetics.locations, magnetics.tmi, magnetics.uncertainty])
    np.testing.assert_array_equal(wanted, rows["magnetics"])
    assert magnetics.inducing_field == (55_000.0, 90.0, 0.0)
    assert (set(gravity.uncertainty), set(magnetics.uncertainty)) == ({0.05}, {1.0})


def test_truth_is_the_block_and_its_wedge_shaped_core(field_data, load):
    """1 km wide in the south and 2 km in the north, as the published script draws it; our README says 2 km."""
    blocks = load("small")
    assert blocks.mesh.n_cells == 135_944
    assert blocks.active_cells.all()
    assert blocks.license.startswith("MIT")
    density, susceptibility = blocks.true_models["density"], blocks.true_models["susceptibility"]
    x, y, z = blocks.mesh.cell_centers.T
    block = (np.abs(x) < 2500) & (np.abs(y) < 5000) & (z > -1300) & (z < -300)
    core = block & (np.abs(x) < np.select([y < -2500, y < 2500], [500, 750], 1000))
    np.testing.assert_array_equal(density, np.where(core, 0.1, np.where(block, -0.2, 0.0)))
    np.testing.assert_array_equal(susceptibility, np.where(core, 0.05, np.where(block, 0.15, 0.0)))
    with np.load(field_data / "camp_blocks" / "true_models.npz") as models:
        np.testing.assert_allclose(density, models["density_gcc"], atol=1e-8)
        np.testing.assert_allclose(susceptibility, models["susceptibility_SI"], atol=1e-8)


def test_truth_leaves_the_noise(field_data, load, forward):
    blocks = load("small")
    for values, noise in zip(forward(blocks), (0.05, 1.0), strict=True):
        observed = blocks.gravity.gz if noise == 0.05 else blocks.magnetics.tmi
        residual = observed - values
        assert residual.std() == pytest.approx(noise, rel=0.08)  # three standard errors of 696 data
        assert abs(residual.mean()) < 4 * noise / np.sqrt(len(residual))


@pytest.mark.parametrize(
    ("method", "density", "susceptibility"),
    [
        (None, 0.0759, 0.0554),
        ("L2", 0.0570, 0.0326),
        ("Lp", 0.0440, 0.0259),
        ("joint PGI", 0.0575, 0.0345),
    ],
)
def test_published_baselines(field_data, load, method, density, susceptibility):
    """Volume-weighted over the cells whose centre is within 4 and 7 km, and 2.5 km of depth; None is zero."""
    blocks = load("small")
    x, y, z = blocks.mesh.cell_centers.T
    volumes = blocks.mesh.cell_volumes * ((np.abs(x) < 4000) & (np.abs(y) < 7000) & (z > -2500))
    for name, wanted in (("density", density), ("susceptibility", susceptibility)):
        model = blocks.published_models[method][name] if method else 0.0
        error = model - blocks.true_models[name]
        assert np.sqrt(np.average(error**2, weights=volumes)) == pytest.approx(wanted, abs=5e-5)


def test_files_as_downloaded_and_without_published_models(field_data, load, monkeypatch, tmp_path):
    """Our folder holds some compressed; the public address has them plain, and no published models."""
    for name, file in _sources.REGISTRY.items():
        if name.startswith("camp"):
            content = _sources.fetch(name).read_bytes()
            path = tmp_path / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    monkeypatch.setenv("SIMPEG_JOINTDL_DATA", str(tmp_path))
    plain, ours = datasets.load("camp_blocks", size="small"), load("small")
    assert plain.published_models is None
    np.testing.assert_array_equal(plain.mesh.cell_centers, ours.mesh.cell_centers)
    for key, model in ours.true_models.items():
        np.testing.assert_array_equal(plain.true_models[key], model)


def test_unknown_size():
    with pytest.raises(ValueError, match=r"camp_blocks.size: got 'tiny', wanted one of \['full', 'small'\]"):
        datasets.load("camp_blocks", size="tiny")
