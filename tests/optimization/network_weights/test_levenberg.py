"""Damped Gauss-Newton for the weights of networks: the same step in both spaces, and an end at the noise level."""

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import data_misfit, inverse_problem, inversion, regularization
from simpeg.potential_fields import gravity as simpeg_gravity

from simpeg_jointdl import maps
from simpeg_jointdl.networks import ImplicitNetwork
from simpeg_jointdl.optimization import LevenbergMarquardt
from simpeg_jointdl.potential_fields import gravity

MESH = TensorMesh([5, 5, 3], origin="CCN")
XY = np.stack(np.meshgrid(*[np.linspace(-0.4, 0.4, 5)] * 2), axis=-1).reshape(-1, 2)
STATIONS = np.column_stack([XY, np.full(25, 0.05)])


def make(minimizer, *, engine=gravity, beta=0.0, noise=0.02, smooth=False, network_seed=0, dtype=None):
    """A small gravity problem whose true model is a network with other weights."""
    net = ImplicitNetwork(width=8, depth=2, activation="gelu", last_scale=0.5, random_seed=network_seed)
    inr = maps.INRMap(MESH, network=net, bounds=(-1, 1), dtype=dtype)
    source = simpeg_gravity.SourceField([simpeg_gravity.Point(STATIONS, components="gz")])
    options = {"sensitivity_dtype": np.float64} if engine is gravity else {}
    simulation = engine.Simulation3DIntegral(MESH, survey=simpeg_gravity.Survey(source), rhoMap=inr, **options)
    truth = inr.initial_model(random_seed=9) * 1.5
    clean = simulation.dpred(truth)
    data = simulation.make_synthetic_data(
        truth, noise_floor=noise * np.ptp(clean), relative_error=0.0, add_noise=True, random_seed=1
    )
    misfit = data_misfit.L2DataMisfit(data=data, simulation=simulation)
    reg = regularization.Smallness(TensorMesh([inr.nP]))
    if smooth:
        reg = regularization.WeightedLeastSquares(MESH, mapping=inr, alpha_s=0.1)
    problem = inverse_problem.BaseInvProblem(misfit, reg, minimizer, beta=beta, init_bfgs=False, print_version=False)
    return inversion.BaseInversion(problem, directiveList=[]), inr, misfit


def weighted_sensitivities(inr, misfit):
    """Weighted sensitivities at the starting model, computed column by column, (n_data, nP)."""
    start = inr.initial_model()
    return misfit.W @ np.column_stack([misfit.simulation.Jvec(start, unit) for unit in np.eye(inr.nP)])


def one_step(space, capsys, **options):
    minimizer = LevenbergMarquardt(space=space, maxIter=1, cg_rtol=1e-12, cg_maxiter=2000, damping=0.1)
    run, inr, _ = make(minimizer, **options)
    start = inr.initial_model()
    model = run.run(start)
    capsys.readouterr()
    assert minimizer.used_space == space
    return model - start, minimizer


@pytest.mark.parametrize(
    "options",
    [{}, {"beta": 1.0}, {"beta": 3.0, "smooth": True}],
    ids=["data alone", "smallness of weights", "smoothness of the outputs"],
)
def test_both_spaces_take_the_same_step(options, capsys, monkeypatch):
    one, _ = one_step("data", capsys, **options)
    # the trace that scales the damping is estimated in the space of the model
    _, inr, misfit = make(LevenbergMarquardt(), **options)
    rows = weighted_sensitivities(inr, misfit)
    monkeypatch.setattr(LevenbergMarquardt, "_scale", lambda *args: np.sum(rows**2) / len(rows))
    other, _ = one_step("model", capsys, **options)
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7 * np.abs(one).max())


def test_the_step_solves_the_damped_system(capsys):
    minimizer = LevenbergMarquardt(space="data", maxIter=1, damping=0.3)
    run, inr, misfit = make(minimizer)
    start = inr.initial_model()
    step = run.run(start) - start
    capsys.readouterr()
    rows = weighted_sensitivities(inr, misfit)
    residual = misfit.W @ (misfit.simulation.dpred(start) - misfit.data.dobs)
    used = 0.3 * 4.0**minimizer.iterLS * np.sum(rows**2) / len(rows)
    wanted = np.linalg.solve(rows.T @ rows + used * np.eye(inr.nP), -rows.T @ residual)
    np.testing.assert_allclose(step, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("space", ["data", "model"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_ends_at_the_noise(space, dtype, capsys):
    minimizer = LevenbergMarquardt(space=space)
    run, inr, misfit = make(minimizer, dtype=dtype)
    model = run.run(inr.initial_model())
    capsys.readouterr()
    assert minimizer.stopped_because == "target"
    assert 0.95 <= misfit(model) / 25 <= 1.05


def test_auto_uses_the_data_space_for_few_data_with_a_tensor_path(capsys):
    for engine, space in ((gravity, "data"), (simpeg_gravity, "model")):
        minimizer = LevenbergMarquardt(maxIter=1)
        run, inr, _ = make(minimizer, engine=engine)
        run.run(inr.initial_model())
        assert minimizer.used_space == space
    capsys.readouterr()


def test_data_space_without_tensors_says_so(capsys):
    run, inr, _ = make(LevenbergMarquardt(space="data"), engine=simpeg_gravity)
    with pytest.raises(ValueError, match="space='data' asks for least-squares misfits"):
        run.run(inr.initial_model())
    capsys.readouterr()


def test_the_same_seed_gives_the_same_result(capsys):
    models = []
    for _ in range(2):
        run, inr, _ = make(LevenbergMarquardt(maxIter=5))
        models.append(run.run(inr.initial_model(random_seed=4)))
    capsys.readouterr()
    np.testing.assert_array_equal(*models)


def test_steps_to_models_that_are_not_finite_are_damped(capsys):
    minimizer = LevenbergMarquardt(maxIter=5, damping=1e-3)
    run, inr, misfit = make(minimizer)
    dpred, calls = misfit.simulation.fields, []

    def sometimes(m):
        calls.append(1)
        if len(calls) in (2, 4):
            raise FloatingPointError("made up")
        return dpred(m)

    misfit.simulation.fields = sometimes
    start = inr.initial_model()
    model = run.run(start)
    capsys.readouterr()
    assert np.isfinite(model).all()
    assert misfit(model) < misfit(start)


def test_a_plain_function(capsys):
    def bowl(x, return_g=True, return_H=True):
        scale = np.arange(1.0, x.size + 1)
        out = [float(np.sum(scale * (x - 2.0) ** 2))]
        if return_g:
            out.append(2.0 * scale * (x - 2.0))
        if return_H:
            from scipy.sparse.linalg import LinearOperator

            out.append(LinearOperator((x.size, x.size), matvec=lambda v: 2.0 * scale * v, dtype=float))
        return out[0] if len(out) == 1 else tuple(out)

    minimizer = LevenbergMarquardt(maxIter=40)
    result = minimizer.minimize(bowl, np.zeros(5))
    capsys.readouterr()
    np.testing.assert_allclose(result, 2.0, rtol=1e-6)
    assert minimizer.stopped_because in ("", "no descent")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"space": "both"}, "LevenbergMarquardt.space: got 'both', wanted one of 'auto', 'data', 'model'"),
        ({"damping": 0.0}, "LevenbergMarquardt.damping: got 0.0"),
        ({"tolerance": 1.0}, "LevenbergMarquardt.tolerance: got 1.0"),
        ({"max_tries": 0}, "LevenbergMarquardt.max_tries: got 0"),
        ({"lower": 0.0}, "give them to the map"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        LevenbergMarquardt(**options)
