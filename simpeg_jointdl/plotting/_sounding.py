"""Apparent resistivity and phase of one station, with the fits of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from ..data import MTSoundings

_OBSERVED = "observed"
_SAME_FREQUENCY = 1e-3


@dataclass(frozen=True, eq=False)
class _Curve:
    """A fit to plot, with χ over the frequencies that it shares with the observed data."""

    frequencies: np.ndarray
    apparent_resistivity: np.ndarray
    phase: np.ndarray
    chi: float


def plot_sounding(
    soundings: MTSoundings,
    station: str | int | None = None,
    predicted: MTSoundings | Mapping[str, MTSoundings] | None = None,
    *,
    against: Literal["period", "frequency"] = "period",
    title: str | None = None,
) -> Figure:
    """Plot apparent resistivity and phase of one station with error bars, and the fits of models.

    Parameters
    ----------
    soundings : MTSoundings
        Observed soundings. Error bars are one standard deviation where it is known; those of the resistivity are the
        factors exp(±σ/ρ), which a logarithmic axis can show for any σ.
    station : str or int, optional
        Name or index of the station; not needed for a single station.
    predicted : MTSoundings or dict of str to MTSoundings, optional
        Fits by name. Each contains that station or a single station; the frequencies may differ.
    against : {"period", "frequency"}
        Horizontal axis: period in s, or frequency in Hz decreasing to the right, so that depth increases to the right.
    title : str, optional
        Title; by default the name of the station and χ.

    Returns
    -------
    matplotlib.figure.Figure
        The title states the χ of one fit, the legend that of several fits. χ is the mean squared residual of
        resistivities and phases at common frequencies; it is 1 if the data are fitted to their errors, and its root is
        the rms. The phase axis runs from 0 to 90 degrees, or beyond where data do.

    Raises
    ------
    TypeError, ValueError
        If `soundings` is of another class, or the station is unknown or has no value.
    """
    observed = _station("plot_sounding.soundings", soundings, station)
    if not observed.n_data[0]:
        msg = f"plot_sounding: station {observed.names[0]} has no values. Choose another station."
        raise ValueError(msg)
    if against not in ("period", "frequency"):
        msg = f"plot_sounding.against: got {against!r}, wanted 'period' or 'frequency'."
        raise ValueError(msg)
    predicted = {} if predicted is None else predicted
    predicted = predicted if isinstance(predicted, Mapping) else {"model": predicted}
    curves = {name: _curve(f"plot_sounding.predicted[{name!r}]", observed, p) for name, p in predicted.items()}
    fig = Figure(figsize=(8, 7.2), dpi=150, layout="constrained")
    upper, lower = fig.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    place = np.reciprocal if against == "period" else np.asarray
    x = place(observed.frequencies)
    rho, phase = observed.apparent_resistivity[0], observed.phase[0]
    relative = observed.apparent_resistivity_error[0] / rho
    _points(upper, x, rho, np.stack([rho - rho * np.exp(-relative), rho * np.exp(relative) - rho]))
    _points(lower, x, phase, observed.phase_error[0])
    for i, (name, curve) in enumerate(curves.items()):
        style = {"color": f"C{(i + 1) % 10}", "linewidth": 1.6, "linestyle": ("-", "--", "-.", ":")[i % 4], "zorder": 3}
        label = f"{name}{_chi_text(curve)}" if len(curves) > 1 else name
        upper.plot(place(curve.frequencies), curve.apparent_resistivity, label=label, **style)
        lower.plot(place(curve.frequencies), curve.phase, **style)
    _dress(upper, lower, [rho, *(c.apparent_resistivity for c in curves.values())], against)
    _phase_limits(lower, np.concatenate([phase, *(c.phase for c in curves.values())]))
    fit = _chi_text(*curves.values()) if len(curves) == 1 else ""
    upper.set_title(f"{observed.names[0]}{fit}" if title is None else title)
    if curves:
        handles, labels = upper.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda i: (labels[i] != _OBSERVED, i))  # error bars would come last
        upper.legend([handles[i] for i in order], [labels[i] for i in order], fontsize="small")
    return fig


def _station(who, soundings, station) -> MTSoundings:
    if not isinstance(soundings, MTSoundings):
        msg = f"{who}: got {type(soundings).__name__}, wanted data.MTSoundings. MTStations.soundings() returns them."
        raise TypeError(msg)
    if station is None and len(soundings) > 1:
        msg = f"{who}: got {len(soundings)} stations, wanted one. Pass station=, a name or an index."
        raise ValueError(msg)
    return soundings[0 if station is None else station]


def _curve(who, observed, predicted) -> _Curve:
    name = observed.names[0]
    one = _station(who, predicted, None if isinstance(predicted, MTSoundings) and len(predicted) == 1 else name)
    nearest = np.abs(np.log(observed.frequencies[:, None] / one.frequencies)).argmin(axis=1)
    shared = np.abs(one.frequencies[nearest] / observed.frequencies - 1) < _SAME_FREQUENCY
    rho, phase = (np.where(shared, values[0, nearest], np.nan) for values in (one.apparent_resistivity, one.phase))
    matched = MTSoundings([name], observed.locations, observed.frequencies, rho[None], phase[None])
    return _Curve(one.frequencies, one.apparent_resistivity[0], one.phase[0], float(observed.chi(matched)[0]))


def _chi_text(curve: _Curve) -> str:
    return f", χ = {curve.chi:.3g}" if np.isfinite(curve.chi) else ""


def _points(ax, x, values, error) -> None:
    """Draw points, with error bars where the errors are known."""
    there = np.isfinite(values)
    bars = np.where(np.isfinite(error), error, 0.0)[..., there]
    marker = {"fmt": "o", "color": "black", "markersize": 4.5, "markerfacecolor": "white", "zorder": 2}
    ax.errorbar(x[there], values[there], bars, elinewidth=1.0, capsize=2.0, label=_OBSERVED, **marker)


def _dress(upper, lower, resistivities, against) -> None:
    """Set labels, units, and logarithmic axes over whole decades of resistivity."""
    upper.set(xscale="log", yscale="log", ylabel="Apparent resistivity (Ω m)")
    lower.set(ylabel="Phase (°)", xlabel="Period (s)" if against == "period" else "Frequency (Hz)")
    values = np.concatenate(resistivities)
    values = np.log10(values[values > 0])
    if len(values):
        low, high = np.floor(values.min() - 0.03), np.ceil(values.max() + 0.03)
        upper.set_ylim(10.0**low, 10.0**high)
    if against == "frequency":
        upper.invert_xaxis()
    for ax in (upper, lower):
        ax.grid(alpha=0.3)


def _phase_limits(ax, phase) -> None:
    low = min(0.0, 15 * np.floor(np.nanmin(phase) / 15)) if np.isfinite(phase).any() else 0.0
    high = max(90.0, 15 * np.ceil(np.nanmax(phase) / 15)) if np.isfinite(phase).any() else 90.0
    ax.set_ylim(low, high)
    ax.yaxis.set_major_locator(MultipleLocator(15 if high - low <= 120 else 45))
