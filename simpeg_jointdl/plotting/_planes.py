"""Planes through a mesh, and the values of models on them."""

from __future__ import annotations

import numpy as np
from discretize import TreeMesh
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke
from scipy.spatial.distance import cdist

from ._checks import checked_array
from ._style import BLANK, length_axes, length_scale, length_text

CROSSING = {"color": "black", "gapcolor": "white", "linewidth": 0.9, "linestyle": (0, (5, 4))}
HALO = [withStroke(linewidth=3.0, foreground="white")]
OUTLINE = {"color": "black", "linewidth": 1.4}


class Plane:
    """The cells on one plane, on the finest grid of the mesh, for tensor and tree meshes alike."""

    def __init__(self, mesh, active, limits, center, normal, stretch):
        self.center, self.normal, self.stretch = center, normal, stretch
        self.across = [axis for axis in range(mesh.dim) if axis != normal]
        self.extent = np.ptp(limits, axis=1).max()
        self.edges, middles = [], []
        for axis in self.across:
            nodes = mesh.origin[axis] + np.concatenate([[0.0], np.cumsum(mesh.h[axis])])
            low, high = limits[axis] + np.array([1e-6, -1e-6]) * mesh.h[axis].min()
            seen = np.flatnonzero((nodes[1:] > low) & (nodes[:-1] < high))
            self.edges.append(nodes[seen[0] : seen[-1] + 2])
            middles.append((nodes[seen] + nodes[seen + 1]) / 2)
        self.span = np.array([np.ptp(edges) for edges in self.edges])
        points = np.tile(center, (len(middles[1]), len(middles[0]), 1))
        points[..., self.across] = np.stack(np.meshgrid(*middles), axis=-1)
        self._cells = np.asarray(mesh.point2index(points.reshape(-1, mesh.dim))).reshape(points.shape[:-1])
        self._active = active

    def image(self, values) -> np.ndarray:
        """Return values (n_vertical, n_horizontal), with nan for inactive cells."""
        full = np.full(len(self._active), np.nan)
        full[self._active] = values
        return full[self._cells]

    def draw(self, ax, model, truth, style) -> None:
        """Draw values, and the outlines of the true model."""
        names = ("Distance", "Elevation") if self.normal is None else ("Easting", "Northing", "Elevation")
        scale = length_axes(ax, [names[axis] for axis in self.across], self.extent)
        x, y = (edges / scale for edges in self.edges)
        ax.pcolormesh(x, y, np.ma.masked_invalid(self.image(model.values)), rasterized=True, **style)
        ax.set(facecolor=BLANK, xlim=x[[0, -1]], ylim=y[[0, -1]], aspect=self.stretch)
        if truth is not None:
            jump = 0.05 * (np.nanmax(truth) - np.nanmin(truth))
            faces = _faces(x, y, self.image(truth), jump)
            # draw all white halos first, since those of short faces would cover neighbouring lines
            ax.add_collection(LineCollection(faces, color="white", linewidth=3.0, capstyle="round"))
            ax.add_collection(LineCollection(faces, **OUTLINE))

    def entitle(self, ax, model) -> None:
        """Write the title with the position of the plane, and draw dashed lines for the other planes."""
        ax.set_title(model.name)
        if self.normal is None:
            return
        kind, along = (("S–N section", "easting"), ("W–E section", "northing"), ("map", "elevation"))[self.normal]
        ax.set_title(f"{model.name}\n{kind} at {along} {self.place()}", fontsize=11, pad=9)
        scale = length_scale(self.extent)[0]
        ax.axvline(self.center[self.across[0]] / scale, **CROSSING)
        ax.axhline(self.center[self.across[1]] / scale, **CROSSING)

    def place(self) -> str:
        """Return the position of the plane along its normal, with its unit."""
        return length_text(self.center[self.normal], self.extent)


def planes_through(mesh, active, limits, center, model, vertical_exaggeration) -> list[Plane]:
    """Return a map, a west-east and a south-north section through `center`; for a 2-D mesh its only section."""
    if center is None:
        center = _anomaly_center(mesh, active, limits, model)
    center = checked_array("plot_models.center", center, (mesh.dim,))
    if ((center < limits[:, 0]) | (center > limits[:, 1])).any():
        msg = f"plot_models.center: got {center}, wanted a point within {limits.tolist()}."
        raise ValueError(msg)
    normals = (2, 1, 0) if mesh.dim == 3 else (None,)
    stretches = [1.0 if normal == 2 else float(vertical_exaggeration) for normal in normals]
    return [Plane(mesh, active, limits, center, *each) for each in zip(normals, stretches, strict=True)]


def _anomaly_center(mesh, active, limits, model) -> np.ndarray:
    """Return the centre of the strongest anomaly: inside a body rather than at a single outlier."""
    values = np.log(model.values) if model.log else model.values
    anomaly = np.nan_to_num(np.abs(values - (0.0 if model.signed else np.nanmedian(values))))
    centers = mesh.cell_centers[active]
    seen = ((centers > limits[:, 0]) & (centers < limits[:, 1])).all(axis=1) & (anomaly > 0)
    if not seen.any():
        return limits.mean(axis=1)
    strong = np.flatnonzero(seen & (anomaly >= np.quantile(anomaly[seen], 0.95)))
    strong = strong[:: len(strong) // 2000 + 1]
    points = centers[strong] / (0.1 * np.ptp(limits, axis=1))
    amount = np.sqrt(anomaly[strong]) * mesh.cell_volumes[active][strong]
    gathered = np.exp(-0.5 * cdist(points, points, "sqeuclidean")) @ amount
    return centers[strong[np.argmax(gathered)]]


def view_limits(mesh, active, padding, limits) -> np.ndarray:
    """Return the view (dim, 2): the given limits, or the active cells without padding."""
    half, centers = mesh.h_gridded[active] / 2, mesh.cell_centers[active]
    view = np.column_stack([(centers - half).min(axis=0), (centers + half).max(axis=0)])
    if limits is not None:
        asked = checked_array("plotting.limits", limits, (mesh.dim, 2))
        view = np.column_stack([np.maximum(view[:, 0], asked[:, 0]), np.minimum(view[:, 1], asked[:, 1])])
    if padding < 0 or (padding and isinstance(mesh, TreeMesh)):
        msg = f"plotting.padding: got {padding}, wanted >= 0, and 0 on a TreeMesh. Pass limits instead."
        raise ValueError(msg)
    if padding:
        for axis, h in enumerate(mesh.h):
            view[axis, 0] = max(view[axis, 0], mesh.origin[axis] + h[:padding].sum())
            if axis < mesh.dim - 1:
                view[axis, 1] = min(view[axis, 1], mesh.origin[axis] + h[:-padding].sum())
    if (view[:, 0] >= view[:, 1]).any():
        msg = f"plotting: got an empty view, {view.tolist()}. Use less padding or wider limits."
        raise ValueError(msg)
    return view


def _faces(x, y, image, jump) -> list:
    """Return the faces across which `image` changes by more than `jump`, as line segments."""
    row, column = np.nonzero(np.abs(np.diff(image, axis=1)) > jump)
    upright = [((x[j + 1], y[i]), (x[j + 1], y[i + 1])) for i, j in zip(row, column, strict=True)]
    row, column = np.nonzero(np.abs(np.diff(image, axis=0)) > jump)
    return upright + [((x[j], y[i + 1]), (x[j + 1], y[i + 1])) for i, j in zip(row, column, strict=True)]
