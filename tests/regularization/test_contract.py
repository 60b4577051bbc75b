"""Every coupling keeps every promise, on every kind of mesh."""

import pytest
import torch

from simpeg_jointdl.testing import check_coupling
from tests.registry import COUPLINGS, make_problem

# every value of each with every value of each other
SITUATIONS = [
    (2, "tensor", 2, "all"),
    (2, "tree", 3, "some"),
    (3, "tensor", 3, "some"),
    (3, "tree", 2, "some"),
    (3, "tree", 3, "all"),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: "-".join(map(str, s)))
@pytest.mark.parametrize("name", COUPLINGS)
def test_contract(name, situation, device, dtype):
    mesh, active_cells, wires, model = make_problem(*situation)
    coupling = COUPLINGS[name](mesh, wires, active_cells=active_cells, device=device, dtype=dtype)
    assert coupling(model) > 0
    rtol = 0.2 if name == "pearson, wide, no floor" and dtype == torch.float32 else None  # see test_float32.py
    check_coupling(coupling, model, rtol=rtol)
