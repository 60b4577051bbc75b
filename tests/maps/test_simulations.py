"""Networks in SimPEG's own simulations, as it comes."""

import numpy as np
import pymatsolver
import pytest
from discretize import TensorMesh
from simpeg import data_misfit, inverse_problem, inversion, maps, optimization, regularization
from simpeg.electromagnetics import natural_source
from simpeg.electromagnetics.static import resistivity
from simpeg.potential_fields import gravity, magnetics

from simpeg_jointdl import maps as our_maps
from simpeg_jointdl import optimization as our_optimization
from simpeg_jointdl import potential_fields
from simpeg_jointdl import regularization as couplings
from tests.maps.problem import network

MESH = TensorMesh([4, 4, 3], origin="CCN")
XY = np.stack(np.meshgrid([-0.3, 0.0, 0.3], [-0.3, 0.0, 0.3]), axis=-1).reshape(-1, 2)
STATIONS = np.column_stack([XY, np.full(9, 0.1)])


def inr(mesh=MESH, n_properties=1, **options):
    net = network(n_properties, mesh.dim, activation="tanh", last_scale=1.0)
    return our_maps.INRMap(mesh, network=net, n_properties=n_properties, **options)


def gravity_simulation(mapping, simulation=gravity.Simulation3DIntegral):
    source = gravity.SourceField([gravity.Point(STATIONS, components="gz")])
    return simulation(MESH, survey=gravity.Survey(source), rhoMap=mapping)


def magnetic_simulation(mapping):
    source = magnetics.UniformBackgroundField([magnetics.Point(STATIONS, components="tmi")], 5e4, 60.0, 5.0)
    return magnetics.Simulation3DIntegral(MESH, survey=magnetics.Survey(source), chiMap=mapping)


def mt_simulation(mapping):
    receivers = [natural_source.receivers.Impedance([[0.0]], orientation="xy", component=c) for c in ("real", "imag")]
    sources = [natural_source.sources.Planewave(receivers, frequency=f) for f in (1.0, 10.0, 100.0)]
    survey = natural_source.Survey(sources)
    return natural_source.Simulation1DRecursive(survey=survey, thicknesses=np.full(5, 200.0), sigmaMap=mapping)


def dc_simulation(mapping):
    mesh = TensorMesh([8, 6], origin="CN")
    near, far = np.array([[-0.2, 0.0]]), np.array([[0.2, 0.0]])
    receiver = resistivity.receivers.Dipole(locations_m=near / 2, locations_n=far / 2)
    source = resistivity.sources.Dipole([receiver], location_a=near[0], location_b=far[0])
    survey = resistivity.Survey([source])
    return resistivity.Simulation2DNodal(mesh, survey=survey, sigmaMap=mapping, solver=pymatsolver.SolverLU)


COLUMN = TensorMesh([np.full(6, 200.0)])
SIMULATIONS = {
    "gravity": lambda: gravity_simulation(inr()),
    "our gravity": lambda: gravity_simulation(inr(), potential_fields.gravity.Simulation3DIntegral),
    "magnetics": lambda: magnetic_simulation(inr(bounds=(0, 1))),
    "1-D MT": lambda: mt_simulation(maps.ExpMap(nP=6) * inr(COLUMN, bounds=(-7, 0))),
    "DC": lambda: dc_simulation(
        maps.ExpMap(nP=48) * inr(TensorMesh([8, 6], origin="CN"), bounds=(-7, 0), dense_derivative=True)
    ),
}


def parameters_of(simulation):
    for name in ("rhoMap", "chiMap", "sigmaMap"):
        mapping = getattr(simulation, name, None)
        if mapping is not None:
            return mapping.nP
    raise AssertionError


@pytest.mark.filterwarnings("ignore:The 'pymatsolver.SolverLU'", "ignore:Unused keyword", "ignore:splu")  # SimPEG
@pytest.mark.parametrize("name", SIMULATIONS)
def test_products_belong_to_the_data(name):
    simulation = SIMULATIONS[name]()
    rng = np.random.default_rng(0)
    model = 0.3 * rng.standard_normal(parameters_of(simulation))
    v, w = rng.standard_normal(model.size), rng.standard_normal(simulation.survey.nD)
    step = 1e-4
    slope = (simulation.dpred(model + step * v) - simulation.dpred(model - step * v)) / (2 * step)
    product = simulation.Jvec(model, v)
    np.testing.assert_allclose(product, slope, rtol=2e-3, atol=2e-3 * np.abs(slope).max())
    np.testing.assert_allclose(w @ product, v @ simulation.Jtvec(model, w), rtol=2e-4)


@pytest.mark.parametrize("name", ["gravity", "our gravity", "magnetics"])
def test_diagonals_are_seeded_and_ours_are_estimates_of_the_diagonal(name):
    simulation = SIMULATIONS[name]()
    model = 0.3 * np.random.default_rng(0).standard_normal(parameters_of(simulation))
    diagonal = simulation.getJtJdiag(model)
    assert diagonal.shape == model.shape
    assert (diagonal >= 0.0).all()
    np.testing.assert_array_equal(diagonal, simulation.getJtJdiag(model))
    if name.startswith("our"):  # SimPEG's leave out what cells have in common, which is most of it under a network
        columns = np.column_stack([simulation.Jvec(model, unit) for unit in np.eye(model.size)])
        exact = np.sum(columns**2, axis=0)
        assert np.abs(diagonal - exact).sum() < 0.5 * exact.sum()


def least_squares(simulation, truth, mapping):
    data = simulation.make_synthetic_data(
        truth, relative_error=0.0, noise_floor=0.01 * np.ptp(simulation.dpred(truth)), add_noise=True, random_seed=1
    )
    return data_misfit.L2DataMisfit(data=data, simulation=simulation)


@pytest.mark.parametrize(
    "minimizer",
    [
        lambda: optimization.InexactGaussNewton(maxIter=12, cg_maxiter=20, cg_rtol=1e-2),
        lambda: our_optimization.ProjectedGNCG(maxIter=12, cg_maxiter=20, cg_rtol=1e-2, cg_atol=0.0),
    ],
    ids=["SimPEG's Gauss-Newton", "on tensors"],
)
def test_gauss_newton_over_weights_fits_the_data(minimizer, capsys):
    mapping = inr(bounds=(-1, 1))
    simulation = gravity_simulation(mapping, potential_fields.gravity.Simulation3DIntegral)
    truth = 0.8 * np.random.default_rng(3).standard_normal(mapping.nP)
    misfit = least_squares(simulation, truth, mapping)
    start, damping = mapping.initial_model(), regularization.Smallness(TensorMesh([mapping.nP]))
    problem = inverse_problem.BaseInvProblem(misfit, damping, minimizer(), beta=1e-3, init_bfgs=False)
    model = inversion.BaseInversion(problem, directiveList=[]).run(start)
    capsys.readouterr()
    assert misfit(model) < 1.1 * simulation.survey.nD < 0.01 * misfit(start)
    assert not [name for name in getattr(problem.opt, "fallbacks", ()) if "Misfit" in name]


def test_regularization_and_couplings_act_on_the_outputs():
    mapping = inr(n_properties=2, bounds=[(-1, 1), (0, 1)])
    model, v = mapping.initial_model(), np.random.default_rng(0).standard_normal(mapping.nP)
    terms = [
        couplings.CrossGradient(MESH, mapping.properties),
        couplings.GuidedFuzzyCMeans(MESH, mapping.properties, [[0.0, 0.0], [0.5, 0.3]]),
        regularization.WeightedLeastSquares(MESH, mapping=mapping.properties[0], reference_model_in_smooth=True),
        regularization.Sparse(MESH, mapping=mapping.properties[1], norms=[0, 1, 1, 1]),
    ]
    for term in terms:
        if hasattr(term, "objfcts"):
            term.reference_model = None
        step = 1e-5
        slope = (term(model + step * v) - term(model - step * v)) / (2 * step)
        np.testing.assert_allclose(term.deriv(model) @ v, slope, rtol=1e-4)
        assert v @ term.deriv2(model, v) >= 0.0
