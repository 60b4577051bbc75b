"""What no column of layers can be made of: each a clear error."""

import re

import numpy as np
import pytest
from simpeg import maps

from simpeg_jointdl.electromagnetics import natural_source
from simpeg_jointdl.electromagnetics.natural_source import DeterminantImpedance, create_survey, receivers
from tests.electromagnetics.natural_source.problem import LOCATIONS, N_LAYERS, N_STATIONS, THICKNESSES, make, make_model

PLACE = np.zeros((1, 3))
NAN = np.array([[0.0, np.nan, 0.0]])


def simulate(*receiver_list, frequency=1.0, **options):
    survey = natural_source.Survey([natural_source.sources.Planewave(list(receiver_list), frequency)])
    return natural_source.Simulation1DStitched(survey, THICKNESSES, **options)


@pytest.mark.parametrize("receiver", [receivers.Tipper, receivers.Admittance, receivers.ApparentConductivity])
def test_other_receivers(receiver):
    with pytest.raises(TypeError, match=f"got a receiver of type {receiver.__name__}; wanted Impedance or Determinant"):
        simulate(receiver(PLACE))


@pytest.mark.parametrize("orientation", ["xx", "yy"])
def test_elements_that_layers_do_not_have(orientation):
    with pytest.raises(ValueError, match=f"orientation '{orientation}', which is zero over layers"):
        simulate(receivers.Impedance(PLACE, orientation=orientation))


def test_complex_data():
    with pytest.raises(ValueError, match="component 'complex'; wanted one of 'real', 'imag'"):
        simulate(receivers.Impedance(PLACE, orientation="xy", component="complex"))


def test_fields_at_two_places():
    with pytest.raises(ValueError, match="locations_h apart from locations_e"):
        simulate(receivers.Impedance(PLACE, PLACE + 1.0, orientation="xy"))
    assert simulate(receivers.Impedance(PLACE, PLACE.copy(), orientation="xy")).n_stations == 1


@pytest.mark.parametrize("frequency", [0.0, np.inf])
def test_frequencies(frequency):
    with pytest.raises(ValueError, match=rf"a source has the frequency {frequency} Hz; wanted a finite one above zero"):
        simulate(receivers.Impedance(PLACE, orientation="xy"), frequency=frequency)
    with pytest.raises(ValueError, match=r"create_survey\.survey: a source has the frequency"):
        create_survey(LOCATIONS, [1.0, frequency])


def test_locations():
    with pytest.raises(ValueError, match="a location is not finite"):
        simulate(receivers.Impedance(NAN, orientation="xy"))
    with pytest.raises(ValueError, match="different dimensions, \\[2, 3\\]"):
        simulate(receivers.Impedance(PLACE, orientation="xy"), receivers.Impedance(PLACE[:, :2], orientation="xy"))
    with pytest.raises(ValueError, match="it has no receivers"):
        simulate()


def test_a_survey_of_another_kind():
    from simpeg.potential_fields import gravity

    survey = gravity.Survey(gravity.SourceField([gravity.Point(PLACE)]))
    with pytest.raises(TypeError, match="survey"):
        natural_source.Simulation1DStitched(survey, THICKNESSES)


@pytest.mark.parametrize("bad", [0.0, -3.0, np.nan, np.inf])
def test_thicknesses_not_above_zero(bad):
    with pytest.raises(ValueError, match="thicknesses: 1 of 2 are not finite numbers above zero, the first is"):
        make(thicknesses=[10.0, bad])


def test_shapes_of_thicknesses():
    with pytest.raises(ValueError, match=r"thicknesses: got shape \(1, 1, 4\)"):
        make(thicknesses=THICKNESSES[None, None])
    with pytest.raises(ValueError, match="thicknesses: got 3 rows for 4 stations"):
        make(thicknesses=np.tile(THICKNESSES, (3, 1))).dpred(make_model())
    with pytest.raises(ValueError, match=r"20 conductivities .* wanted 4 stations x 4 layers = 16, layers fastest"):
        make(thicknesses=THICKNESSES[1:]).dpred(make_model())


def test_a_model_of_another_length():
    with pytest.raises(ValueError, match=re.escape("19 conductivities (or resistivities) after its map, wanted 4")):
        make(sigma=np.ones(19)).dpred()
    simulation = make(sigmaMap=maps.IdentityMap(nP=19))
    for call in (simulation.dpred, simulation.fields, simulation.getJ, simulation.getJtJdiag):
        with pytest.raises(ValueError, match="19 conductivities"):
            call(np.ones(19))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_conductivities_not_above_zero(bad):
    sigma = np.ones(N_STATIONS * N_LAYERS)
    sigma[7] = bad
    with pytest.raises(
        ValueError, match=r"1 of 20 conductivities .* the first in layer 2 of station 1; use maps\.ExpMap"
    ):
        make(sigmaMap=maps.IdentityMap(nP=sigma.size)).dpred(sigma)


def test_what_is_not_set_yet():
    simulation = natural_source.Simulation1DStitched()
    with pytest.raises(ValueError, match=r"Simulation1DStitched\.thicknesses: not set"):
        simulation.n_layers  # noqa: B018
    with pytest.raises(ValueError, match=r"Simulation1DStitched\.survey: not set"):
        simulation.n_stations  # noqa: B018
    simulation.thicknesses = THICKNESSES
    simulation.sigmaMap = maps.ExpMap(nP=N_STATIONS * N_LAYERS)
    with pytest.raises(ValueError, match=r"Simulation1DStitched\.survey: not set"):
        simulation.dpred(make_model())
    simulation.survey = make().survey
    np.testing.assert_array_equal(simulation.dpred(make_model()), make().dpred(make_model()))


def test_no_map():
    simulation = make(sigma=np.ones(N_STATIONS * N_LAYERS))
    for call in (simulation.getJ, simulation.getJtJdiag, simulation.tensor_jacobian):
        with pytest.raises(ValueError, match="neither sigmaMap nor rhoMap, so its data depend on no model"):
            call(None)


def test_device_and_dtype():
    with pytest.raises(ValueError, match="device: got 'moon'"):
        make(device="moon")
    with pytest.raises(ValueError, match="dtype: got 'float16'"):
        make(dtype="float16")


def test_determinants():
    with pytest.raises(ValueError, match="got 'xy'; it has none but 'det'"):
        DeterminantImpedance(PLACE).orientation = "xy"
    for call in (DeterminantImpedance(PLACE).eval, DeterminantImpedance(PLACE).evalDeriv):
        with pytest.raises(TypeError, match="for layered simulations only"):
            call(None, None, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((0, 3)), [1.0]), r"locations have shape \(0, 3\)"),
        ((np.zeros((2, 2, 2)), [1.0]), r"locations have shape \(2, 2, 2\)"),
        ((np.zeros((3, 2)), [1.0]), "3 locations, 1 of them different"),
        ((LOCATIONS, [[1.0], [2.0]]), "frequencies of 2 stations, locations of 4"),
        ((LOCATIONS, []), "0 frequencies and 2 components"),
        ((LOCATIONS, [[1.0], [2.0], [], [1.0]]), "0 frequencies and 2 components"),
        ((LOCATIONS, [1.0], ()), "1 frequencies and 0 components"),
        ((LOCATIONS, [1.0], "tipper"), "component"),
        ((LOCATIONS, [1.0], "real", "xz"), "orientation"),
    ],
    ids=str,
)
def test_surveys_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        create_survey(*arguments)
