"""What float32 costs: relative errors of value, gradient and Hessian product against float64, stated and held.

Properties of order one, once as they are and once on an offset of 20 standard deviations, which is where float32
loses digits: an uncentred relation is then all offset. Errors are relative to the largest entry.
"""

import re

import numpy as np
import pytest

from tests.registry import COUPLINGS, make_problem

# first pattern that fits a coupling's name -> bounds (value, gradient, Hessian product) without and with the offset;
# in windowed relations the errors come from windows of little variance
BOUNDS = {
    "pearson, wide, no floor": [(3e-6, 2e-2, 1e-1), (3e-6, 2e-2, 1e-1)],  # windows of almost no variance
    "pearson|centered windows": [(2e-5, 3e-4, 1e-3), (2e-5, 3e-4, 1e-3)],
    "clusters": [(5e-7, 3e-6, 1e-6), (5e-7, 3e-6, 1e-6)],
    "gradient|laplacian": [(3e-6, 1e-5, 1e-5), (5e-6, 3e-5, 3e-5)],
    "centered": [(3e-6, 3e-6, 2e-6), (1e-5, 2e-5, 1e-5)],
    "identity|log": [(2e-5, 2e-5, 2e-5), (2e-3, 1e-4, 2e-5)],
    "all at once": [(2e-5, 3e-5, 3e-5), (2e-3, 3e-3, 1e-1)],
}
SITUATIONS = [(2, "tensor", 2, "some"), (2, "tree", 3, "all"), (3, "tensor", 3, "some"), (3, "tree", 2, "some")]


@pytest.mark.parametrize("offset", [0, 20])
@pytest.mark.parametrize("name", COUPLINGS)
def test_float32(name, offset, device):
    bounds = next(bounds for pattern, bounds in BOUNDS.items() if re.search(pattern, name))[offset > 0]
    for situation in SITUATIONS:
        errors = relative_errors(name, situation, offset, device)
        assert (errors <= bounds).all(), f"{situation}: errors {errors}, stated {bounds}"


def relative_errors(name, situation, offset, device):
    mesh, active_cells, wires, model = make_problem(*situation)
    properties = model.reshape(situation[2], -1)
    model = (properties + offset * properties.std(axis=1, keepdims=True)).ravel()
    double, single = (
        COUPLINGS[name](mesh, wires, active_cells=active_cells, device=device, dtype=dtype)
        for dtype in ("float64", "float32")
    )
    v = np.random.default_rng(1).standard_normal(len(model)) * model
    pairs = [
        (single(model), double(model)),
        (single.deriv(model), double.deriv(model)),
        (single.deriv2(model, v), double.deriv2(model, v)),
    ]
    return np.array([np.abs(np.subtract(a, b)).max() / np.abs(b).max() for a, b in pairs])


@pytest.mark.parametrize("name", ["cross-gradient, normalized", "pearson", "gramian, gradient, windows"])
def test_an_offset_a_coupling_ignores_costs_float32_nothing(name):
    mesh, active_cells, wires, model = make_problem(2, "tensor", 2, "all")
    coupling = COUPLINGS[name](mesh, wires, active_cells=active_cells, dtype="float32")
    assert coupling(model + 1e6) == pytest.approx(coupling(model), rel=1e-4)
