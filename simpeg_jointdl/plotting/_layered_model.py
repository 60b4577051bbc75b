"""Resistivity of layers against depth, with what is uncertain of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from .._core.plot_checks import checked_array
from ._style import length_scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

_BANDS = (0.18, 0.3, 0.4)  # how dark, from the widest


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
    depth_scale: str = "linear",
    limits: tuple[float, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Steps of resistivity against depth, with uncertainty bands and other models to compare.

    Parameters
    ----------
    thicknesses : (n_layers - 1,) array_like
        From the surface down, in m; below them is a half-space.
    resistivity : (n_layers,) array_like
        In ohm m.
    lower, upper : (n_layers,) or (n_bands, n_layers) array_like, optional
        Bounds of one band, or of several from the widest to the narrowest: quantiles of 5 and 95 %, of 25 and 75 %.
    name : str
        Of the model, in the key.
    band_names : sequence of str, optional
        ``["90 %", "50 %"]``, for the key; one per band.
    others : dict of str to (thicknesses, resistivity), optional
        More models by their name: of other inversions, or the truth. Their layers may be others.
    max_depth : float, optional
        In m; a quarter beyond the deepest interface if not given.
    depth_scale : {"linear", "log"}
        Of the depth, downwards in either case. Where it is logarithmic, the axis starts at half the thinnest of the
        uppermost layers.
    limits : (float, float), optional
        Least and greatest resistivity shown; what models and bands have within `max_depth` if not given.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For thicknesses or resistivities that are not positive, lengths that do not fit, or a bound without the other.
    """
    models = {name: (thicknesses, resistivity), **(others or {})}
    models = {key: _checked(f"plot_layered_model, {key}", *model) for key, model in models.items()}
    bands = _bands(lower, upper, len(models[name][1]))
    names = [None] * len(bands) if band_names is None else list(band_names)
    if depth_scale not in ("linear", "log") or len(names) != len(bands):
        msg = (
            f"plot_layered_model: got depth_scale={depth_scale!r} and {len(names)} names of {len(bands)} bands, wanted "
            "'linear' or 'log' and a name for each band. Change them."
        )
        raise ValueError(msg)
    deepest = max(float(h.sum()) for h, _ in models.values())
    max_depth = float(max_depth or 1.25 * deepest or 1000.0)
    top = 0.5 * min((h[0] for h, _ in models.values() if len(h)), default=1.0) if depth_scale == "log" else 0.0
    if not max_depth > top:
        msg = f"plot_layered_model.max_depth: got {max_depth:g}, wanted more than {top:g} m. Change it."
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
    resistivity = checked_array(f"{who}, resistivity", resistivity, (np.size(resistivity),))
    thicknesses = checked_array(f"{who}, thicknesses", thicknesses, (max(len(resistivity) - 1, 0),))
    for what, values in (("resistivity", resistivity), ("thicknesses", thicknesses)):
        if (values <= 0).any() or not len(resistivity):
            msg = f"{who}, {what}: got {values.min() if len(values) else 'none'}, wanted all above zero. Not their log?"
            raise ValueError(msg)
    return thicknesses, resistivity


def _bands(lower, upper, n_layers) -> list[tuple[np.ndarray, np.ndarray]]:
    if lower is None and upper is None:
        return []
    if lower is None or upper is None:
        msg = "plot_layered_model: got one bound of a band, wanted lower and upper. Pass both."
        raise ValueError(msg)
    pair = [np.atleast_2d(np.asarray(bound, dtype=np.float64)) for bound in (lower, upper)]
    shape = (len(pair[0]), n_layers)
    pair = [checked_array("plot_layered_model, lower and upper", bound, shape) for bound in pair]
    if (pair[0] <= 0).any() or (pair[0] > pair[1]).any() or shape[0] > len(_BANDS):
        msg = (
            f"plot_layered_model, lower and upper: got {shape[0]} bands from {pair[0].min():g} ohm m, wanted at most "
            f"{len(_BANDS)}, above zero and lower <= upper. Swap or transpose them?"
        )
        raise ValueError(msg)
    return list(zip(*pair, strict=True))


def _decades(models, bands, max_depth) -> tuple[float, float]:
    """Whole decades around all that is above `max_depth`."""
    shown = [rho[: 1 + int(np.sum(np.cumsum(h) < max_depth))] for h, rho in models.values()]
    n = len(shown[0])
    values = np.log10(np.concatenate([*shown, *(bound[:n] for band in bands for bound in band)]))
    low, high = np.floor(values.min() - 0.03), np.ceil(values.max() + 0.03)
    return 10.0**low, 10.0**high
