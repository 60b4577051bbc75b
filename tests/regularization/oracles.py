"""The couplings' formulas in plain dense numpy: loops over cells and windows, no code shared with the package."""

from itertools import combinations, product

import numpy as np


class Cells:
    """Active cells of a mesh: centres, widths, volumes, and who shares a face with whom."""

    def __init__(self, mesh, active_cells=None):
        active = np.ones(mesh.n_cells, bool) if active_cells is None else active_cells
        self.mesh, self.dim, self.n = mesh, mesh.dim, int(active.sum())
        self.centers, self.widths = mesh.cell_centers[active], mesh.h_gridded[active]
        self.volumes = self.widths.prod(axis=1)
        self.faces = [[self._face(i, j) for j in range(self.n)] for i in range(self.n)]

    def _face(self, i, j):
        """(axis, direction, area) of the face of cell i towards cell j, or None."""
        offset = self.centers[j] - self.centers[i]
        overlap = 0.5 * (self.widths[i] + self.widths[j]) - np.abs(offset)
        touching = np.abs(overlap) < 1e-9
        if touching.sum() != 1 or (overlap < -1e-9).any():
            return None
        axis = int(np.flatnonzero(touching)[0])
        shared = np.delete(np.minimum(self.widths[i], self.widths[j]), axis)
        return axis, np.sign(offset[axis]), shared.prod()

    def neighbours(self, i):
        return [j for j in range(self.n) if self.faces[i][j] is not None]

    def gradient(self, p):
        """Weighted least-squares fit in every cell, (n_cells, dim)."""
        result = np.zeros((self.n, self.dim))
        for i in range(self.n):
            ring = self.neighbours(i)
            if ring and np.linalg.matrix_rank(self.centers[ring] - self.centers[i]) < self.dim:
                ring = sorted({k for j in ring for k in [j, *self.neighbours(j)]} - {i})
            if not ring:
                continue
            offset = self.centers[ring] - self.centers[i]
            root = np.linalg.norm(offset, axis=1) ** -1.5
            result[i] = np.linalg.lstsq(root[:, None] * offset, root * (p[ring] - p[i]))[0]
        return result

    def laplacian(self, p):
        """Balance of fluxes through the faces of every cell, (n_cells,)."""
        gradient, result = self.gradient(p), np.zeros(self.n)
        for i in range(self.n):
            whole = self.widths[i].prod() / self.widths[i]  # face areas by axis
            open_area = {(axis, side): whole[axis] for axis in range(self.dim) for side in (-1.0, 1.0)}
            for j in self.neighbours(i):
                axis, side, area = self.faces[i][j]
                offset = self.centers[j] - self.centers[i]
                along = offset.copy()
                along[axis] = 0.0
                slope = (p[j] - p[i] - along @ (gradient[i] + gradient[j]) / 2) / abs(offset[axis])
                result[i] += area * slope
                open_area[axis, side] -= area
            for (axis, side), area in open_area.items():
                result[i] += area * side * gradient[i, axis]
            result[i] /= self.volumes[i]
        return result

    def windows(self, window=None, overlap=0.0):
        """Cells of every window that holds any, as lists of indices."""
        if window is None:
            return [list(range(self.n))]
        index, starts = np.zeros((self.n, self.dim), int), []
        for axis, size in enumerate(window):
            nodes = self.mesh.origin[axis] + np.cumsum(self.mesh.h[axis])
            index[:, axis] = [np.sum(x >= nodes - 1e-12) for x in self.centers[:, axis]]
            stride = max(1, round(size * (1 - overlap)))
            first = -stride * ((size - 1) // stride)
            starts.append(range(first, len(nodes), stride))
        boxes = []
        for corner in product(*starts):
            inside = [
                i
                for i in range(self.n)
                if all(0 <= a - b < s for a, b, s in zip(index[i], corner, window, strict=True))
            ]
            if inside:
                boxes.append(inside)
        return boxes


def pair_weights(weights, group):
    """Geometric mean of the weights of a group of properties, (n_cells, n_properties) -> (n_cells,)."""
    return np.prod([weights[:, a] for a in group], axis=0) ** (1 / len(group))


def cross_gradient(cells, properties, weights, normalized=False, floor=0.1):
    gradients = [cells.gradient(p) for p in properties]
    if normalized:
        lengths = []
        for g in gradients:
            mean_square = np.average(np.sum(g**2, axis=1), weights=cells.volumes)
            lengths.append(np.sqrt(np.sum(g**2, axis=1) + floor**2 * mean_square))
        gradients = [g / length[:, None] for g, length in zip(gradients, lengths, strict=True)]
    total = 0.0
    for a, b in combinations(range(len(properties)), 2):
        w = cells.volumes * pair_weights(weights, (a, b))
        for i in range(cells.n):
            u, v = np.zeros(3), np.zeros(3)
            u[: cells.dim], v[: cells.dim] = gradients[a][i], gradients[b][i]
            total += w[i] * np.sum(np.cross(u, v) ** 2)
    return total


FIELDS = {
    "identity": lambda cells, p: p[:, None],
    "log": lambda cells, p: np.log(p)[:, None],
    "gradient": lambda cells, p: cells.gradient(p),
    "laplacian": lambda cells, p: cells.laplacian(p)[:, None],
}


def gramian(
    cells,
    properties,
    weights,
    operator="gradient",
    normalized=True,
    window=None,
    overlap=0.0,
    pairwise=True,
    centered=False,
    floor=0.05,
):
    fields = [FIELDS[operator](cells, p) for p in properties]  # (n_cells, n_components) each
    windows = cells.windows(window, overlap)
    groups = list(combinations(range(len(fields)), 2)) if pairwise else [tuple(range(len(fields)))]
    floor = floor if len(windows) > 1 else 0.0
    total = 0.0
    for group in groups:
        w = cells.volumes * pair_weights(weights, group)
        grams, sizes = [], []
        for inside in windows:
            part = [
                fields[a][inside] - centered * np.average(fields[a][inside], axis=0, weights=w[inside]) for a in group
            ]
            grams.append(np.array([[np.average(np.sum(f * g, axis=1), weights=w[inside]) for g in part] for f in part]))
            sizes.append(w[inside].sum())
        floors = floor**2 * np.average([np.diagonal(gram) for gram in grams], axis=0, weights=sizes)
        for gram, size in zip(grams, sizes, strict=True):
            scale = np.prod(np.diagonal(gram) + floors) if normalized else 1.0
            if scale > 0:
                total += size * np.linalg.det(gram) / scale
    return total


def pearson(cells, properties, weights, window, overlap=0.5):
    """Σ V (1 − r²) with r from numpy's weighted covariance; the form without a floor."""
    total = 0.0
    for a, b in combinations(range(len(properties)), 2):
        w = cells.volumes * pair_weights(weights, (a, b))
        for inside in cells.windows(window, overlap):
            if len(inside) > 1:
                cov = np.cov(properties[a][inside], properties[b][inside], aweights=w[inside], ddof=0)
                total += w[inside].sum() * (1 - cov[0, 1] ** 2 / (cov[0, 0] * cov[1, 1]))
    return total


def memberships(properties, weights, volumes, centers, scales, fuzziness=2.0):
    """u_jk = 1 / Σ_i (d_jk / d_ji)^(2 / (q − 1)) and d², (n_cells, n_clusters) each."""
    n_cells, n_clusters = len(volumes), len(centers)
    square = np.zeros((n_cells, n_clusters))
    for j, k in product(range(n_cells), range(n_clusters)):
        square[j, k] = np.sum(weights[j] * volumes[j] * ((properties[:, j] - centers[k]) / scales) ** 2)
    u = np.zeros_like(square)
    for j, k in product(range(n_cells), range(n_clusters)):
        u[j, k] = 1 / sum((square[j, k] / square[j, i]) ** (1 / (fuzziness - 1)) for i in range(n_clusters))
    return u, square


def fuzzy_cmeans(properties, weights, volumes, centers, targets, scales, guidance, fuzziness=2.0):
    u, square = memberships(properties, weights, volumes, centers, scales, fuzziness)
    strength = np.outer(guidance, weights.T @ volumes) / len(centers)
    return np.sum(u**fuzziness * square) + np.sum(strength * ((centers - targets) / scales) ** 2)
