"""Kernels that depend on the offset between receiver and cell, and Fourier transforms that sum over offsets."""

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
    """Grids of cells and of receivers, and the kernels between them.

    Parameters
    ----------
    geometry : Geometry
        Cells and receivers.
    lattices : list of Lattice
        Regular grids of receivers.
    device : torch.device
        Device of the transforms.

    Attributes
    ----------
    n_cells, n_receivers : (2,) tuple of int
        Numbers of cells and of lattice points along x and y, large enough for the receivers of every lattice.
    lengths : (2,) tuple of int
        Lengths of the transforms along x and y. They hold all offsets, so that nothing wraps around.
    spectrum_shape : (2,) tuple of int
        Shape of a spectrum along x and y. y is the last axis, along which most transforms are computed.

    Notes
    -----
    Kernels start at the offset 1 - n_cells. Their product with a layer therefore starts n_cells - 1 points before the
    first receiver, and their product with reversed receivers ends n_receivers - 1 points before the last cell.
    """

    def __init__(self, geometry: Geometry, lattices: list[Lattice], device: torch.device):
        self._geometry, self._device = geometry, device
        self.n_cells = geometry.shape_box[:2]
        self.n_receivers = extents(lattices)
        self.lengths = fft_lengths(geometry, lattices)
        self.spectrum_shape = (self.lengths[0] // 2 + 1, self.lengths[1])

    def spectra(self, values: Tensor) -> Tensor:
        """Return the real FFT of values (..., y, x), padded to `lengths`: (..., *spectrum_shape)."""
        along_x = torch.fft.rfft(values, n=self.lengths[0])
        # the padded rows are zero and need no transform along x
        padded = along_x.new_zeros(*values.shape[:-2], *self.spectrum_shape)
        padded[..., : values.shape[-2]] = along_x.transpose(-1, -2)
        return torch.fft.fft(padded)

    def at_receivers(self, spectra: Tensor) -> Tensor:
        """Return products with layers at receivers, (..., *spectrum_shape) -> (..., n_receivers_y, n_receivers_x)."""
        return self._values(spectra, [n - 1 for n in self.n_cells], self.n_receivers)

    def at_cells(self, spectra: Tensor) -> Tensor:
        """Return products with reversed receivers in cells, (..., *spectrum_shape) -> (..., n_y, n_x)."""
        return self._values(spectra, [n - 1 for n in self.n_receivers], self.n_cells).flip(-2, -1)

    def receiver_spectra(self, data: Tensor, places: Tensor, n: int) -> Tensor:
        """Return FFTs of data added at their places on n grids, in reverse order: (n, *spectrum_shape)."""
        grids = data.new_zeros(n * self.n_receivers[1] * self.n_receivers[0]).index_add_(0, places, data)
        return self.spectra(grids.reshape(n, self.n_receivers[1], self.n_receivers[0]).flip(-2, -1))

    def places(self, lattice: Lattice, n: int) -> Tensor:
        """Return places of a lattice's receivers on n grids of its own, receivers first: (n_receivers * n,)."""
        return as_tensor(grid_places(lattice, self.n_receivers, 0, n).reshape(-1), self._device)

    def _values(self, spectra, firsts, counts):
        """Return `counts` points of the inverse FFT along x and y, starting at `firsts`."""
        (x, y), (n_x, n_y) = firsts, counts
        rows = torch.fft.ifft(spectra)[..., y : y + n_y].transpose(-1, -2)
        return torch.fft.irfft(rows, n=self.lengths[0])[..., x : x + n_x]

    def kernels(self, lattice: Lattice, budget: int) -> Iterator[tuple[int, Tensor]]:
        r"""Yield the kernels of a lattice, some layers at a time, evaluated in float64.

        .. math::
            G_{ij} = g(i_x - j_x, i_y - j_y)

        for receiver i, cell j of a layer, and every component and block.

        Parameters
        ----------
        lattice : Lattice
            Receivers.
        budget : int
            Memory for temporary arrays, in bytes.

        Yields
        ------
        first : int
            Index of the lowest of these layers.
        kernels : (n_components, n_blocks, n_layers, n_y + n_receivers_y - 1, n_x + n_receivers_x - 1) torch.Tensor
            Kernels g in float64.
        """
        names, factors = _factors(self._geometry.stations[lattice.group].terms)
        factors = as_tensor(factors, self._device)
        sides = zip(cell_widths(self._geometry), self.n_cells, self.n_receivers, lattice.origin, strict=True)
        # nodes from east to west, so offsets from cells to receivers increase; with two reversed axes the sign stays
        x, y = (as_tensor(h * (np.arange(n, -m, -1) - origin), self._device) for h, n, m, origin in sides)
        z = as_tensor(self._geometry.axes[2] - lattice.height, self._device).reshape(-1, 1, 1)
        at_once = max(1, budget // (8 * len(x) * len(y) * (8 + 2 * len(names))))
        first, plane = 0, None
        for nodes in z.split(at_once):
            parts = [node_function(name, x, y[:, None], nodes).diff(dim=-1).diff(dim=-2) for name in names]
            planes = torch.stack(parts)  # (n_names, n_nodes, y, x)
            if plane is not None:  # the plane between two parts is evaluated once
                planes = torch.cat([plane, planes], dim=1)
            plane = planes[:, -1:].clone()
            if planes.shape[1] > 1:
                yield first, torch.tensordot(factors, planes.diff(dim=1), dims=1)
                first += planes.shape[1] - 1


def _factors(components):
    """Return the derivatives that the components need, and their factors, (n_components, n_blocks, n_names)."""
    names = sorted({name for blocks in components for terms in blocks for name, _ in terms})
    factors = np.zeros((len(components), len(components[0]), len(names)))
    for c, blocks in enumerate(components):
        for b, terms in enumerate(blocks):
            for name, factor in terms:
                factors[c, b, names.index(name)] += factor
    return names, factors
