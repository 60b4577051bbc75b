"""What a receiver sees of a cell by the offset between the two, and the transforms that sum over offsets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..._core.tensors import as_tensor
from ...kernels import node_function
from ._geometry import Geometry
from ._lattice import Lattice, cell_widths, extents, fft_lengths, grid_places


class Convolution:
    """Grids of cells and of receivers, and kernels between the two.

    Parameters
    ----------
    geometry : Geometry
    lattices : list of Lattice
    device : torch.device

    Attributes
    ----------
    n_cells, n_receivers : (2,) tuple of int
        Along x and y. Receivers of every lattice fit in.
    lengths : (2,) tuple of int
        Of the transforms. They hold all offsets, so nothing wraps around.
    spectrum_shape : (2,) tuple of int
        Along x and y: transforms lie with y last, which is along which most of them are computed.

    Notes
    -----
    Kernels begin with the offset 1 - n_cells. So what they do to a layer begins n_cells - 1 points before the first
    receiver, and what they do to receivers in reverse order ends n_receivers - 1 points before the last cell.
    """

    def __init__(self, geometry: Geometry, lattices: list[Lattice], device: torch.device):
        self._geometry, self._device = geometry, device
        self.n_cells = geometry.shape_box[:2]
        self.n_receivers = extents(lattices)
        self.lengths = fft_lengths(geometry, lattices)
        self.spectrum_shape = (self.lengths[0] // 2 + 1, self.lengths[1])

    def spectra(self, values: Tensor) -> Tensor:
        """Real FFT of (..., y, x), no longer than `lengths`: (..., *spectrum_shape)."""
        along_x = torch.fft.rfft(values, n=self.lengths[0])
        # rows beyond the values are zero: along x they need no transform
        padded = along_x.new_zeros(*values.shape[:-2], *self.spectrum_shape)
        padded[..., : values.shape[-2]] = along_x.transpose(-1, -2)
        return torch.fft.fft(padded)

    def at_receivers(self, spectra: Tensor) -> Tensor:
        """What kernels times layers are at receivers: (..., *spectrum_shape) -> (..., n_receivers_y, n_receivers_x)."""
        return self._values(spectra, [n - 1 for n in self.n_cells], self.n_receivers)

    def at_cells(self, spectra: Tensor) -> Tensor:
        """What kernels times reversed receivers are in cells: (..., *spectrum_shape) -> (..., n_y, n_x)."""
        return self._values(spectra, [n - 1 for n in self.n_receivers], self.n_cells).flip(-2, -1)

    def receiver_spectra(self, data: Tensor, places: Tensor, n: int) -> Tensor:
        """FFTs of data summed up at their places on n grids, in reverse order: (n, *spectrum_shape)."""
        grids = data.new_zeros(n * self.n_receivers[1] * self.n_receivers[0]).index_add_(0, places, data)
        return self.spectra(grids.reshape(n, self.n_receivers[1], self.n_receivers[0]).flip(-2, -1))

    def places(self, lattice: Lattice, n: int) -> Tensor:
        """Places of a lattice's receivers on n grids of its own, receivers first: (n_receivers * n,)."""
        return as_tensor(grid_places(lattice, self.n_receivers, 0, n).reshape(-1), self._device)

    def _values(self, spectra, firsts, counts):
        """Points of the inverse FFT from the firsts on, along x and y."""
        (x, y), (n_x, n_y) = firsts, counts
        rows = torch.fft.ifft(spectra)[..., y : y + n_y].transpose(-1, -2)
        return torch.fft.irfft(rows, n=self.lengths[0])[..., x : x + n_x]

    def kernels(self, lattice: Lattice, budget: int) -> Iterator[tuple[int, Tensor]]:
        r"""Kernels of a lattice by layers, evaluated in float64.

        .. math::
            G_{ij} = g(i_x - j_x, i_y - j_y)

        for receiver i, cell j of a layer, and every component and block.

        Parameters
        ----------
        lattice : Lattice
        budget : int
            Bytes of temporaries.

        Yields
        ------
        first : int
            Lowest of the layers.
        kernels : (n_components, n_blocks, n_layers, n_y + n_receivers_y - 1, n_x + n_receivers_x - 1) torch.Tensor
            g, in float64.
        """
        names, factors = _factors(self._geometry.stations[lattice.group].terms)
        factors = as_tensor(factors, self._device)
        sides = zip(cell_widths(self._geometry), self.n_cells, self.n_receivers, lattice.origin, strict=True)
        # nodes from east to west: offsets of receivers from cells grow. Two axes, so no sign changes
        x, y = (as_tensor(h * (np.arange(n, -m, -1) - origin), self._device) for h, n, m, origin in sides)
        z = as_tensor(self._geometry.axes[2] - lattice.height, self._device).reshape(-1, 1, 1)
        at_once = max(1, budget // (8 * len(x) * len(y) * (8 + 2 * len(names))))
        first, plane = 0, None
        for nodes in z.split(at_once):
            parts = [node_function(name, x, y[:, None], nodes).diff(dim=-1).diff(dim=-2) for name in names]
            planes = torch.stack(parts)  # (n_names, n_nodes, y, x)
            if plane is not None:  # between two parts, evaluated once
                planes = torch.cat([plane, planes], dim=1)
            plane = planes[:, -1:].clone()
            if planes.shape[1] > 1:
                yield first, torch.tensordot(factors, planes.diff(dim=1), dims=1)
                first += planes.shape[1] - 1


def _factors(components):
    """Derivatives that any component needs, and their factors, (n_components, n_blocks, n_names)."""
    names = sorted({name for blocks in components for terms in blocks for name, _ in terms})
    factors = np.zeros((len(components), len(components[0]), len(names)))
    for c, blocks in enumerate(components):
        for b, terms in enumerate(blocks):
            for name, factor in terms:
                factors[c, b, names.index(name)] += factor
    return names, factors
