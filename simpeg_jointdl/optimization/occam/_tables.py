"""Columns of the table that Occam's inversion prints, in the form of SimPEG's."""

from __future__ import annotations

import numpy as np
from simpeg.optimization import Minimize


def _at_work(minimizer: Minimize) -> int:
    return int(minimizer.at_work.sum())


def _arrived(minimizer: Minimize) -> int:
    return int(minimizer.arrived.sum())


def _median_chi(minimizer: Minimize) -> float:
    return float(np.median(minimizer.chi))


def _largest_chi(minimizer: Minimize) -> float:
    return float(np.max(minimizer.chi))


def _short(value: float) -> str:
    return f"{value:1.2e}"


PRINTERS = [
    {"title": "at work", "value": _at_work, "width": 9, "format": str},
    {"title": "arrived", "value": _arrived, "width": 9, "format": str},
    {"title": "median chi", "value": _median_chi, "width": 12, "format": _short},
    {"title": "largest chi", "value": _largest_chi, "width": 12, "format": _short},
]
