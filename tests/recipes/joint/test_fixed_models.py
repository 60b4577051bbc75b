"""Known models that stay fixed: the couplings tie the properties to them where they are known."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from simpeg import maps

from simpeg_jointdl import diagnostics, regularization
from tests.recipes.problem import COUPLINGS, STRATEGIES, make_tiny_problem, relative


def edge_model(problem):
    """A block of somebody else's property, of which no data know."""
    x, y, z = problem.mesh.cell_centers.T
    return 5.0 + 2.0 * ((x < -100) & (np.abs(y) < 500) & (z > -700))


def coupling_to_fixed(problem, model, fixed):
    density = np.concatenate([model["density"], fixed])
    return regularization.CrossGradient(problem.mesh, maps.Wires(("density", problem.n), ("fixed", problem.n)))(density)


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
def test_a_fixed_model_attracts_edges(strategy):
    values = []
    for fixed in (False, True):
        problem = make_tiny_problem()
        geology = edge_model(problem)
        options = {
            "couplings": regularization.CrossGradient,
            "fixed_models": {"geology": geology},
            "coupling_ratios": 10.0,
        }
        recipe = problem.recipe(strategy=strategy if fixed else "separate", **options)
        values.append(coupling_to_fixed(problem, recipe.run(), geology))
        assert (recipe.chi <= 1.0).all()
    assert values[1] < 0.5 * values[0]


@pytest.mark.parametrize("make", [COUPLINGS["class"], COUPLINGS["partial"]], ids=["cross", "gramian"])
def test_cells_where_the_fixed_model_is_not_known_are_not_part_of_the_coupling(make):
    problem = make_tiny_problem()
    geology = edge_model(problem)
    known = problem.mesh.cell_centers[:, 1] > -200
    with_gaps = problem.recipe(couplings=make, fixed_models={"geology": np.where(known, geology, np.nan)})
    found = with_gaps.run()
    assert all(np.isfinite(values).all() for values in found.values())

    other = make_tiny_problem()
    pick = sp.identity(problem.n, format="csr")[known]
    wires = [wire for _, wire in other.wires.maps]
    constant = maps.LinearMap(sp.csr_matrix((known.sum(), 2 * problem.n)), b=geology[known])
    to_fixed = [
        make(other.mesh, wire_map=[maps.LinearMap(pick) * wire, constant], active_cells=known) for wire in wires
    ]
    wanted = other.recipe(couplings=[make(other.mesh, wire_map=wires), *to_fixed]).run()
    for name, values in found.items():
        np.testing.assert_allclose(values, wanted[name], rtol=1e-6, atol=1e-9)


def test_gaps_do_not_take_the_sensitivity_weights_away():
    problem = make_tiny_problem()
    geology = edge_model(problem)
    geology[0] = np.nan
    recipe = problem.recipe(
        couplings=regularization.CrossGradient, fixed_models={"geology": geology}, max_iterations=2, chifact=100.0
    )
    recipe.run()
    terms = recipe.inversion.invProb.reg.objfcts
    for term, coupling in zip(terms[:2], terms[3:], strict=True):
        weights = coupling.get_weights("sensitivity")
        assert weights.shape == (problem.n - 1, 2)
        own = term.objfcts[0].get_weights("sensitivity")[1:]
        np.testing.assert_allclose(weights[:, 0], own / own.max(), rtol=1e-12)
        np.testing.assert_array_equal(weights[:, 1], 1.0)


def test_the_unit_of_a_fixed_model_does_not_matter():
    """Nor does it outweigh the coupling of the others; one weight for all pairs left these two uncoupled."""
    found, similarity = [], []
    for unit in (1.0, 1e6):
        problem = make_tiny_problem()
        geology = unit * edge_model(problem)
        recipe = problem.recipe(
            couplings=regularization.CrossGradient, fixed_models={"geology": geology}, coupling_ratios=[10.0]
        )
        found.append(recipe.run())
        similarity.append(diagnostics.structural_similarity(problem.mesh, *found[-1].values()))
        assert len(recipe.inversion.invProb.reg.objfcts) == 2 + 3
    alone = make_tiny_problem().recipe(strategy="separate").run()
    for name, values in found[0].items():
        assert relative(found[1][name], values) < 1e-3
    assert min(similarity) > diagnostics.structural_similarity(problem.mesh, *alone.values())


def test_clusters_take_all_properties_together():
    problem = make_tiny_problem()
    centers = np.c_[COUPLINGS["clusters"].keywords["centers"], [5.0, 7.0, 5.0]]
    make = partial(regularization.GuidedFuzzyCMeans, centers=centers)
    recipe = problem.recipe(couplings=make, fixed_models={"geology": edge_model(problem)})
    (coupling,) = recipe.inversion.invProb.reg.objfcts[2:]
    assert coupling.n_properties == 3
