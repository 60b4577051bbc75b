"""Checks of arrays over stations and frequencies, in which nan marks a missing value."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .._core import validation as check


def station_names(who: str, names) -> tuple[str, ...]:
    """Return different names as a tuple of str."""
    names = (names,) if isinstance(names, str) else tuple(str(name) for name in names)
    double = sorted(name for name, count in Counter(names).items() if count > 1)
    if double or not names:
        msg = f"{who}.names: got {double or 'none'}, wanted each name once. Rename those stations."
        raise ValueError(msg)
    return names


def ascending_frequencies(who: str, value) -> np.ndarray:
    """Return read-only frequencies in Hz, (n_f,), positive and ascending."""
    frequencies = check.finite_array(f"{who}.frequencies", value, (None,))
    check.finite_array(f"{who}.frequencies", frequencies, (None,), above=0.0)
    if (np.diff(frequencies) <= 0).any():
        what = "the same frequency twice" if (np.diff(np.sort(frequencies)) == 0).any() else "unsorted frequencies"
        msg = f"{who}.frequencies: got {what}, wanted each once, ascending. Sort them and the data with them."
        raise ValueError(msg)
    return frequencies


def gappy_array(name: str, value, shape: tuple[int, ...], dtype=np.float64, *, positive=False) -> np.ndarray:
    """Return a read-only copy of a given shape, finite or nan (missing), and above 0 if `positive`."""
    array = np.array(value, dtype=dtype)
    if array.shape != shape:
        msg = f"{name}: got shape {array.shape}, wanted {shape}. Give one entry per station and frequency."
        raise ValueError(msg)
    if np.isinf(array).any():
        msg = f"{name}: got {int(np.isinf(array).sum())} infinite entries. Set missing values to nan."
        raise ValueError(msg)
    if positive and (array <= 0).any():
        msg = f"{name}: the smallest entry is {np.nanmin(array):g}, wanted > 0, or nan for a missing value."
        raise ValueError(msg)
    array.flags.writeable = False
    return array


def picked(who: str, names: tuple[str, ...], key) -> np.ndarray:
    """Return indices of stations from a name, an index, a slice, bools, or a sequence of names or indices."""
    if isinstance(key, str | int | np.integer):
        key = [key]
    if isinstance(key, slice):
        return np.arange(len(names))[key]
    key = list(key)
    unknown = [entry for entry in key if isinstance(entry, str) and entry not in names]
    if unknown or not key:
        msg = f"{who}: got stations {unknown or key}, wanted some of {', '.join(names[:8])}, ... Check the names."
        raise ValueError(msg)
    chosen = np.array([names.index(entry) if isinstance(entry, str) else entry for entry in key])
    if chosen.dtype == bool and len(chosen) != len(names):
        msg = f"{who}: got {len(chosen)} bools, wanted {len(names)}. Give one per station."
        raise ValueError(msg)
    return np.arange(len(names))[chosen]
