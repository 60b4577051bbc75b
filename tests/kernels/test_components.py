"""Components, compared with SimPEG's simulations on tensor and tree meshes, at singular points too."""

import discretize
import numpy as np
import pytest
import torch
from simpeg import maps
from simpeg.potential_fields import gravity, magnetics

from simpeg_jointdl.kernels import (
    GRAVITY_COMPONENTS,
    MAGNETIC_COMPONENTS,
    cell_values,
    field_direction,
    gather_cells,
    gravity_terms,
    magnetic_terms,
    magnetizations,
    node_function,
)

INDUCING = {"amplitude": 55000.0, "inclination": -62.0, "declination": 17.0}  # nT, degrees
DIRECTION = field_direction(INDUCING["inclination"], INDUCING["declination"])


def tensor_mesh():
    return discretize.TensorMesh([[3.0, 1.0, 2.0, 5.0], [2.0, 4.0, 1.0], [1.0, 2.0, 4.0]], origin=[100.0, -20.0, -7.0])


def tree_mesh():
    mesh = discretize.TreeMesh([[2.0] * 8, [1.0] * 8, [0.5] * 8], origin=[100.0, -20.0, -4.0], diagonal_balance=False)
    mesh.refine_points(np.array([[104.0, -16.0, -0.6]]), level=3)
    return mesh


MESHES = {"tensor": tensor_mesh(), "tree": tree_mesh()}


def above(mesh):
    return np.random.default_rng(0).uniform([98.0, -22.0, 0.5], [112.0, -12.0, 5.0], size=(6, 3))


def singular(mesh):
    """Locations at nodes, edges, faces and centres of cells, and above nodes."""
    places = [mesh.nodes, mesh.edges_x, mesh.edges_y, mesh.edges_z, mesh.faces_x, mesh.faces_z, mesh.cell_centers]
    return np.concatenate([np.concatenate(places)[::7], mesh.nodes[-3:] + np.array([0.0, 0.0, 2.0])])


RECEIVERS = {"above": above, "singular points": singular}

meshes = pytest.mark.parametrize("mesh", MESHES.values(), ids=MESHES)
receivers = pytest.mark.parametrize("receivers", RECEIVERS.values(), ids=RECEIVERS)


def sensitivity(terms, mesh, locations, device):
    """Sum of the terms for each location and cell, (n_locations, n_cells), computed as the kind of mesh allows."""

    def total(x, y, z):
        return sum(factor * node_function(name, x, y, z) for name, factor in terms)

    if isinstance(mesh, discretize.TreeMesh):
        offsets = torch.as_tensor(mesh.total_nodes - locations[:, None], device=device)  # (n_locations, n_nodes, 3)
        return gather_cells(total(*offsets.unbind(-1)), torch.as_tensor(mesh.cell_nodes, device=device)).cpu().numpy()
    x, y, z = (
        torch.as_tensor(nodes - location[:, None], device=device)
        for nodes, location in zip((mesh.nodes_x, mesh.nodes_y, mesh.nodes_z), locations.T, strict=True)
    )
    cells = cell_values(total(x[:, None, None, :], y[:, None, :, None], z[:, :, None, None]))  # x fastest
    return cells.reshape(len(locations), -1).cpu().numpy()


def of_simpeg(simulation):
    options = {"engine": "geoana", "n_processes": 1, "sensitivity_dtype": np.float64, "store_sensitivities": "ram"}
    return lambda mesh, **kwargs: simulation(mesh, **kwargs, **options).G


def assert_same(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


@meshes
@receivers
@pytest.mark.parametrize("component", GRAVITY_COMPONENTS)
def test_gravity_equals_that_of_simpeg(component, receivers, mesh, device):
    locations = receivers(mesh)
    survey = gravity.Survey(gravity.SourceField([gravity.Point(locations, components=[component])]))
    wanted = of_simpeg(gravity.Simulation3DIntegral)(mesh, survey=survey, rhoMap=maps.IdentityMap(nP=mesh.n_cells))
    assert_same(sensitivity(gravity_terms(component), mesh, locations, device), wanted)


@meshes
@receivers
@pytest.mark.parametrize("model_type", ["scalar", "vector"])
@pytest.mark.parametrize("component", MAGNETIC_COMPONENTS)
def test_magnetics_equal_those_of_simpeg(component, model_type, receivers, mesh, device):
    locations = receivers(mesh)
    blocks = magnetizations(model_type, **INDUCING)
    source = magnetics.UniformBackgroundField([magnetics.Point(locations, components=[component])], **INDUCING)
    wanted = of_simpeg(magnetics.Simulation3DIntegral)(
        mesh,
        survey=magnetics.Survey(source),
        chiMap=maps.IdentityMap(nP=mesh.n_cells * len(blocks)),
        model_type=model_type,
    )
    found = [sensitivity(magnetic_terms(component, DIRECTION, block), mesh, locations, device) for block in blocks]
    assert_same(np.hstack(found), wanted)


def test_signs_above_a_dense_and_susceptible_body():
    """Attraction is downward, and at the pole the anomalous field is along the inducing field."""
    mesh, place = MESHES["tensor"], np.array([[105.0, -16.5, 1.0]])
    assert sensitivity(gravity_terms("gz"), mesh, place, "cpu").sum() < 0
    assert sensitivity(gravity_terms("gzz"), mesh, place, "cpu").sum() > 0
    (pole,) = magnetizations("scalar", 50000.0, 90.0, 0.0)
    assert sensitivity(magnetic_terms("tmi", field_direction(90.0, 0.0), pole), mesh, place, "cpu").sum() > 0


def test_a_vector_model_along_the_field_equals_a_scalar_model():
    (along,) = magnetizations("scalar", **INDUCING)
    blocks = magnetizations("vector", **INDUCING)
    for component in MAGNETIC_COMPONENTS:
        total = {}
        for weight, block in zip(DIRECTION, blocks, strict=True):
            for name, factor in magnetic_terms(component, DIRECTION, block):
                total[name] = total.get(name, 0.0) + weight * factor
        assert total == pytest.approx(dict(magnetic_terms(component, DIRECTION, along)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gravity_terms("gzx"), "gravity_terms.component: got 'gzx', wanted one of 'gx', 'gy'"),
        (lambda: magnetic_terms("b", DIRECTION, DIRECTION), "magnetic_terms.component: got 'b', wanted one of 'tmi'"),
        (lambda: magnetic_terms("tmi", (1.0, 0.0), DIRECTION), "terms.field_direction: got 2 entries, wanted 3"),
        (lambda: magnetizations("tensor", **INDUCING), "model_type: got 'tensor', wanted one of 'scalar', 'vector'"),
    ],
    ids=["gravity", "magnetic", "direction", "model type"],
)
def test_unknown_names_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
