"""Layered resistivity models against depth, with uncertainty bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ._checks import checked_array
from ._style import length_scale

_BANDS = (0.18, 0.3, 0.4)  # opacity of the bands, from the widest


def plot_layered_model(
    thicknesses: ArrayLike,
    resistivity: ArrayLike,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    *,
    name: str = "model",
    band_names: Sequence[str] | None = None,
    others: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    max_depth: float | None = None,
    depth_scale: Literal["linear", "log"] = "linear",
    limits: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Plot a layered resistivity model against depth, with uncertainty bands and other models.

    Parameters
    ----------
    thicknesses : (n_layers - 1,) array_like
        Thicknesses in m from the surface down; the last layer is a half-space.
    resistivity : (n_layers,) array_like
        Resistivities in ohm m.
    lower, upper : (n_layers,) or (n_bands, n_layers) array_like, optional
        Bounds of one band, or of several bands from the widest to the narrowest, such as quantiles of 5 and 95 %, and
        of 25 and 75 %.
    name : str
        Name of the model in the legend.
    band_names : sequence of str, optional
        Names of the bands in the legend, such as ``["90 %", "50 %"]``.
    others : dict of str to (thicknesses, resistivity), optional
        Further models by name, such as other inversions or the true model. Their layers may differ.
    max_depth : float, optional
        Largest depth in m; by default 1.25 times the depth of the deepest interface.
    depth_scale : {"linear", "log"}
        Scale of the depth axis. A logarithmic axis starts at half the thinnest of the uppermost layers.
    limits : (float, float), optional
        Smallest and largest resistivity shown; by default those of models and bands above `max_depth`.
    title : str, optional
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If thicknesses or resistivities are not positive, lengths do not fit, or only one bound of a band is given.
    """
    models = {name: (thicknesses, resistivity), **(others or {})}
    models = {key: _checked(f"plot_layered_model.{key}", *model) for key, model in models.items()}
    bands = _bands(lower, upper, len(models[name][1]))
    names = [None] * len(bands) if band_names is None else list(band_names)
    if depth_scale not in ("linear", "log") or len(names) != len(bands):
        msg = (
            f"plot_layered_model: got depth_scale={depth_scale!r} and {len(names)} names of {len(bands)} bands, wanted "
            "'linear' or 'log', and a name for each band."
        )
        raise ValueError(msg)
    deepest = max(float(h.sum()) for h, _ in models.values())
    max_depth = float(max_depth or 1.25 * deepest or 1000.0)
    top = 0.5 * min((h[0] for h, _ in models.values() if len(h)), default=1.0) if depth_scale == "log" else 0.0
    if not max_depth > top:
        msg = f"plot_layered_model.max_depth: got {max_depth:g}, wanted more than {top:g} m."
        raise ValueError(msg)
    scale, unit = length_scale(max_depth)
    fig = Figure(figsize=(6, 7.2), dpi=200, layout="constrained")
    ax = fig.add_subplot(title=title or "", xlabel="Resistivity (Ω m)", ylabel=f"Depth ({unit})")
    for i, (key, (h, rho)) in enumerate(models.items()):
        edges = np.concatenate([[top], np.cumsum(h)[:-1], [h.sum(), np.inf]]) if len(h) else np.array([top, np.inf])
        edges = np.clip(edges, top, max_depth) / scale
        if i == 0:
            for (low, high), band, alpha in zip(bands, names, _BANDS, strict=False):
                style = {"color": "C0", "alpha": alpha, "linewidth": 0, "label": band}
                ax.stairs(high, edges, baseline=low, fill=True, orientation="horizontal", **style)
        color, line = (("C0", "-"), ("black", "--"), *((f"C{k}", "-.") for k in range(1, 10)))[i % 11]
        style = {"color": color, "linestyle": line, "linewidth": 2.0 if i == 0 else 1.4, "label": key}
        ax.stairs(rho, edges, baseline=None, orientation="horizontal", **style)
    ax.set(xscale="log", yscale=depth_scale, ylim=(max_depth / scale, top / scale))
    if depth_scale == "log":
        ax.yaxis.set_major_formatter("{x:g}")
    ax.set_xlim(_decades(models, bands, max_depth) if limits is None else limits)
    ax.grid(alpha=0.3)
    if len(models) + sum(band is not None for band in names) > 1:
        ax.legend(fontsize="small")
    return fig


def _checked(who, thicknesses, resistivity) -> tuple[np.ndarray, np.ndarray]:
    resistivity = checked_array(f"{who}.resistivity", resistivity, (np.size(resistivity),))
    thicknesses = checked_array(f"{who}.thicknesses", thicknesses, (max(len(resistivity) - 1, 0),))
    for what, values in (("resistivity", resistivity), ("thicknesses", thicknesses)):
        if (values <= 0).any() or not len(resistivity):
            found = values.min() if len(values) else "none"
            msg = f"{who}.{what}: got {found}, wanted all above zero. Give values, not logarithms."
            raise ValueError(msg)
    return thicknesses, resistivity


def _bands(lower, upper, n_layers) -> list[tuple[np.ndarray, np.ndarray]]:
    if lower is None and upper is None:
        return []
    if lower is None or upper is None:
        msg = "plot_layered_model: got one bound of a band, wanted both lower and upper."
        raise ValueError(msg)
    pair = [np.atleast_2d(np.asarray(bound, dtype=np.float64)) for bound in (lower, upper)]
    shape = (len(pair[0]), n_layers)
    pair = [checked_array("plot_layered_model.lower and upper", bound, shape) for bound in pair]
    if (pair[0] <= 0).any() or (pair[0] > pair[1]).any() or shape[0] > len(_BANDS):
        msg = (
            f"plot_layered_model.lower and upper: got {shape[0]} bands from {pair[0].min():g} ohm m, wanted at most "
            f"{len(_BANDS)}, above zero, with lower <= upper and one row per band."
        )
        raise ValueError(msg)
    return list(zip(*pair, strict=True))


def _decades(models, bands, max_depth) -> tuple[float, float]:
    """Return whole decades around all values above `max_depth`."""
    shown = [rho[: 1 + int(np.sum(np.cumsum(h) < max_depth))] for h, rho in models.values()]
    n = len(shown[0])
    values = np.log10(np.concatenate([*shown, *(bound[:n] for band in bands for bound in band)]))
    low, high = np.floor(values.min() - 0.03), np.ceil(values.max() + 0.03)
    return 10.0**low, 10.0**high
