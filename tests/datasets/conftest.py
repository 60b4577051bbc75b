"""Data sets that several tests use."""

import pytest


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
