"""A few stations over layers, and SimPEG's own answer for each of them."""

import numpy as np
from simpeg import maps

from simpeg_jointdl.electromagnetics import natural_source

LOCATIONS = np.array([[300.0, 0.0, 5.0], [0.0, 0.0, 0.0], [100.0, 50.0, 0.0], [200.0, 0.0, -2.0]])
SHARED = np.geomspace(1e-2, 1e2, 4)
OWN = [np.geomspace(1e-1, 1e2, 3), [7.0], [3.0, 0.5, 3.0], [0.5, 100.0]]  # one twice, unsorted, some in common
FREQUENCIES = {"shared": SHARED, "own": OWN}
N_STATIONS, N_LAYERS = len(LOCATIONS), 5
THICKNESSES = np.geomspace(20.0, 2000.0, N_LAYERS - 1)
COMPONENTS = ("real", "imag", "apparent_resistivity", "phase")


def own_thicknesses():
    return np.random.default_rng(1).uniform(0.5, 2.0, (N_STATIONS, 1)) * THICKNESSES


def make_model(seed=0):
    """Logarithms of conductivity, (n_stations * n_layers,)."""
    return np.random.default_rng(seed).normal(-4.0, 1.5, N_STATIONS * N_LAYERS)


def make(frequencies="shared", components=COMPONENTS, orientation="xy", thicknesses=THICKNESSES, **options):
    """Simulation with an exponential map, unless told otherwise."""
    survey = natural_source.create_survey(LOCATIONS, FREQUENCIES[frequencies], components, orientation)
    if not {"sigmaMap", "rhoMap", "sigma", "rho"} & set(options):
        options["sigmaMap"] = maps.ExpMap(nP=N_STATIONS * N_LAYERS)
    return natural_source.Simulation1DStitched(survey, thicknesses, **options)


def of_simpeg(survey, sigma, thicknesses=THICKNESSES):
    """Data of all receivers from SimPEG's recursion, a simulation for each location of each receiver."""
    found, thicknesses = [], np.broadcast_to(thicknesses, (N_STATIONS, N_LAYERS - 1))
    for source in survey.source_list:
        for receiver in source.receiver_list:
            for place in receiver.locations_e:
                (station,) = np.flatnonzero((place == LOCATIONS).all(axis=1))
                one = natural_source.receivers.Impedance(place[None], orientation="xy", component=receiver.component)
                simulation = natural_source.Simulation1DRecursive(
                    natural_source.Survey([natural_source.sources.Planewave([one], source.frequency)]),
                    sigma=sigma.reshape(N_STATIONS, N_LAYERS)[station, ::-1],
                    thicknesses=thicknesses[station, ::-1],
                )
                found.append(simulation.dpred(None).item())
    return np.array(found)
