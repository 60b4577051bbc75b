"""Terms of a fine-tuned network: the anchor, its strength, and all terms through one network."""

import numpy as np
import pytest
from simpeg import maps
from simpeg.objective_function import ComboObjectiveFunction

from simpeg_jointdl import regularization
from simpeg_jointdl._tensor_path import Crossing, sum_product
from simpeg_jointdl.recipes.finetuned._terms import anchor_strengths
from simpeg_jointdl.regularization import ModelChange
from tests.recipes.finetuned.problem import (
    MESH,
    NEAR_PREDICTION,
    N,
    make,
)


def test_change_is_a_relative_mean_square():
    wires = maps.Wires(("density", N), ("susceptibility", N))
    reference = np.stack([np.full(N, 0.5), np.full(N, 0.01)])
    change = ModelChange(MESH, wires, reference=reference)
    assert change(reference.ravel()) == 0.0
    model = np.array([[1.2], [1.3]]) * reference
    assert change(model.ravel()) == pytest.approx(0.2**2 + 0.3**2)
    for which, wanted in enumerate((0.2, 0.3)):
        one = ModelChange(MESH, wires, reference=reference, which=which)
        assert one(model.ravel()) == pytest.approx(wanted**2)
        assert np.count_nonzero(one.deriv(model.ravel()).reshape(2, -1)[1 - which]) == 0


def test_texture_costs_more_than_a_smooth_change_and_derivatives_are_those_of_a_linear_residual():
    wires = maps.Wires(("density", N), ("susceptibility", N))
    change = ModelChange(MESH, wires, reference=np.ones((2, N)))
    cells = np.stack(np.unravel_index(np.arange(N), MESH.shape_cells, order="F")).sum(0)
    texture, rng = np.tile(0.1 * (-1.0) ** cells, 2), np.random.default_rng(0)
    assert change(1.0 + texture) > 8.0 * change(np.full(2 * N, 1.1))
    m, v, w = rng.standard_normal((3, 2 * N))
    a, b = (change.residual(m + one) - change.residual(m) for one in (v, w))
    assert change.deriv(m) @ v == pytest.approx(2.0 * change.residual(m) @ a)
    assert change.deriv2(m, v) @ w == pytest.approx(2.0 * a @ b)


def test_a_property_that_needs_no_change_is_held_more_strongly():
    one = np.array([[1.0, 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(anchor_strengths(one, one * np.array([[1.1], [1.1]])), [1.0, 1.0])
    np.testing.assert_allclose(anchor_strengths(one, one / np.array([[0.99], [0.9]])), [100.0, 1.0])
    np.testing.assert_allclose(anchor_strengths(one, one * np.array([[1.0], [1.1]])), [1e4, 1.0])
    np.testing.assert_allclose(anchor_strengths(one, one), [1.0, 1.0])
    np.testing.assert_allclose(anchor_strengths(0.0 * one, 0.0 * one), [1.0, 1.0])


def test_terms_together_are_what_they_are_one_by_one(network):
    recipe = make(network, couplings=regularization.CrossGradient, tuning={"dtype": "float64"}, anchor=NEAR_PREDICTION)
    problem, model = recipe.inversion.invProb, recipe.initial_model
    rng = np.random.default_rng(0)
    model = model + 1e-3 * rng.standard_normal(model.size)
    v = rng.standard_normal(model.size)
    for together in (problem.dmisfit, problem.reg):
        together.multipliers = [0.3, 0.0, 2.0] if together is problem.reg else [0.3, 2.0]
        plain = ComboObjectiveFunction(together.objfcts, together.multipliers)
        assert type(together) is not ComboObjectiveFunction
        assert together(model) == plain(model)
        fields = [one.simulation.fields(model) for one in together.objfcts] if together is problem.dmisfit else None
        for f in (None, fields):
            np.testing.assert_allclose(together.deriv(model, f=f), plain.deriv(model), rtol=1e-8, atol=1e-8)
        product, size = plain.deriv2(model, v), np.abs(plain.deriv2(model, v)).max()
        np.testing.assert_allclose(together.deriv2(model, v), product, atol=1e-10 * size)
        crossing = Crossing()
        on_tensors = together.tensor_hessian(model, crossing)(crossing.send(v))
        np.testing.assert_allclose(crossing.fetch(on_tensors), product, atol=1e-10 * size)
    crossing, terms = Crossing(), [(1.0, problem.dmisfit), (3.0, problem.reg)]
    on_tensors = sum_product(terms, model, crossing)(crossing.send(v))
    product = problem.dmisfit.deriv2(model, v) + 3.0 * problem.reg.deriv2(model, v)
    np.testing.assert_allclose(crossing.fetch(on_tensors), product, atol=1e-10 * np.abs(product).max())
