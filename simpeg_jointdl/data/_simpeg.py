"""Conversion of soundings to SimPEG's natural-source data and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..kernels import apparent_resistivity

if TYPE_CHECKING:
    from ._soundings import MTSoundings

_COMPONENTS = ("apparent_resistivity", "phase", "real", "imag")
_ORIENTATIONS = ("xy", "yx", "det")


def to_simpeg(soundings: MTSoundings):
    """Return SimPEG's data of soundings; see `MTSoundings.to_simpeg`."""
    from simpeg.data import Data
    from simpeg.electromagnetics import natural_source

    _check(soundings)
    values = {"apparent_resistivity": soundings.apparent_resistivity, "phase": soundings.phase - 180.0}
    errors = {"apparent_resistivity": soundings.apparent_resistivity_error, "phase": soundings.phase_error}
    sources, observed, deviation = [], [], []
    for i, frequency in enumerate(soundings.frequencies):
        receivers = []
        for name in values:
            (there,) = np.nonzero(~np.isnan(values[name][:, i]))
            if len(there):
                places = soundings.locations[there]
                receivers.append(natural_source.receivers.Impedance(places, orientation="xy", component=name))
                observed.append(values[name][there, i])
                deviation.append(errors[name][there, i])
        if receivers:
            sources.append(natural_source.sources.Planewave(receivers, frequency=float(frequency)))
    survey = natural_source.Survey(sources)
    return Data(survey, dobs=np.concatenate(observed), standard_deviation=np.concatenate(deviation))


def _check(soundings: MTSoundings) -> None:
    who = "MTSoundings.to_simpeg"
    if not soundings.n_data.any():
        msg = f"{who}: got no values. Choose stations with data."
        raise ValueError(msg)
    if len(np.unique(soundings.locations, axis=0)) < len(soundings):
        msg = f"{who}: two stations share one location, by which SimPEG identifies stations. Move or remove one."
        raise ValueError(msg)
    rho, phase = soundings.apparent_resistivity, soundings.phase
    unknown = ~np.isnan(rho) & np.isnan(soundings.apparent_resistivity_error)
    unknown |= ~np.isnan(phase) & np.isnan(soundings.phase_error)
    if unknown.any():
        msg = f"{who}: {int(unknown.sum())} errors are unknown. Set an error floor first: floored(0.05)."
        raise ValueError(msg)


def from_simpeg(data, names=None) -> tuple:
    """Return the arguments of `MTSoundings` from SimPEG's data; see `MTSoundings.from_simpeg`."""
    places, frequencies, rows = _rows(data)
    values = np.full((len(_COMPONENTS), 2, len(places), len(frequencies)), np.nan)
    for component, frequency, place, value, deviation in rows:
        values[component, :, place, frequency] = value, deviation
    rho, phase, real, imag = values
    if (np.isnan(real[0]) != np.isnan(imag[0])).any():
        msg = "MTSoundings.from_simpeg: got one part of an impedance without the other. Pass real and imag of each."
        raise ValueError(msg)
    z = real[0] + 1j * imag[0]
    relative = np.sqrt((real[1] ** 2 + imag[1] ** 2) / 2) / np.abs(z)
    own = np.isnan(rho[0])  # measured values take precedence over those computed from the impedance
    rho[:, own] = np.stack([apparent_resistivity(z, frequencies), np.zeros_like(relative)])[:, own]
    rho[1, own] = (2 * relative * rho[0])[own]
    own = np.isnan(phase[0])
    phase[:, own] = np.stack([np.degrees(np.angle(z)), np.degrees(relative)])[:, own]
    phase[0] = (phase[0] + 45.0) % 180.0 - 45.0
    for error in (rho[1], phase[1]):
        error[error == 0] = np.nan
    names = [str(i + 1) for i in range(len(places))] if names is None else names
    return names, places, frequencies, rho[0], phase[0], rho[1], phase[1]


def _rows(data):
    """Return locations, frequencies and (component, frequency, location, value, deviation) of every datum."""
    frequencies = np.unique([source.frequency for source in data.survey.source_list])
    places, rows, orientations, start = {}, [], set(), 0
    deviations = data.standard_deviation
    for source in data.survey.source_list:
        i = int(np.searchsorted(frequencies, source.frequency))
        for receiver in source.receiver_list:
            component = _component(receiver)
            orientations.add(receiver.orientation)
            keys = [tuple(place) for place in np.asarray(receiver.locations_e, dtype=np.float64)]
            where = [places.setdefault(key, len(places)) for key in keys]
            part = slice(start, start + len(where))
            rows += [(component, i, *row) for row in zip(where, data.dobs[part], deviations[part], strict=True)]
            start = part.stop
    if len(orientations) > 1:
        found = " and ".join(sorted(orientations))
        msg = f"MTSoundings.from_simpeg: got {found}, wanted one of them. Separate them first."
        raise ValueError(msg)
    locations = np.array(list(places), dtype=np.float64)
    return np.pad(locations, ((0, 0), (0, 3 - locations.shape[1]))), frequencies, rows


def _component(receiver) -> int:
    found = getattr(receiver, "component", None), getattr(receiver, "orientation", None)
    if found[0] not in _COMPONENTS or found[1] not in _ORIENTATIONS:
        msg = (
            f"MTSoundings.from_simpeg: got receiver {type(receiver).__name__}{found}, wanted Impedance of "
            f"{', '.join(_COMPONENTS)} and orientation {', '.join(_ORIENTATIONS)}. Remove the others from the survey."
        )
        raise TypeError(msg)
    return _COMPONENTS.index(found[0])
