"""Members in one batch are the members one by one."""

import numpy as np
import pytest
import torch
from discretize import TensorMesh

from simpeg_jointdl import maps
from simpeg_jointdl.testing import check_map
from tests.maps.problem import network

MESH = TensorMesh([3, 2, 2])


def inr(**options):
    return maps.INRMap(MESH, network=network(2), n_properties=2, bounds=[(-1, 1), (0, 1)], **options)


@pytest.mark.parametrize("options", [{}, {"max_points": 12, "points_per_cell": 2}], ids=["whole", "in pieces"])
def test_members(options):
    one = inr(**options)
    ensemble = maps.EnsembleMap(one, [3, 4, 5])
    model = ensemble.initial_model()
    for e, seed in enumerate((3, 4, 5)):
        np.testing.assert_array_equal(ensemble.member_model(model, e), one.initial_model(random_seed=seed))
        wanted = (one * one.initial_model(random_seed=seed)).reshape(2, -1)
        np.testing.assert_allclose(ensemble.members(model)[e], wanted, rtol=1e-12)


def test_contract():
    ensemble = maps.EnsembleMap(inr(points_per_cell=(2, 1, 1)), [1, 2])
    check_map(ensemble, ensemble.initial_model())


@pytest.mark.parametrize("own", [False, True], ids=["rows in common", "rows of each"])
def test_rows_of_members(own):
    one = inr(max_points=7)
    ensemble = maps.EnsembleMap(one, [0, 1, 2])
    model, generator = ensemble.initial_model(), torch.Generator().manual_seed(0)
    rows = torch.randn((2, 4, 24) if own else (4, 24), generator=generator, dtype=torch.float64)
    result = ensemble.member_rows(model, rows, [2, 0])
    for got, e, mine in zip(result, (2, 0), rows if own else (rows, rows), strict=True):
        wanted = mine.numpy() @ one.deriv(ensemble.member_model(model, e)).toarray()
        np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_seeds_that_are_no_ensemble(seeds):
    with pytest.raises(ValueError, match="wanted one or more, all different"):
        maps.EnsembleMap(inr(), seeds)
