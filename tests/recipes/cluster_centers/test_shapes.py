"""What the search for centres is made of: memberships with zeros, data by rows and products."""

import numpy as np
import pytest
from discretize import TensorMesh
from simpeg import data, data_misfit, maps

from simpeg_jointdl.potential_fields import gravity
from simpeg_jointdl.recipes.cluster_centers._linear_data import linear_data
from simpeg_jointdl.recipes.cluster_centers._shapes import memberships


def test_bottom_levels_are_no_membership():
    rng = np.random.default_rng(2)
    levels = rng.uniform(-3.0, 3.0, (2, 6))
    levels[:, 0] = -3.0
    u, slopes = memberships(levels, 3.0)
    np.testing.assert_array_equal(u[:, 0], [1.0, 0.0, 0.0])
    np.testing.assert_allclose(u.sum(axis=0), 1.0)
    assert (u >= 0.0).all()
    step = 1e-6
    for k in range(2):
        ahead, back = levels.copy(), levels.copy()
        ahead[k] += step
        back[k] -= step
        found = (memberships(ahead, 3.0)[0] - memberships(back, 3.0)[0])[1:] / (2.0 * step)
        np.testing.assert_allclose(found, slopes[k] * (np.eye(2)[k][:, None] - u[1:]), atol=1e-8)


@pytest.mark.parametrize("engine", ["dense", "toeplitz"])
def test_products_are_the_stored_rows(engine):
    mesh = TensorMesh([np.full(6, 100.0), np.full(5, 100.0), np.full(4, 100.0)], origin="CCN")
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    stations = np.stack(np.meshgrid(mesh.cell_centers_x, mesh.cell_centers_y, [20.0]), axis=-1).reshape(-1, 3)
    survey = gravity.survey.Survey(gravity.sources.SourceField([gravity.receivers.Point(stations, components="gz")]))
    simulation = gravity.Simulation3DIntegral(mesh, survey=survey, rhoMap=wires.density, engine=engine)
    rng = np.random.default_rng(3)
    model = rng.standard_normal(2 * mesh.n_cells)
    measured = data.Data(survey, dobs=rng.standard_normal(30), standard_deviation=rng.uniform(0.5, 2.0, 30))
    misfit = data_misfit.L2DataMisfit(data=measured, simulation=simulation)
    properties = rng.standard_normal((2, mesh.n_cells))
    both = [linear_data([misfit], [wires.density, wires.susceptibility], model, n, [4.0]) for n in (None, 1000)]
    for one in both:
        predicted, back = one.weighted(one.predicted(properties)), rng.standard_normal(30)
        assert predicted @ back == pytest.approx(np.vdot(properties, one.transposed(back)), rel=1e-4)
        assert one.chi(model.reshape(2, -1)) == pytest.approx(misfit(model) / 30, rel=1e-3)
    np.testing.assert_allclose(both[0].predicted(properties)[0], both[1].predicted(properties)[0], rtol=1e-3, atol=1e-4)
