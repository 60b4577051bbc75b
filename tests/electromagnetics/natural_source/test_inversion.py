"""A short line, laterally constrained, to its noise: by SimPEG's minimizer and by ours, alone and coupled."""

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import data, data_misfit, directives, inverse_problem, inversion, maps, optimization, regularization

from simpeg_jointdl import optimization as our_optimization
from simpeg_jointdl.directives import UpdateJointPreconditioner
from simpeg_jointdl.electromagnetics import natural_source
from simpeg_jointdl.regularization import CrossGradient

N_STATIONS, N_LAYERS = 6, 12
THICKNESSES = np.geomspace(30.0, 400.0, N_LAYERS - 1)
N = N_STATIONS * N_LAYERS


def make_problem(n_properties=1):
    """Conductor in the middle of a line; 5 % and 1.5 degrees. Log resistivity: layers fastest, as the mesh has them."""
    locations = np.c_[500.0 * np.arange(N_STATIONS), np.zeros((N_STATIONS, 2))]
    survey = natural_source.create_survey(locations, np.geomspace(0.1, 1000.0, 10), orientation="yx")
    wires = maps.Wires(*[(f"p{i}", N) for i in range(n_properties)])
    simulation = natural_source.Simulation1DStitched(survey, THICKNESSES, rhoMap=maps.ExpMap(nP=N) * wires.p0)
    true = np.full((N_STATIONS, N_LAYERS), np.log(300.0))
    true[2:4, 4:8] = np.log(10.0)
    model = np.tile(true.ravel(), n_properties)
    clean = simulation.dpred(model)
    is_phase = np.arange(clean.size) // N_STATIONS % 2 == 1
    deviation = np.where(is_phase, 1.5, 0.05 * np.abs(clean))
    observed = clean + deviation * np.random.default_rng(0).standard_normal(clean.size)
    misfit = data_misfit.L2DataMisfit(data.Data(survey, observed, standard_deviation=deviation), simulation)
    mesh = TensorMesh([np.r_[THICKNESSES, 400.0], np.full(N_STATIONS, 500.0)])
    return misfit, mesh, wires, true.ravel()


def invert(misfit, terms, optimizer, start):
    optimizer.printers = []
    problem = inverse_problem.BaseInvProblem(misfit, terms, optimizer, print_version=False, init_bfgs=False)
    steps = [
        directives.BetaEstimate_ByEig(beta0_ratio=10.0, random_seed=0),
        directives.BetaSchedule(coolingFactor=3.0, coolingRate=1),
        directives.TargetMisfit(),
        UpdateJointPreconditioner(),
    ]
    model = inversion.BaseInversion(problem, directiveList=steps).run(start)
    return model, problem.phi_d / misfit.data.nD


def smoothness(mesh, mapping):
    return regularization.WeightedLeastSquares(mesh, mapping=mapping, alpha_s=1e-6, alpha_x=1.0, alpha_y=1.0)


MINIMIZERS = {
    "SimPEG's": optimization.ProjectedGNCG,
    "on tensors": our_optimization.ProjectedGNCG,
    "bounded": our_optimization.BoundedGaussNewton,
}


@pytest.mark.parametrize("minimizer", MINIMIZERS.values(), ids=MINIMIZERS)
def test_a_line_to_its_noise(minimizer):
    misfit, mesh, wires, true = make_problem()
    start = np.full(N, np.log(100.0))
    optimizer = minimizer(maxIter=25, lower=0.0, upper=12.0, cg_maxiter=30, cg_rtol=1e-3)
    model, chi = invert(misfit, smoothness(mesh, wires.p0), optimizer, start)
    assert chi <= 1.0
    assert getattr(optimizer, "fallbacks", ()) == ()  # nothing went through numpy
    found, wanted = (m.reshape(N_STATIONS, N_LAYERS) for m in (model, true))
    inside, outside = wanted < 4.0, wanted > 4.0
    assert found[inside].mean() < np.log(30.0)
    assert abs(np.median(found[outside]) - np.log(300.0)) < 0.5
    assert np.corrcoef(model, true)[0, 1] > 0.8


def test_with_a_coupling_on_tensors():
    """A second property, of no data, follows the first through the coupling."""
    misfit, mesh, wires, _ = make_problem(n_properties=2)
    terms = smoothness(mesh, wires.p0) + smoothness(mesh, wires.p1) + 10.0 * CrossGradient(mesh, wires)
    optimizer = our_optimization.ProjectedGNCG(maxIter=25, lower=0.0, upper=12.0, cg_maxiter=30, cg_rtol=1e-3)
    start = np.r_[np.full(N, np.log(100.0)), np.tile(np.linspace(1.0, 2.0, N_LAYERS), N_STATIONS)]
    _, chi = invert(misfit, terms, optimizer, start)
    assert chi <= 1.0
    assert optimizer.fallbacks == ()
