"""Misfits, trade-off parameters and couplings against the iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ._checks import checked_array

_HISTORY = {
    "chi": "Misfit per datum χ",
    "beta": "Trade-off parameter β",
    "coupling_weight": "Coupling weight",
    "coupling_value": "Coupling value",
    "term_value": "Value of each term",
    "change": "Relative change of the model",
}
_MANY = 4  # more names are put below the panel, since the legend would hide the curves


def plot_convergence(history: Mapping[str, Mapping[str, Sequence[float]]], *, first_iteration: int = 1) -> Figure:
    """Plot misfits, trade-off parameters, couplings and other terms against the iteration.

    Parameters
    ----------
    history : dict of str to dict of str to sequence of float
        One value per iteration, ``{group: {name: values}}``, with nan for gaps. Each of these groups has a panel:

        - ``"chi"``: misfit per datum of each data set;
        - ``"beta"``: trade-off parameter of each data set;
        - ``"coupling_weight"`` and ``"coupling_value"``: multiplier and value (without the multiplier) of each
          coupling;
        - ``"term_value"``: value of each term of the objective function, times its multiplier;
        - ``"change"``: norm of the step relative to that of the model, for each property.

        A panel is logarithmic if all its values are positive, or if some are zero and the others are positive and span
        two decades or more; the zeros are then left out. Otherwise it is linear.
    first_iteration : int
        Number of the first entry; 0 if it belongs to the starting model.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no group or an unknown one, a group has no curves, or a curve has infinite values or only nan.
    """
    if not history or not set(history) <= set(_HISTORY):
        msg = f"plot_convergence.history: got groups {list(history)}, wanted some of {list(_HISTORY)}."
        raise ValueError(msg)
    groups = [group for group in _HISTORY if group in history]
    shape = ((len(groups) + 1) // 2, min(2, len(groups)))
    many = any(len(history[group]) > _MANY for group in groups)
    fig = Figure(figsize=(12, 0.4 + 3.6 * shape[0] + 0.8 * many), layout="constrained")
    for panel, group in enumerate(groups, start=1):
        first = fig.axes[0] if fig.axes else None
        ax = fig.add_subplot(*shape, panel, sharex=first, xlabel="Iteration", ylabel=_HISTORY[group])
        curves = history[group]
        if not isinstance(curves, Mapping) or not curves:
            msg = f"plot_convergence.history[{group!r}]: got {curves!r:.60}, wanted {{name: values}}."
            raise ValueError(msg)
        shown = []
        for name, curve in curves.items():
            curve = checked_array(f"plot_convergence.history[{group!r}][{name!r}]", curve, (len(curve),), blanks=True)
            ax.plot(first_iteration + np.arange(len(curve)), curve, ".-", label=name)
            shown.append(curve)
        if group == "chi":
            ax.axhline(1, color="black", linewidth=0.9, linestyle="--", label="target")
        _set_scale(ax, np.concatenate(shown))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=0.3)
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 2, "fontsize": "small"}
        ax.legend(**(below if len(curves) > _MANY else {}))
    return fig


def _set_scale(ax, values) -> None:
    """Use a logarithmic axis for positive values, and with some zeros if the other values span two decades."""
    above = values[values > 0]
    least = np.nanmin(values)
    if len(above) and (least > 0 or (least == 0 and above.max() >= 100 * above.min())):
        ax.set_yscale("log", nonpositive="mask")
