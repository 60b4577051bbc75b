"""Gravity and magnetics in the Fourier domain: agreement with prisms, and estimates that fit the data."""

import numpy as np
import pytest
import torch
from discretize import TensorMesh
from simpeg import maps

from simpeg_jointdl.kernels import field_direction
from simpeg_jointdl.networks.gravmag import _physics as physics
from simpeg_jointdl.potential_fields import gravity, magnetics

SHAPE = (6, 10, 12)  # nz, ny, nx
CELL, HEIGHT, FIELD = 50.0, 0.4, (52_000.0, -35.0, 62.0)


def simulations():
    nz, ny, nx = SHAPE
    mesh = TensorMesh([[(CELL, nx)], [(CELL, ny)], [(CELL, nz)]], origin="00N")
    x, y = np.meshgrid(mesh.cell_centers_x, mesh.cell_centers_y)
    locations = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, HEIGHT * CELL)])
    receivers = (
        gravity.receivers.Point(locations, components="gz"),
        magnetics.receivers.Point(locations, components="tmi"),
    )
    field = dict(zip(("amplitude", "inclination", "declination"), FIELD, strict=True))
    surveys = (
        gravity.survey.Survey(gravity.sources.SourceField([receivers[0]])),
        magnetics.survey.Survey(magnetics.sources.UniformBackgroundField([receivers[1]], **field)),
    )
    options = {"engine": "toeplitz", "sensitivity_dtype": np.float64}
    identity = maps.IdentityMap(nP=mesh.n_cells)
    return (
        gravity.Simulation3DIntegral(mesh, survey=surveys[0], rhoMap=identity, **options),
        magnetics.Simulation3DIntegral(mesh, survey=surveys[1], chiMap=identity, **options),
    )


def kernels(dtype=torch.float64, direction=FIELD[1:]):
    spectra = physics.prism_spectra(torch.tensor([HEIGHT], dtype=torch.float64), SHAPE, dtype)
    unit = torch.tensor([field_direction(*direction)], dtype=dtype)
    return physics.gravity_kernels(spectra), physics.magnetic_kernels(spectra, unit)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-6)])
def test_data_agree_with_the_toeplitz_engine(dtype, tolerance):
    model = np.random.default_rng(0).standard_normal(SHAPE)
    units = (CELL, FIELD[0])
    for simulation, kernel, unit in zip(simulations(), kernels(dtype), units, strict=True):
        wanted = simulation.dpred(model[::-1].ravel())
        found = unit * physics.convolved(torch.as_tensor(model[None], dtype=dtype), kernel).numpy().ravel()
        assert np.abs(found - wanted).max() < tolerance * np.abs(wanted).max()


def test_autograd_is_the_adjoint():
    rng = np.random.default_rng(1)
    data = rng.standard_normal(SHAPE[1:])
    for simulation, kernel, unit in zip(simulations(), kernels(), (CELL, FIELD[0]), strict=True):
        model = torch.zeros((1, *SHAPE), dtype=torch.float64, requires_grad=True)
        (unit * physics.convolved(model, kernel) * torch.as_tensor(data)).sum().backward()
        wanted = simulation.Jtvec(np.zeros(model.numel()), data.ravel())
        np.testing.assert_allclose(model.grad.numpy()[0, ::-1].ravel(), wanted, atol=1e-10 * np.abs(wanted).max())


def test_samples_of_a_batch_are_independent():
    rng = np.random.default_rng(2)
    models = torch.as_tensor(rng.standard_normal((3, *SHAPE)))
    directions = torch.tensor([field_direction(*angles) for angles in ((90, 0), (-20, 130), (5, -60))]).double()
    heights = torch.tensor([0.1, 1.0, 2.5], dtype=torch.float64)
    spectra = physics.prism_spectra(heights, SHAPE, torch.float64)
    together = physics.convolved(models, physics.magnetic_kernels(spectra, directions))
    for i in range(3):
        alone = physics.prism_spectra(heights[i : i + 1], SHAPE, torch.float64)
        kernel = physics.magnetic_kernels(alone, directions[i : i + 1])
        torch.testing.assert_close(physics.convolved(models[i : i + 1], kernel)[0], together[i])


def test_an_infinite_slab_has_its_attraction():
    prior = physics.PriorEstimate(SHAPE)
    assert float(prior._gravity[0, 0]) == pytest.approx(-1.0)
    assert pytest.approx(0.0419, abs=1e-4) == physics.SLAB  # mGal/m of 1 g/cc


@pytest.mark.parametrize("angles", [(90.0, 0.0), (-65.0, 200.0), (45.0, 10.0), (-30.0, 120.0)])
def test_the_estimate_fits_the_data_and_finds_the_body_in_plan(angles):
    shape = (16, 32, 32)
    model = torch.zeros((1, *shape))
    model[:, 2:7, 8:14, 18:25] = 1.0
    height, noise = torch.tensor([0.5]), torch.tensor([0.03])
    spectra, direction = physics.prism_spectra(height, shape), torch.tensor([field_direction(*angles)])
    prior = physics.PriorEstimate(shape)
    gravity_kernel, magnetic_kernel = physics.gravity_kernels(spectra), physics.magnetic_kernels(spectra, direction)
    gz, tmi = physics.convolved(model, gravity_kernel) / physics.SLAB, physics.convolved(model, magnetic_kernel)
    for data, kernel, scale, estimate in (
        (gz, gravity_kernel, physics.SLAB, lambda unit: prior.gravity(unit, noise, height)),
        (tmi, magnetic_kernel, 1.0, lambda unit: prior.magnetic(unit, noise, height, direction)),
    ):
        rms = data.square().mean().sqrt()
        found = estimate(data / rms) * rms
        misfit = physics.convolved(found, kernel) / scale - data
        assert float(misfit.square().mean().sqrt() / rms) < 0.3
        peak = int(found.sum(1).argmax())
        assert 8 <= peak // 32 < 14
        assert 18 <= peak % 32 < 25
