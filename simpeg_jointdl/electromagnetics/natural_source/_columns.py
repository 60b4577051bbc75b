"""Data of layered columns and their derivatives, computed on tensors."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp
import torch

from ..._core.tensors import as_numpy, as_tensor
from ..._tensor_path import Chain
from ...kernels import MU_0, layered_impedance, layered_impedance_derivatives
from ._layout import COMPONENTS, Layout

_DEGREES = 180.0 / math.pi
_PAIRS_AT_ONCE = {"cpu": 2**14}  # pairs per thread whose derivatives are in memory at a time
_MANY_PAIRS = 2**20


class Columns:
    """Predicted data of a survey over layered columns, and their derivatives.

    Parameters
    ----------
    layout : Layout
        Stations, frequencies and data of the survey.
    thicknesses : (n_layers - 1,) or (n_stations, n_layers - 1) numpy.ndarray
        Thicknesses in m.
    device : torch.device
        Device of the computation.
    dtype : torch.dtype
        Real type of the computation.
    """

    def __init__(self, layout: Layout, thicknesses: np.ndarray, device: torch.device, dtype: torch.dtype):
        self.layout, self.device, self.dtype = layout, device, dtype
        self.n_layers = thicknesses.shape[-1] + 1
        self._own_frequencies = layout.frequencies.ndim == 2
        self._frequencies, self._thicknesses = self._real(layout.frequencies), self._real(thicknesses)
        self._column_station = self._index(layout.column_station)
        self._pair, self._sign = self._index(layout.pair), self._real(layout.sign)
        self._kinds = {name: self._index(np.flatnonzero(layout.component == i)) for i, name in enumerate(COMPONENTS)}
        self._one_over = self._real(1.0 / (2.0 * np.pi * MU_0 * layout.pair_frequency[layout.pair]))  # 1 / (ω μ)
        self._ends = np.searchsorted(layout.column_station, np.arange(layout.n_stations + 1))
        self._tables, self._regular = None, False

    def _real(self, array):
        return as_tensor(array, self.device, self.dtype)

    def _index(self, array):
        return as_tensor(array, self.device, torch.int64)

    def _of(self, conductivity, part=slice(None)):
        """Return the arguments of the kernels for some of the columns."""
        if not self._own_frequencies:  # a column is a station
            h = self._thicknesses if self._thicknesses.ndim == 1 else self._thicknesses[part]
            return self._frequencies, conductivity[part], h
        stations = self._column_station[part]
        h = self._thicknesses if self._thicknesses.ndim == 1 else self._thicknesses[stations]
        return self._frequencies[part], conductivity[stations], h

    def impedance(self, conductivity: torch.Tensor) -> torch.Tensor:
        """Return impedances in the first quadrant, (n_stations, n_layers) S/m -> (n_pairs,) ohm."""
        return layered_impedance(*self._of(conductivity)).ravel()

    def data(self, impedance: torch.Tensor) -> torch.Tensor:
        """Return the data of impedances in the order of the survey, (n_pairs,) -> (n_data,)."""
        z = impedance[self._pair]
        data = self._sign.new_empty(len(z))
        for name, where in self._kinds.items():
            if len(where):
                data[where] = self._component(name, z[where], where)
        return data

    def _component(self, name, z, where):
        if name == "apparent_resistivity":
            return self._one_over[where] * (z.real**2 + z.imag**2)
        re, im = self._sign[where] * z.real, self._sign[where] * z.imag
        return {"real": lambda: re, "imag": lambda: im, "phase": lambda: _DEGREES * torch.atan2(im, re)}[name]()

    # derivatives ------------------------------------------------------------------------------------------
    def jacobian(self, conductivity: torch.Tensor) -> Blocks:
        """Return the derivative with respect to conductivity (n_stations, n_layers), one dense block per station."""
        if self._tables is None:
            self._tables = self._make_tables()
        place, tables = self._tables
        blocks = conductivity.new_empty(self.layout.n_stations, self.n_layers, tables[0].shape[1])
        n_threads = torch.get_num_threads() if self.device.type == "cpu" else 1
        at_once = _PAIRS_AT_ONCE.get(self.device.type, _MANY_PAIRS) * n_threads // self._frequencies.shape[-1]
        first, ends = 0, self._ends
        while first < self.layout.n_stations:
            last = max(first + 1, int(np.searchsorted(ends, ends[first] + at_once, side="right")) - 1)
            columns = slice(int(ends[first]), int(ends[last]))
            z, by_sigma, _ = layered_impedance_derivatives(*self._of(conductivity, columns), by_thickness=False)
            self._fill(blocks[first:last], [table[first:last] for table in tables], columns.start, z, by_sigma)
            first = last
        return Blocks(blocks, place, self.layout.station)

    def _make_tables(self):
        """Return the place of each datum in a padded table, and tables of its pair and of a, b and c of :meth:`_fill`.

        Tables have the shape (n_stations, largest number of data of a station). Places without a datum have any pair of
        their station, and zeros.
        """
        layout = self.layout
        most = int(np.bincount(layout.station, minlength=layout.n_stations).max())
        place = layout.station * most + layout.slot
        n_frequencies = self._frequencies.shape[-1]
        pair = np.repeat(self._ends[:-1] * n_frequencies, most)
        pair[place] = layout.pair
        kind = [layout.component == i for i in range(len(COMPONENTS))]
        a, b, c = np.zeros(pair.size, dtype=complex), np.zeros(pair.size), np.zeros(pair.size, dtype=complex)
        a[place] = layout.sign * (kind[0] - 1j * kind[1])
        b[place] = kind[2] * 2.0 * as_numpy(self._one_over)
        c[place] = kind[3] * (-1j * _DEGREES)
        if not self._own_frequencies:
            repeated = np.arange(len(pair)) // most * n_frequencies + np.arange(len(pair)) % most % n_frequencies
            self._regular = most % n_frequencies == 0 and np.array_equal(pair, repeated)
        a, c = (as_tensor(array, self.device, self.dtype.to_complex()) for array in (a, c))
        tables = self._index(pair), a, self._real(b), c
        return self._index(place), [table.view(-1, most) for table in tables]

    def _fill(self, blocks, tables, first_column, z, by_sigma):
        """Write Re[(a + b conj(Z) + c / Z) dZ] in every place: parts of Z, 2 Re(conj(Z) dZ) and Im(dZ / Z)."""
        pair, a, b, c = tables
        n_frequencies = self._frequencies.shape[-1]
        pair = pair - first_column * n_frequencies
        z = z.ravel()[pair]
        factor = (a + b * z.conj() + c / z)[:, None]
        if self._regular:  # frequencies are in order, once for each component, so nothing needs to be gathered
            derivative = by_sigma.unsqueeze(2)
            factor = factor.unflatten(2, (-1, n_frequencies))
            blocks = blocks.view(*by_sigma.shape[:2], -1, n_frequencies)
        elif self._own_frequencies:
            derivative = by_sigma[pair, :, 0].transpose(1, 2)
        else:
            frequency = (pair % n_frequencies)[:, None].expand(-1, self.n_layers, -1)
            derivative = by_sigma.gather(2, frequency)
        torch.mul(factor.real, derivative.real, out=blocks)
        blocks.addcmul_(factor.imag, derivative.imag, value=-1.0)


class Blocks:
    """Derivative of the data with respect to the conductivity of all layers, as a tensor linearization.

    Parameters
    ----------
    blocks : (n_stations, n_layers, n_slots) torch.Tensor
        One block per station, padded to the largest number of data of a station.
    place : (n_data,) torch.Tensor of int
        Flat index (station, slot) of each datum.
    station : (n_data,) numpy.ndarray of int
        Station of each datum.
    """

    def __init__(self, blocks: torch.Tensor, place: torch.Tensor, station: np.ndarray):
        self.blocks, self._place, self._station = blocks, place, station
        self.device, self.dtype = blocks.device, blocks.dtype

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        """Return the product with a vector, (n_stations * n_layers,) -> (n_data,)."""
        rows = torch.bmm(v.reshape(len(self.blocks), 1, -1), self.blocks)
        return rows.ravel()[self._place]

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed product, (n_data,) -> (n_stations * n_layers,)."""
        return self.adjoint_rows(y[None])[0]

    def adjoint_rows(self, y: torch.Tensor) -> torch.Tensor:
        """Return the transposed product with k rows, (k, n_data) -> (k, n_stations * n_layers)."""
        n_stations, _, most = self.blocks.shape
        padded = y.new_zeros(len(y), n_stations * most)
        padded[:, self._place] = y
        padded = padded.view(len(y), n_stations, most).permute(1, 2, 0)
        return torch.bmm(self.blocks, padded).permute(2, 0, 1).reshape(len(y), -1)

    def matrix(self) -> sp.csr_matrix:
        """Return the sparse matrix, (n_data, n_stations * n_layers); each row has entries for its own station only."""
        n_stations, n_layers, _ = self.blocks.shape
        values = as_numpy(self.blocks.transpose(1, 2).reshape(-1, n_layers)[self._place])
        columns = self._station[:, None] * n_layers + np.arange(n_layers)
        starts = n_layers * np.arange(len(values) + 1)
        return sp.csr_matrix((values.ravel(), columns.ravel(), starts), shape=(len(values), n_stations * n_layers))


class ModelLinearization(Chain):
    """Product of a map's derivative and the blocks, on the device and in the type of the blocks."""

    def __init__(self, derivative, blocks):
        super().__init__(derivative, blocks)
        self.device, self.dtype = blocks.device, blocks.dtype
