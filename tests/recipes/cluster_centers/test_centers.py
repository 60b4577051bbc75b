"""Centres found from the data: number of units, their ratios, and an honest word about their amplitudes."""

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import data, data_misfit, maps
from simpeg.potential_fields import gravity, magnetics

from simpeg_jointdl.plotting import plot_center_search
from simpeg_jointdl.recipes import CenterSearch, find_centers
from simpeg_jointdl.recipes.cluster_centers._linear_data import linear_data
from simpeg_jointdl.recipes.cluster_centers._result import Candidate
from simpeg_jointdl.recipes.cluster_centers._shapes import first_levels, fit_shapes, smoothing

SHAPE = (14, 14, 6)
UNITS = [
    (((2, 5), (3, 9), (1, 3)), (0.3, 0.05)),
    (((9, 12), (2, 7), (1, 3)), (-0.3, 0.03)),
    (((6, 11), (9, 12), (1, 3)), (0.06, 0.06)),
]


class Problem:
    """Blocks under a grid of stations, and a smooth model that fits the data."""

    def __init__(self, n_units, noise):
        self.mesh = mesh = TensorMesh([np.full(n, 100.0) for n in SHAPE], origin="CCN")
        n = mesh.n_cells
        self.wires = wires = maps.Wires(("density", n), ("susceptibility", n))
        self.units = np.array([values for _, values in UNITS[:n_units]])
        place = (mesh.cell_centers - mesh.origin) / 100.0
        place[:, 2] = SHAPE[2] - place[:, 2]
        self.truth = np.zeros((2, n))
        for box, values in UNITS[:n_units]:
            first, last = np.array(box).T
            self.truth[:, ((place > first) & (place < last)).all(axis=1)] = np.array(values)[:, None]
        x = (np.arange(11) - 5.0) * 120.0
        stations = np.stack(np.meshgrid(x, x, [20.0]), axis=-1).reshape(-1, 3)
        source = gravity.sources.SourceField([gravity.receivers.Point(stations, components="gz")])
        field = magnetics.sources.UniformBackgroundField(
            [magnetics.receivers.Point(stations, components="tmi")], amplitude=50_000, inclination=60, declination=5
        )
        simulations = [
            gravity.Simulation3DIntegral(mesh, survey=gravity.survey.Survey(source), rhoMap=wires.density),
            magnetics.Simulation3DIntegral(mesh, survey=magnetics.survey.Survey(field), chiMap=wires.susceptibility),
        ]
        rng = np.random.default_rng(n_units)
        self.misfits, smooth = [], []
        for simulation in simulations:
            clean = simulation.dpred(self.truth.ravel())
            std = noise * np.abs(clean).max()
            observed = clean + std * rng.standard_normal(clean.size)
            measured = data.Data(simulation.survey, dobs=observed, standard_deviation=np.full(clean.size, std))
            self.misfits.append(data_misfit.L2DataMisfit(data=measured, simulation=simulation))
            smooth.append(_smooth(np.asarray(simulation.G) / std, observed / std))
        self.model = np.concatenate(smooth)

    def find(self, **options):
        return find_centers(self.mesh, self.misfits, self.wires, self.model, max_data=150, **options)


def _smooth(rows, observed):
    """Smallest model, weighted by sensitivity, that fits to one misfit per datum."""
    weights = 1.0 / np.linalg.norm(rows, axis=0)
    values, vectors = np.linalg.eigh((rows * weights) @ rows.T)
    along = vectors.T @ observed
    low, high = np.log(values.max()) - 30.0, np.log(values.max()) + 10.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = np.mean(np.square(along * np.exp(middle) / (values + np.exp(middle)))) > 1.0
        low, high = (low, middle) if above else (middle, high)
    return weights * (rows.T @ (vectors @ (along / (values + np.exp(middle)))))


@pytest.mark.parametrize(("n_units", "noise"), [(1, 0.02), (2, 0.02), (3, 0.02), (1, 0.003), (2, 0.003)])
def test_bodies_that_explain_the_data(n_units, noise):
    problem = Problem(n_units, noise)
    search = problem.find(refine=False)
    assert search.explained
    # three blocks may be explained by mixtures of two units, never by one; where there is hardly any noise, the cells
    # of one body may not do, and a second unit mends what they leave
    assert min(n_units, 2) <= search.n_units <= n_units + (noise < 0.01)
    for one in problem.units if n_units < 3 else ():
        assert min(_angle(one, other) for other in search.units) < 0.35
    models = np.stack(list(search.starting_models.values()))
    assert models.shape == problem.truth.shape
    assert not search.determined.any()  # nothing was profiled
    assert "refine=False" in search.summary()


def _angle(one, other):
    """Between two units, the largest density and susceptibility taken as equally far."""
    one, other = np.asarray(one) / [0.3, 0.06], np.asarray(other) / [0.3, 0.06]
    return np.arccos(np.clip(one @ other / np.linalg.norm(one) / np.linalg.norm(other), -1, 1))


def test_amplitude_is_not_determined_but_the_ratio_is():
    problem = Problem(1, 0.01)
    search = problem.find(factors=(0.5, 0.82, 1.22, 2.0))
    assert not search.determined.any()
    assert search.ratios_determined.any()
    assert "not determined by these data" in search.summary()
    assert "relative to the unit's other properties" in search.summary()
    (ratio,) = search.units[:, 1] / search.units[:, 0]
    assert ratio == pytest.approx(0.05 / 0.3, rel=0.25)
    alone = [c for c in search.curve if c.which is not None and c.factor in (0.5, 2.0)]
    assert not any(c.supported for c in alone)
    assert len(plot_center_search(search).axes) == 1


def test_true_bodies_are_supported_and_stay():
    problem = Problem(2, 0.02)
    parts = [problem.wires.density, problem.wires.susceptibility]
    linear = linear_data(problem.misfits, parts, problem.model, 200)
    assert linear.chi(problem.truth) == pytest.approx([1.0, 1.0], abs=0.4)
    smooth = smoothing(problem.mesh.cell_centers, np.full(3, 100.0))
    levels = first_levels(problem.truth, problem.units)
    found = fit_shapes(linear, smooth, problem.units, levels, sharpness=(6.0,), target=1.3)
    assert (found.chi <= 1.3).all()
    np.testing.assert_allclose(found.memberships.sum(axis=0), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(found.centers, problem.units)


def test_sensitivities_are_those_of_the_simulations():
    problem = Problem(1, 0.02)
    parts = [problem.wires.density, problem.wires.susceptibility]
    linear = linear_data(problem.misfits, parts, problem.model, 7)
    assert linear.sets[0].rows[1] is None
    assert linear.sets[1].rows[0] is None
    assert [len(d) for d in linear.observed] == [7, 7]
    for place, misfit in enumerate(problem.misfits):
        chosen = np.linspace(0, misfit.nD - 1, 7).round().astype(int)
        wanted = (misfit.W @ misfit.simulation.dpred(problem.truth.ravel()))[chosen]
        np.testing.assert_allclose(linear.predicted(problem.truth)[place], wanted, rtol=1e-4, atol=1e-3)


def test_all_data_by_products_find_the_same():
    problem = Problem(1, 0.02)
    search = find_centers(problem.mesh, problem.misfits, problem.wires, problem.model, max_data=None, refine=False)
    stored = find_centers(problem.mesh, problem.misfits, problem.wires, problem.model, max_data=1000, refine=False)
    assert search.explained
    assert _angle(search.units[0], problem.units[0]) < 0.2
    np.testing.assert_allclose(search.units, stored.units, rtol=0.05)


def test_multipliers_are_honoured():
    """Data that count nothing are left out; where data contradict each other, those that count more are fitted."""
    problem = Problem(1, 0.02)
    silent = 0.0 * problem.misfits[1]
    search = find_centers(
        problem.mesh, problem.misfits[0] + silent, problem.wires, problem.model, max_data=100, refine=False
    )
    assert search.chi.shape == search.limits.shape == (1,)
    parts = [problem.wires.density, problem.wires.susceptibility]
    smooth = smoothing(problem.mesh.cell_centers, np.full(3, 100.0))
    levels = first_levels(problem.model.reshape(2, -1), problem.units)
    chi = []
    for multipliers in ([1.0, 1e-4], [1e-4, 1.0]):
        linear = linear_data(problem.misfits, parts, problem.model, 60, multipliers)
        linear.observed[1] = -linear.observed[1]  # no shape does for both
        chi.append(fit_shapes(linear, smooth, problem.units, levels, sharpness=(3.0,)).chi)
    assert chi[0][0] < 0.5 * chi[1][0]
    assert chi[1][1] < chi[0][1]


def _search(supported, explained=True):
    """A result made by hand: what the data accept, {(which, factor): bool}."""
    units, chi = np.array([[-0.2, 0.05]]), np.ones(2)
    curve = [Candidate(0, which, factor, units, chi, held) for (which, factor), held in supported.items()]
    return CenterSearch(
        ("density", "susceptibility"), units, {1: chi}, curve, chi, 1.2 * chi, 0.2, explained, np.ones((3, 2)) / 2
    )


def test_intervals_end_half_way_to_what_is_refused():
    factors = {0.8: False, 1.0: True, 1.25: False}
    search = _search({(which, f): held for which in (None, 0, 1) for f, held in factors.items()})
    assert search.determined.all()
    reach = np.sqrt(1.25)
    np.testing.assert_allclose(search.intervals[0], [[-0.2 * reach, -0.2 / reach], [0.05 / reach, 0.05 * reach]])
    assert "not determined" not in search.summary()
    np.testing.assert_array_equal(search.centers, [[0.0, 0.0], [-0.2, 0.05]])


def test_open_intervals_are_not_determined():
    factors = {0.8: False, 1.0: True, 1.25: True}
    search = _search({(which, f): held or which is None for which in (None, 0, 1) for f, held in factors.items()})
    assert not search.determined.any()
    assert search.intervals[0, 0, 0] == -np.inf
    assert search.summary().count("not determined by these data") == 2
    nothing = _search({(None, 1.0): False}, explained=False)
    assert np.isnan(nothing.intervals).all()
    assert "no bodies of uniform properties explain these data" in nothing.summary()


def test_what_is_known_scales_the_rest():
    search = _search({})
    np.testing.assert_allclose(search.with_known("density", [-0.3]), [[0.0, 0.0], [-0.3, 0.075]])
    np.testing.assert_array_equal(search.with_known("density", [np.nan]), search.centers)
    with pytest.raises(ValueError, match="wanted values of the signs found"):
        search.with_known("density", [0.3])
    with pytest.raises(ValueError, match="one of 'density', 'susceptibility'"):
        search.with_known("velocity", [0.3])
    with pytest.raises(ValueError, match="one value per unit"):
        search.with_known("density", [0.3, 0.2])


def test_bad_input():
    problem = Problem(1, 0.02)
    with pytest.raises(ValueError, match=r"find_centers\.model: got shape \(3,\)"):
        find_centers(problem.mesh, problem.misfits, problem.wires, np.zeros(3))
    with pytest.raises(TypeError, match=r"find_centers\.misfits: got \['int'\]"):
        find_centers(problem.mesh, [3], problem.wires, problem.model)
    with pytest.raises(ValueError, match=r"find_centers\.misfits: all multipliers are zero"):
        find_centers(problem.mesh, [0.0 * one for one in problem.misfits], problem.wires, problem.model)
    with pytest.raises(ValueError, match=r"find_centers.n_units: got 0, wanted a whole number"):
        problem.find(n_units=(0,))
    with pytest.raises(ValueError, match=r"some below and some above 1"):
        problem.find(factors=(1.2, 1.5))
    problem.model[:] = 0.0
    with pytest.raises(ValueError, match="no unit beside the background"):
        problem.find()
    with pytest.raises(ValueError, match="got a search without comparisons"):
        plot_center_search(_search({}))
