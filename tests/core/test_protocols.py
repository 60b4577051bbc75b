"""Protocols: each has a docstring, sees what has its names, and sees the objects of this package it is meant for."""

import inspect
import re
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import torch
from discretize import TensorMesh
from simpeg import maps
from simpeg.data import Data
from simpeg.survey import BaseSurvey

from simpeg_jointdl._core import protocols
from simpeg_jointdl.directives import CoolCouplings, EstimateCouplingWeights, UpdateJointIRLS
from simpeg_jointdl.networks import GeologyVAE, ImplicitNetwork
from simpeg_jointdl.optimization import BoundedGaussNewton, LevenbergMarquardt
from simpeg_jointdl.regularization import CrossGradient, GuidedFuzzyCMeans

MESH = TensorMesh([3, 2])
N = MESH.n_cells
WIRES = maps.Wires(("a", N), ("b", N))
CENTERS = [[0.0, 0.0], [1.0, 1.0]]
ALL = {
    name: kind
    for name, kind in vars(protocols).items()
    if inspect.isclass(kind) and Protocol in kind.__bases__ and kind.__module__ == protocols.__name__
}


def members(kind):
    """Names that a Protocol asks for."""
    own = {name for name, value in vars(kind).items() if not name.startswith("_") and value is not None}
    return own | set(getattr(kind, "__annotations__", {}))


@pytest.mark.parametrize("name", ALL)
def test_every_protocol_is_used(name):
    package = Path(protocols.__file__).parents[1]
    others = [path for path in package.rglob("*.py") if path != Path(protocols.__file__)]
    assert any(re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")) for path in others)


@pytest.mark.parametrize("name", ALL)
def test_every_protocol_is_documented_and_so_is_all_it_asks_for(name):
    assert ALL[name].__doc__.strip()
    assert members(ALL[name])
    for member in members(ALL[name]) - set(getattr(ALL[name], "__annotations__", {})):
        assert inspect.getdoc(inspect.getattr_static(ALL[name], member)), f"{name}.{member}"


@pytest.mark.parametrize("name", ALL)
def test_what_has_the_names_is_served_whoever_wrote_it_and_nothing_else_is(name):
    kind = ALL[name]
    thing = type("Foreign", (), {member: lambda self: None for member in members(kind)})()
    assert isinstance(thing, kind)
    assert not isinstance(object(), kind)
    for member in members(kind):
        lacking = type("Lacking", (), {other: lambda self: None for other in members(kind) - {member}})()
        assert not isinstance(lacking, kind)


@pytest.mark.parametrize(
    ("thing", "kinds"),
    [
        (MESH, {"HasCells"}),
        (Data(BaseSurvey([]), dobs=np.array([])), {"HasSurveyAndData"}),
        (CrossGradient(MESH, WIRES), {"HasHessianDiagonal", "HasTensorHessian", "HasProperties"}),
        (
            GuidedFuzzyCMeans(MESH, WIRES, CENTERS),
            {
                "HasHessianDiagonal", "HasTensorHessian", "HasProperties", "IsCluster", "TakesClusters", "HasStrengths",
                "Checkpointed",
            },
        ),
        (CoolCouplings(), {"Checkpointed"}),
        (LevenbergMarquardt(), {"Checkpointed"}),
        (BoundedGaussNewton(), {"HasBoundCurvature"}),
        (torch.nn.Linear(2, 1), {"HasResetParameters"}),
        (ImplicitNetwork(2), {"PreparesPoints"}),
        (GeologyVAE.from_pretrained(), {"IsDecoder", "HasEncoder", "HasAmplitudes", "HasOffsets", "SamplesLatent"}),
        (torch.optim.Adam([torch.ones(1)]), set()),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, set) else "",
)  # fmt: skip
def test_objects_of_this_package_and_of_others_are_what_they_are_meant_to_be(thing, kinds):
    own = {name for name, kind in ALL.items() if isinstance(thing, kind)}
    assert kinds <= own
    assert own - kinds <= {"HasSimulation", "HasChi", "HasProperties", "Checkpointed"}


@pytest.mark.parametrize("directive", [UpdateJointIRLS, EstimateCouplingWeights])
def test_directives_that_others_wait_for_settle(directive):
    """The property reads the inversion, so a directive settles only once it stands in one."""
    assert isinstance(inspect.getattr_static(directive, "settled"), property)
