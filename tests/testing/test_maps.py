"""The contract check of maps finds the faults it is for."""

import numpy as np
import pytest
from simpeg import maps as simpeg_maps

from simpeg_jointdl import testing
from tests.maps.test_contract import torch_map

MODEL = np.random.default_rng(0).uniform(1.0, 2.0, 4)


class DerivativeDoubled(simpeg_maps.ExpMap):
    def deriv(self, m, v=None):
        derivative = 2.0 * super().deriv(m)
        return derivative if v is None else derivative @ v


class ProductsDiffer(simpeg_maps.ExpMap):
    def deriv(self, m, v=None):
        return super().deriv(m) if v is None else 1.01 * super().deriv(m, v)


class SharesItsValue(simpeg_maps.ExpMap):
    kept = None

    def _transform(self, m):
        self.kept = super()._transform(m) if self.kept is None else self.kept
        return self.kept


class WritesToModel(simpeg_maps.ExpMap):
    def deriv(self, m, v=None):
        result = super().deriv(m, v)
        m *= 1.0 + 1e-12
        return result


def test_a_map_of_simpeg_passes():
    testing.check_map(simpeg_maps.ExpMap(nP=4), MODEL)


def test_a_map_with_products_on_tensors_passes():
    mapping = torch_map()
    testing.check_map(mapping, mapping.initial_model(random_seed=3))


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (DerivativeDoubled, "gradient: the Taylor remainder has order"),
        (ProductsDiffer, "against the columns of deriv"),
        (SharesItsValue, "the Taylor remainder|the value, after the caller has changed the first one"),
        (WritesToModel, "the value, after the caller|the model passed in"),
    ],
)
def test_a_broken_map_is_found(broken, match):
    with pytest.raises(AssertionError, match=match):
        testing.check_map(broken(nP=4), MODEL.copy())
