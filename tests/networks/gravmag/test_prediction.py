"""Predictions from data of SimPEG, arrays, scattered stations, large grids and grids with gaps; and bad input."""

import logging

import numpy as np
import pytest
import torch
from simpeg.data import Data
from simpeg.potential_fields import gravity, magnetics

from simpeg_jointdl import datasets, networks
from simpeg_jointdl.kernels import field_direction
from simpeg_jointdl.networks.gravmag import _physics as physics

CELL, FIELD = 40.0, (50_000.0, 60.0, -20.0)


@pytest.fixture(scope="module")
def network():
    network = networks.GravMagUNet(widths=(8, 16), n_lifted=8, random_seed=3).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for weight in network.parameters():
        weight += 0.02 * torch.randn(weight.shape, generator=generator)
    return network


def make_arrays(n=32):
    """Return gz in mGal and the total field anomaly in nT of a body, (n, n), half a cell above the ground."""
    model = torch.zeros((1, 16, n, n))
    model[:, 2:6, 10:16, 18:24] = 1.0
    spectra = physics.prism_spectra(torch.tensor([0.5]), (16, n, n))
    kernels = (
        physics.gravity_kernels(spectra),
        physics.magnetic_kernels(spectra, torch.tensor([field_direction(*FIELD[1:])])),
    )
    noise = np.random.default_rng(0).standard_normal((2, n, n))
    gz, tmi = (
        physics.convolved(scale * model, kernel)[0].double().numpy()
        for scale, kernel in zip((0.4, 0.05), kernels, strict=True)
    )
    return CELL * gz + 0.01 * noise[0], FIELD[0] * tmi + noise[1]


GZ, TMI = make_arrays()
PLACE = {"cell_size": CELL, "height": 0.5 * CELL, "inducing_field": FIELD}


def make_locations(n=32, corner=(0.0, 0.0), ground=0.0):
    x, y = np.meshgrid(corner[0] + CELL * (np.arange(n) + 0.5), corner[1] + CELL * (np.arange(n) + 0.5))
    return np.column_stack([x.ravel(), y.ravel(), np.full(x.size, ground + 0.5 * CELL)])


def make_data(locations, gz=GZ, tmi=TMI):
    gravity_survey = gravity.survey.Survey(
        gravity.sources.SourceField([gravity.receivers.Point(locations, components="gz")])
    )
    receivers = [magnetics.receivers.Point(locations, components="tmi")]
    field = dict(zip(("amplitude", "inclination", "declination"), FIELD, strict=True))
    magnetic_survey = magnetics.survey.Survey(magnetics.sources.UniformBackgroundField(receivers, **field))
    return (
        Data(gravity_survey, dobs=np.ravel(gz), standard_deviation=0.01),
        Data(magnetic_survey, dobs=np.ravel(tmi), standard_deviation=1.0),
    )


def assert_same(one, two, tolerance=1e-4):
    for name in ("density", "susceptibility", "boundary"):
        a, b = getattr(one, name), getattr(two, name)
        assert np.abs(a - b).max() < tolerance * np.abs(b).max()


# data -------------------------------------------------------------------------------------------
def test_arrays_are_predicted_from(network):
    found = network.predict(GZ, TMI, **PLACE, origin=(1000.0, 2000.0), ground=300.0)
    assert isinstance(found, networks.GravMagPrediction)
    assert found.mesh.shape_cells == (32, 32, 16)
    np.testing.assert_allclose(found.mesh.origin, [1000.0, 2000.0, 300.0 - 16 * CELL])
    assert found.density.shape == found.susceptibility.shape == found.boundary.shape == (32 * 32 * 16,)
    assert found.n_masked == {"gravity": 0, "magnetic": 0}
    assert found.susceptibility.min() >= 0.0
    assert 0.0 <= found.boundary.min() <= found.boundary.max() <= 1.0


def test_models_are_in_the_order_of_simpeg():
    linear = networks.GravMagUNet(widths=(8, 16), n_lifted=8)
    torch.nn.init.zeros_(linear.layers.head.weight)  # leaves the linear estimate, which finds the body in plan
    found = linear.predict(GZ, TMI, **PLACE)
    for model in (found.density, found.susceptibility):
        x, y, z = found.mesh.cell_centers[model.argmax()]
        assert 18 * CELL < x < 24 * CELL
        assert 10 * CELL < y < 16 * CELL
        assert -8 * CELL < z < 0


def test_data_of_simpeg_agree_with_arrays(network):
    noise = {"gravity_noise": 0.01, "magnetic_noise": 1.0}
    wanted = network.predict(GZ, TMI, **PLACE, **noise)
    order = np.random.default_rng(1).permutation(GZ.size)
    for ground in (0.0, 250.0):
        locations = make_locations(ground=ground)[order]
        data = make_data(locations, GZ.ravel()[order], TMI.ravel()[order])
        found = network.predict(*data, ground=ground)
        assert_same(found, wanted)
        np.testing.assert_allclose(found.mesh.origin, [0.0, 0.0, ground - 16 * CELL], atol=1e-6)
    assert_same(network.predict(*data, height=0.5 * CELL), wanted)  # the elevation of the ground is unknown
    assert network.mesh_for(*data, ground=250.0).n_cells == 32 * 32 * 16
    parts = (
        datasets.GravityData(locations, GZ.ravel()[order], 0.01),
        datasets.MagneticData(locations, TMI.ravel()[order], 1.0, FIELD),
    )
    assert_same(network.predict(*parts, ground=250.0), wanted)


def test_one_network_serves_any_cell_size_and_field(network):
    wanted = network.predict(GZ, TMI, **PLACE)
    larger = {"cell_size": 10 * CELL, "height": 5 * CELL, "inducing_field": (25_000.0, *FIELD[1:])}
    assert_same(network.predict(10 * GZ, 0.5 * TMI, **larger), wanted)


def test_one_grid_alone_is_enough(network):
    dense, magnetic = network.predict(GZ, **PLACE), network.predict(magnetic_data=TMI, **PLACE)
    assert dense.n_masked == {"gravity": 0}
    assert magnetic.n_masked == {"magnetic": 0}
    assert network.predict(GZ, cell_size=CELL, height=20.0).density.shape == (16384,)


def test_nan_values_are_masked_and_counted(network, caplog):
    gaps = GZ.copy()
    gaps[3:6, 20:23] = np.nan
    copy = gaps.copy()
    with caplog.at_level(logging.INFO, "simpeg_jointdl"):
        found = network.predict(gaps, TMI, **PLACE)
    assert found.n_masked == {"gravity": 9, "magnetic": 0}
    assert "9 of 1024 gravity values are NaN and masked" in caplog.text
    assert np.isfinite(found.density).all()
    np.testing.assert_array_equal(gaps, copy)
    mask = network.prepare(gaps, TMI, **PLACE).grids.gravity_mask[0]
    assert torch.equal(~mask, torch.as_tensor(np.isnan(gaps)))


def test_masked_entries_of_arrays_are_gaps(network):
    gz = np.array(GZ)
    gz[3:8, 4:9] = np.nan
    masked = np.ma.masked_invalid(gz)
    masked.data[3:8, 4:9] = -99999.0
    wanted, found = (network.predict(one, TMI, **PLACE) for one in (gz, masked))
    assert found.n_masked == wanted.n_masked
    np.testing.assert_array_equal(found.density, wanted.density)


def test_a_profile_is_refused(network):
    locations = make_locations()
    line = np.arange(32) * 33  # a diagonal
    _, magnetic_data = make_data(locations)
    alone = Data(make_data(locations[line], GZ.ravel()[line], TMI.ravel()[line])[0].survey, dobs=GZ.ravel()[line])
    for other in (None, magnetic_data):
        with pytest.raises(ValueError, match="gravity_data: its 32 stations with values are on one line"):
            network.predict(alone, other, ground=0.0)
    one_row = np.full_like(GZ, np.nan)
    one_row[4] = GZ[4]
    with pytest.raises(ValueError, match="on one line"):
        network.predict(one_row, **PLACE)
    two = np.full_like(GZ, np.nan)
    two[4, 5:7] = GZ[4, 5:7]
    with pytest.raises(ValueError, match="2 of 1024 values are not NaN, wanted at least 4"):
        network.predict(two, **PLACE)


def test_scattered_stations_are_interpolated(network):
    rng = np.random.default_rng(2)
    kept = rng.permutation(GZ.size)[:700]
    locations = make_locations()[kept] + np.array([1.0, 1.0, 0.0]) * rng.uniform(-5.0, 5.0, (700, 1))
    found = network.prepare(*make_data(locations, GZ.ravel()[kept], TMI.ravel()[kept]), cell_size=CELL)
    mask = found.grids.gravity_mask[0]
    assert float(mask.float().mean()) > 0.85
    values = found.grids.gravity[0].numpy() * CELL * physics.SLAB
    ny, nx = found.plan_grid.n_cells[::-1]
    inner = (slice(4, min(ny, 32) - 4), slice(4, min(nx, 32) - 4))
    assert np.abs(values - GZ)[inner].max() < 0.35 * np.abs(GZ).max()
    assert np.median(np.abs(values - GZ)[inner]) < 0.03 * np.abs(GZ).max()


def test_cells_that_are_not_square_are_resampled(network):
    found = network.predict(GZ[:, ::2], TMI[:, ::2], **PLACE | {"cell_size": (2 * CELL, CELL)})
    np.testing.assert_allclose(found.mesh.h[0], 2 * CELL)
    np.testing.assert_allclose(found.mesh.h[1], 2 * CELL)
    assert found.mesh.shape_cells[0] == 16
    assert found.mesh.shape_cells[1] in (16, 17)


@pytest.mark.parametrize("shape", [(20, 32), (9, 14)])
def test_small_grids_are_surrounded_by_masked_cells(network, shape):
    ny, nx = shape
    prepared = network.prepare(GZ[:ny, :nx] + GZ.T[:ny, :nx], TMI[:ny, :nx], **PLACE)
    assert prepared.mesh.shape_cells == (nx, ny, 16)
    assert int(prepared.grids.gravity_mask.sum()) == ny * nx
    models = network(prepared.grids)
    assert prepared.join(models.density).shape == (nx * ny * 16,)


def test_large_grids_are_tiled_and_blended(network):
    gz, tmi = make_arrays(70)
    prepared = network.prepare(gz[:50], tmi[:50], **PLACE)
    assert prepared.plan_grid.starts == [(x, y) for y in (0, 9, 18) for x in (0, 13, 25, 38)]
    cell = np.arange(70 * 50, dtype=float).reshape(50, 70)
    tiles = torch.as_tensor(prepared.plan_grid.cut(cell, np.nan))[:, None].expand(-1, 16, -1, -1)
    joined = prepared.join(tiles).reshape(16, 50, 70)
    np.testing.assert_allclose(joined[0].numpy(), cell, atol=1e-9)  # blending equal values changes nothing
    found = network.predict(gz[:50], tmi[:50], **PLACE)
    assert found.mesh.shape_cells == (70, 50, 16)
    assert np.isfinite(found.density).all()


def test_models_on_the_mesh_are_differentiable(network):
    prepared = network.prepare(GZ, TMI, **PLACE)
    gain = network.gains.clone().requires_grad_(True)
    models = torch.func.functional_call(network, {"gains": gain}, (prepared.grids,))
    prepared.join(models.density).square().sum().backward()
    assert gain.grad[0] != 0.0


def test_relief_gives_a_warning(network, caplog):
    locations = make_locations()
    locations[:, 2] += 30.0 * np.sin(locations[:, 0] / 100.0)
    with caplog.at_level(logging.WARNING, "simpeg_jointdl"):
        network.predict(*make_data(locations))
    assert "the elevations of the gravity stations differ by 60 m, 1.5 cells; their median is used" in caplog.text


# bad input ----------------------------------------------------------------------------------------------
NO_PLACE = {"cell_size": None, "height": None}


@pytest.mark.parametrize(
    ("gz", "tmi", "change", "message"),
    [
        (None, None, {}, "got neither gravity_data nor magnetic_data"),
        (GZ[:20], TMI, {}, r"gravity_data has shape \(20, 32\), magnetic_data \(32, 32\), wanted arrays of one area"),
        (GZ, TMI, {"inducing_field": None}, "the magnetic data have no inducing field, wanted inducing_"),
        (GZ, TMI, {"inducing_field": (50.0, 60.0, 0.0)}, r"inducing_field: got \(50.0, 60.0, 0.0\), wanted"),
        (GZ, TMI, {"inducing_field": (5e4, 95.0, 0.0)}, "-90 to 90"),
        (GZ, TMI, {"inducing_field": 60.0}, r"inducing_field: got 60\.0, wanted inducing_field=\(amplitude"),
        (0 * GZ + 3.0, TMI, {}, "gravity_data: all 1024 values are 3, so there is no anomaly"),
        (GZ, np.zeros_like(TMI), {}, "magnetic_data: all 1024 values are 0"),
        (np.full_like(GZ, np.nan), TMI, {}, "gravity_data: all 1024 values are NaN"),
        (np.where(np.median(GZ) > GZ, GZ, np.inf), TMI, {}, "gravity_data: 512 values are infinite"),
        (1e-5 * GZ, TMI, {}, r"gravity_data: .* Wanted mGal; if the data are in m/s², multiply by 1e5"),
        (1e5 * GZ, TMI, {}, r"gravity_data: .* if the data are in µGal or nm/s², multiply by 1e-3"),
        (GZ, 1e-9 * TMI, {}, r"magnetic_data: .* Wanted nT; if the data are in T, multiply by 1e9"),
        (GZ, TMI, NO_PLACE, "gravity_data: got an array, which has no locations. Pass cell_size= and height="),
        (GZ.ravel(), None, {}, r"gravity_data: got an array of shape \(1024,\), wanted \(ny, nx\)"),
        (GZ, None, {"cell_size": -3.0}, r"cell_size: got -3\.0, wanted a finite number above 0"),
        (GZ, None, {"cell_size": (1.0, 2.0, 3.0)}, r"wanted one number in m, or \(dx, dy\)"),
        (GZ, None, {"height": 0.0}, r"height: got 0\.0, wanted a finite number above 0"),
        (GZ, None, {"height": (1.0, 2.0, 3.0)}, r"wanted one number in m, or \(gravity, magnetics\)"),
        (
            GZ,
            None,
            {"height": 200.0},
            "gravity data are 200 m above the ground, which is 5 cells of 40 m, wanted above 0",
        ),
        (GZ, None, {"gravity_noise": -1.0}, r"gravity_noise: got \[-1.\], wanted standard deviations of at least 0"),
        (GZ[:3], None, {}, "make a grid of 32 x 3 cells, wanted at least 4 along each side"),
    ],
)
def test_bad_data_are_refused(network, gz, tmi, change, message):
    with pytest.raises(ValueError, match=message):
        network.predict(gz, tmi, **PLACE | change)


def test_strings_are_refused(network):
    with pytest.raises(TypeError, match="gravity_data: got str, wanted data of SimPEG"):
        network.predict("gz.csv", **PLACE)


def test_surveys_of_other_areas_and_components_are_refused(network):
    near, far = make_data(make_locations()), make_data(make_locations(corner=(900.0, 0.0)))
    with pytest.raises(ValueError, match=r"of different areas: x 20 to 1260, y 20 to 1260 m, and x 920 to 2160"):
        network.predict(near[0], far[1])
    with pytest.raises(ValueError, match="magnetic_data: got a survey of gz, wanted 'tmi' alone"):
        network.predict(magnetic_data=near[0])
    with pytest.raises(ValueError, match=r"gravity data are -30 m above the ground.* Pass ground="):
        network.predict(near[0], ground=50.0)


def test_errors_name_the_method_that_was_called(network):
    for method in (network.predict, network.prepare, network.mesh_for):
        with pytest.raises(ValueError, match=rf"^GravMagUNet.{method.__name__}.cell_size: got -1"):
            method(GZ, cell_size=-1, height=20.0)
