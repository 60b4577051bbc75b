"""One EDI file as mt_metadata reads it, checked and converted to ohm."""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass

import numpy as np

from .._core import validation as check
from ..kernels import apparent_resistivity

OHM = 4e-4 * np.pi  # 1 mV/km/nT in ohm
_EMPTY = 1e30  # larger values are fill values, whatever EMPTY= says
_SPECTRA = r"^\s*>SPECTRA\b.*\bFREQ\s*=\s*(\S+).*\bROTSPEC\s*=\s*(\S+)"
_LEAST = 0.1  # ohm m; a smaller median shows that a file is not in mV/km/nT


@dataclass(frozen=True, eq=False)
class EdiStation:
    """Content of a file at ascending frequencies, with the azimuth of x (n_f,), and the unit if it was guessed."""

    path: pathlib.Path
    frequencies: np.ndarray
    impedance: np.ndarray
    error: np.ndarray
    rotation: np.ndarray
    longitude_latitude: tuple[float, float] | None
    elevation: float
    guessed: str | None


def read_station(library, path: pathlib.Path, units: str | None) -> EdiStation:
    """Read a file with `library`, mt_metadata's EDI class."""
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
        msg = f"read_edi: {path}: got no impedances, wanted ZXY or ZYX at some frequency. Leave out this file."
        raise ValueError(msg)
    frequencies = np.asarray(edi.frequency, dtype=np.float64)
    check.finite_array(f"read_edi: {path}: frequencies", frequencies, (None,), above=0.0)
    blocks = getattr(edi, "data_dict", None)  # None for spectra
    if blocks is not None and "zxyr" not in blocks and "zyxr" not in blocks:
        units = "mV/km/nT"  # mt_metadata computes impedances in this unit
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
    """Return the unit of impedances in the header, or None; usually it is absent or ``UNITS=M``, a unit of length.

    It is read here because mt_metadata reports mV/km/nT if the header has no unit.
    """
    head = re.search(r"^\s*>HEAD(.*?)^\s*>", text, re.DOTALL | re.MULTILINE | re.IGNORECASE)
    found = re.search(r"^\s*UNITS\s*=(.*)$", head[1], re.MULTILINE | re.IGNORECASE) if head else None
    told = re.sub(r"[^a-z]", "", found[1].lower()) if found else ""
    if "ohm" in told:
        return "ohm"
    return "mV/km/nT" if told.startswith(("mv", "millivolt")) and told.endswith(("nt", "nanotesla")) else None


def _scale(units: str | None, z, frequencies) -> tuple[float, str | None]:
    """Return the factor to ohm, and the unit if it had to be guessed."""
    if units is not None:
        return (1.0 if units == "ohm" else OHM), None
    rho = apparent_resistivity(OHM * z, frequencies[:, None, None])[:, [0, 1], [1, 0]]
    guess = "ohm" if np.median(rho[~np.isnan(rho)]) < _LEAST else "mV/km/nT"
    return (1.0 if guess == "ohm" else OHM), guess


def _is_flipped(edi) -> bool:
    """Return whether mt_metadata has reversed ascending impedances; it does not reverse the blocks it read."""
    raw = edi.data_dict["freq"]
    return bool(raw[0] < raw[1])


def _errors(edi) -> np.ndarray:
    """Return standard deviations, with nan where the file has none.

    They are read from the ``.VAR`` blocks if there are any, since mt_metadata replaces them by values from ``PHS.ERR``.
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
    """Return the azimuth of x in degrees, (n_f,): ``ZROT``, or ``ROTSPEC`` of spectra, which mt_metadata ignores."""
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
