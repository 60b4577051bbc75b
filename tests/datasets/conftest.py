"""Field data come from a folder; without it the tests that need it say that they were skipped."""

import os
import pathlib

import pytest


@pytest.fixture
def field_data() -> pathlib.Path:
    folder = os.environ.get("SIMPEG_JOINTDL_DATA")
    if not folder:
        pytest.skip("field data: set SIMPEG_JOINTDL_DATA to their folder")
    return pathlib.Path(folder)


@pytest.fixture
def forward():
    """Noise-free gz and tmi of a dataset's true models by SimPEG, of the cells that are not zero alone."""
    from simpeg import maps
    from simpeg.potential_fields import gravity, magnetics

    def simulate(dataset):
        model = dataset.true_models["density"]
        active = model != 0
        kwargs = {"active_cells": active, "store_sensitivities": "forward_only", "engine": "geoana"}
        mapping = maps.IdentityMap(nP=int(active.sum()))
        gz = gravity.simulation.Simulation3DIntegral(
            dataset.mesh, survey=dataset.gravity.survey(), rhoMap=mapping, **kwargs
        ).dpred(model[active])
        tmi = magnetics.simulation.Simulation3DIntegral(
            dataset.mesh, survey=dataset.magnetics.survey(), chiMap=mapping, **kwargs
        ).dpred(dataset.true_models["susceptibility"][active])
        return gz, tmi

    return simulate
