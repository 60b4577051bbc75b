"""One EDI file as mt_metadata reads it, checked and in ohm."""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass

import numpy as np

from .._core.checks import check_frequencies
from ..kernels import apparent_resistivity

OHM = 4e-4 * np.pi  # of 1 mV/km/nT
_EMPTY = 1e30  # what is larger is a filling, whatever EMPTY= says
_SPECTRA = r"^\s*>SPECTRA\b.*\bFREQ\s*=\s*(\S+).*\bROTSPEC\s*=\s*(\S+)"
_LEAST = 0.1  # ohm m, below which the median of a file is not in mV/km/nT


@dataclass(frozen=True, eq=False)
class EdiStation:
    """Frequencies ascending; `rotation` (n_f,) is the azimuth of x; `guessed` the unit if no one has told it."""

    path: pathlib.Path
    frequencies: np.ndarray
    impedance: np.ndarray
    error: np.ndarray
    rotation: np.ndarray
    longitude_latitude: tuple[float, float] | None
    elevation: float
    guessed: str | None


def read_station(library, path: pathlib.Path, units: str | None) -> EdiStation:
    """Read by `library`, mt_metadata's EDI class."""
    text = path.read_text(encoding="utf-8", errors="replace")
    edi = library()
    try:
        edi.read(path)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        msg = (
            f"read_edi: {path}: mt_metadata cannot read it ({type(error).__name__}: {str(error)[:200]}). Wanted an "
            "EDI with >HEAD, >=MTSECT, >FREQ of two or more frequencies, and as many impedances in >ZXXR to >ZYYI."
        )
        raise ValueError(msg) from error
    z = None if edi.z is None else np.where((edi.z == 0) | ~(np.abs(edi.z) < _EMPTY), np.nan, edi.z)
    if z is None or np.isnan(z[:, [0, 1], [1, 0]]).all():
        msg = f"read_edi: {path}: got no impedances, wanted ZXY or ZYX at some frequency. Leave that file out."
        raise ValueError(msg)
    frequencies = np.asarray(edi.frequency, dtype=np.float64)
    check_frequencies(f"read_edi: {path}: frequencies", frequencies)
    blocks = getattr(edi, "data_dict", None)  # not of spectra
    if blocks is not None and "zxyr" not in blocks and "zyxr" not in blocks:
        units = "mV/km/nT"  # as mt_metadata makes impedances of resistivities and phases
    scale, guessed = _scale(units or _told_units(text), z, frequencies)
    error, rotation = _errors(edi), _rotation(edi, path, text)
    order = np.argsort(frequencies)
    return EdiStation(
        path=path,
        frequencies=frequencies[order],
        impedance=scale * z[order],
        error=scale * np.where(np.isnan(z), np.nan, error)[order],
        rotation=rotation[order],
        longitude_latitude=(float(edi.lon), float(edi.lat)) if edi.lat or edi.lon else None,
        elevation=float(edi.elev or 0.0),
        guessed=guessed,
    )


def _told_units(text: str) -> str | None:
    """What the header says of the impedances; mostly ``UNITS=M``, of lengths, or nothing, and then None.

    Read here, as mt_metadata says mV/km/nT where the header says nothing.
    """
    head = re.search(r"^\s*>HEAD(.*?)^\s*>", text, re.DOTALL | re.MULTILINE | re.IGNORECASE)
    found = re.search(r"^\s*UNITS\s*=(.*)$", head[1], re.MULTILINE | re.IGNORECASE) if head else None
    told = re.sub(r"[^a-z]", "", found[1].lower()) if found else ""
    if "ohm" in told:
        return "ohm"
    return "mV/km/nT" if told.startswith(("mv", "millivolt")) and told.endswith(("nt", "nanotesla")) else None


def _scale(units: str | None, z, frequencies) -> tuple[float, str | None]:
    """Factor to ohm, and the unit where it had to be guessed."""
    if units is not None:
        return (1.0 if units == "ohm" else OHM), None
    rho = apparent_resistivity(OHM * z, frequencies[:, None, None])[:, [0, 1], [1, 0]]
    guess = "ohm" if np.median(rho[~np.isnan(rho)]) < _LEAST else "mV/km/nT"
    return (1.0 if guess == "ohm" else OHM), guess


def _is_flipped(edi) -> bool:
    """mt_metadata turns ascending impedances round, and leaves the blocks it has read them from."""
    raw = edi.data_dict["freq"]
    return bool(raw[0] < raw[1])


def _errors(edi) -> np.ndarray:
    """Standard deviations, nan where the file has none.

    From the ``.VAR`` blocks where they are there: mt_metadata puts in their place what follows from ``PHS.ERR``.
    """
    error = np.array(edi.z_err, dtype=np.float64)
    blocks = getattr(edi, "data_dict", {})
    for (i, j), name in np.ndenumerate(np.array([["zxx", "zxy"], ["zyx", "zyy"]])):
        variance = blocks.get(f"{name}.var")
        if variance is not None:
            variance = variance[::-1] if _is_flipped(edi) else variance
            error[:, i, j] = np.sqrt(np.where(variance > 0, variance, np.nan))
    return np.where((error > 0) & (error < _EMPTY**0.5), error, np.nan)


def _rotation(edi, path: pathlib.Path, text: str) -> np.ndarray:
    """(n_f,) azimuth of the x axis in degrees: ``ZROT``, or ``ROTSPEC`` of spectra, which mt_metadata leaves aside."""
    n = len(edi.frequency)
    spectra = re.findall(_SPECTRA, text, re.MULTILINE | re.IGNORECASE)
    if spectra and not hasattr(edi, "data_dict"):
        angles = {float(frequency): float(angle) for frequency, angle in spectra}
        return np.array([angles.get(float(frequency), 0.0) for frequency in edi.frequency])
    angles = np.zeros(n) if edi.rotation_angle is None else np.asarray(edi.rotation_angle, dtype=np.float64)
    if angles.shape != (n,):
        msg = f"read_edi: {path}: got {len(angles)} angles in ZROT, wanted {n}. Give one per frequency."
        raise ValueError(msg)
    return angles[::-1] if hasattr(edi, "data_dict") and _is_flipped(edi) else angles
