r"""Sensitivities of receivers on regular grids as convolutions.

Over cells of uniform widths along x and y, the sensitivity of receivers on a lattice of these widths depends on
horizontal offsets alone. Every layer of cells is a block that is Toeplitz in both directions,

.. math::
    d_i = \sum_l \sum_j g_l(i_x - j_x, i_y - j_y) \, m_{lj} .

Only :math:`g_l` is stored, as its real FFT over a grid that is long enough to avoid wrap-around. All components,
heights and positions within a cell share the transform of the model.
"""

from __future__ import annotations

import numpy as np
import torch

from ..._core.tensors import as_numpy, as_tensor
from ._convolution import Convolution
from ._geometry import Geometry, Tiles, locations_at_once
from ._lattice import NotRegularError, find_lattices, grid_places, toeplitz_reason
from ._toeplitz_squares import add_squares, component_pairs

__all__ = ["Toeplitz", "toeplitz_reason"]

# Bytes of one temporary array, of which there are about five: it stays in a CPU's caches, or fills a GPU.
_CPU_BYTES, _GPU_BYTES = 2**22, 2**28


class Toeplitz:
    """Engine for receivers on regular grids that stores one kernel per component and layer.

    Parameters
    ----------
    geometry : Geometry
        Active cells of uniform widths in a tensor mesh, and receivers at a few heights whose spacing is a multiple or a
        simple fraction of these widths. See :func:`toeplitz_reason`.
    device : torch.device
        Device of the kernels and products.
    dtype : torch.dtype
        Type of vectors and kernels. Kernels are evaluated and transformed in float64.

    Attributes
    ----------
    name, shape, device, dtype, n_bytes
        See :class:`~simpeg_jointdl.potential_fields.engines.Engine`.

    Raises
    ------
    ValueError
        If the geometry does not have this structure; the message says why.

    Notes
    -----
    Receivers within 1e-6 of a cell width of a grid are treated as lying on it. The round-off of a product is relative
    to its largest values, not to each value.
    """

    name = "toeplitz"

    def __init__(self, geometry: Geometry, device: torch.device, dtype: torch.dtype):
        try:
            self._lattices = find_lattices(geometry)
        except NotRegularError as reason:
            msg = f"engine 'toeplitz' cannot be used for this survey: {reason}. Use engine='dense' or 'blocked'."
            raise ValueError(msg) from reason
        self.geometry, self.device, self.dtype = geometry, torch.device(device), dtype
        self.shape = (geometry.n_rows, geometry.n_columns)
        self._convolution = Convolution(geometry, self._lattices, self.device)
        self._budget = _CPU_BYTES if self.device.type == "cpu" else _GPU_BYTES
        self._places = self._receiver_places()
        self._inside = self._magnetization = None
        if geometry.inside is not None:
            self._inside = as_tensor(geometry.inside, self.device)
        if geometry.magnetization is not None:
            self._magnetization = as_tensor(geometry.magnetization, self.device, dtype)
        self._kernels = self._build()
        held = (self._kernels, self._places, self._inside, self._magnetization)
        self.n_bytes = sum(one.numel() * one.element_size() for one in held if one is not None)

    def forward(self, model: torch.Tensor) -> torch.Tensor:
        """Return the matrix times a model, (n_columns,) -> (n_rows,)."""
        columns = model.reshape(-1, self.geometry.n_cells)
        if self._magnetization is not None:
            columns = columns * self._magnetization
        layers = self._box(columns).flatten(end_dim=1)
        total = self._kernels.new_zeros(self._kernels.shape[1:])
        for some in self._parts():
            spectra = self._convolution.spectra(layers[some])
            if self.device.type == "cpu":  # avoids a large temporary array
                for kernel, spectrum in zip(self._kernels[some], spectra, strict=True):
                    total.addcmul_(kernel, spectrum)
            else:
                total += (self._kernels[some] * spectra[:, None]).sum(dim=0)
        return self._convolution.at_receivers(total).reshape(-1).index_select(0, self._places)

    def adjoint(self, data: torch.Tensor) -> torch.Tensor:
        """Return the transposed matrix times data, (n_rows,) -> (n_columns,)."""
        spectra = self._convolution.receiver_spectra(data, self._places, self._kernels.shape[1])
        layers = data.new_empty(self._kernels.shape[0], *self.geometry.shape_box[1::-1])
        for some in self._parts():
            product = self._kernels[some, 0] * spectra[0]
            for c in range(1, len(spectra)):
                product.addcmul_(self._kernels[some, c], spectra[c])
            layers[some] = self._convolution.at_cells(product)
        columns = self._active(layers.reshape(self.geometry.n_blocks, -1))
        if self._magnetization is not None:
            columns = (columns * self._magnetization).sum(dim=0)
        return columns.reshape(-1)

    def squared_columns(self, coefficients: torch.Tensor) -> torch.Tensor:
        r"""Return the exact sum of squares of every column, after groups of rows have been added.

        .. math::
            \sum_i \Big( \sum_c w_{ic} \, g_c(i - j) \Big)^2 = \sum_{c, c'} \sum_i w_{ic} w_{ic'} \, (g_c g_{c'})(i - j)

        is computed as adjoint products of squared kernels, which are evaluated again for this purpose.

        Parameters
        ----------
        coefficients : (n_groups, k) torch.Tensor of float64
            See :class:`~simpeg_jointdl.potential_fields.engines.Engine`. Rows of a group belong to one location.

        Returns
        -------
        (n_columns,) torch.Tensor of float64
        """
        self._check_coefficients(coefficients)
        geometry, convolution = self.geometry, self._convolution
        weights = coefficients.to(self.device, torch.float64).reshape(-1)
        magnets, n_blocks = None, geometry.n_blocks
        if geometry.magnetization is not None:
            magnets, n_blocks = self._box(as_tensor(geometry.magnetization, self.device, torch.float64)), 1
        total = weights.new_zeros(n_blocks, geometry.shape_box[2], *geometry.shape_box[1::-1])
        by_group = weights.split([one.n_rows for one in geometry.stations])
        for lattice in self._lattices:
            mine = by_group[lattice.group].reshape(-1, geometry.stations[lattice.group].n_components)
            mine = mine[as_tensor(lattice.order, self.device)]
            pairs, products = component_pairs(mine, coefficients.shape[1])
            spectra = convolution.receiver_spectra(products, convolution.places(lattice, len(pairs)), len(pairs))
            for first, kernels in convolution.kernels(lattice, self._budget):
                layers = slice(first, first + kernels.shape[2])
                some = None if magnets is None else magnets[:, layers]
                add_squares(total[:, layers], convolution, kernels, pairs, spectra, some)
        return self._active(total.reshape(n_blocks, -1)).reshape(-1).clamp(min=0)

    def dense(self) -> np.ndarray:
        """Return the whole matrix, (n_rows, n_columns), evaluated without a Fourier transform."""
        tiles, parts = Tiles(self.geometry, self.device), []
        for stations in self.geometry.stations:
            n, step = len(stations.locations), locations_at_once(self.geometry, stations, 2**28)
            parts += [tiles(stations, i, min(i + step, n)).to(self.dtype) for i in range(0, n, step)]
        return as_numpy(torch.cat(parts))

    def _build(self):
        """Return the transformed kernels, (n_blocks * n_z, components of all lattices, x, y)."""
        geometry, convolution = self.geometry, self._convolution
        counts = [geometry.stations[one.group].n_components for one in self._lattices]
        shape = (geometry.n_blocks, geometry.shape_box[2], sum(counts), *convolution.spectrum_shape)
        kernels = torch.empty(shape, dtype=self.dtype.to_complex(), device=self.device)
        for lattice, mine in zip(self._lattices, kernels.split(counts, dim=2), strict=True):
            for first, values in convolution.kernels(lattice, self._budget):
                some = mine[:, first : first + values.shape[2]]
                for c, value in enumerate(values):  # (n_blocks, n_layers, y, x)
                    some[:, :, c] = convolution.spectra(value)
        return kernels.flatten(end_dim=1)

    def _receiver_places(self):
        """Return the flat index (component of a lattice, y, x) of every row, (n_rows,), as 4-byte integers."""
        stations, first = self.geometry.stations, 0
        places = [np.empty((len(one.locations), one.n_components), dtype=np.int32) for one in stations]
        for lattice in self._lattices:
            n = stations[lattice.group].n_components
            places[lattice.group][lattice.order] = grid_places(lattice, self._convolution.n_receivers, first, n)
            first += n
        return as_tensor(np.concatenate([one.reshape(-1) for one in places]), self.device)

    def _parts(self):
        """Return slices of layers that are processed together."""
        n_layers, one = len(self._kernels), self._kernels[0]
        if self.device.type == "cpu":  # products are formed for one component at a time
            one = one[0]
        at_once = max(1, self._budget // (one.numel() * one.element_size()))
        return [slice(start, start + at_once) for start in range(0, n_layers, at_once)]

    def _box(self, columns):
        """Return active cells in their box, with zeros elsewhere, (n_blocks, n_cells) -> (n_blocks, n_z, n_y, n_x)."""
        n_x, n_y, n_z = self.geometry.shape_box
        if self._inside is not None:
            columns = columns.new_zeros(len(columns), n_x * n_y * n_z).index_copy_(1, self._inside, columns)
        return columns.reshape(-1, n_z, n_y, n_x)

    def _active(self, columns):
        """Return the active cells of the box, (n_blocks, n_z * n_y * n_x) -> (n_blocks, n_cells)."""
        return columns if self._inside is None else columns[:, self._inside]

    def _check_coefficients(self, coefficients):
        k = coefficients.shape[1] if coefficients.ndim == 2 else 0
        counts = [one.n_components for one in self.geometry.stations]
        if k < 1 or any(count % k for count in counts) or coefficients.numel() != self.shape[0]:
            msg = (
                f"squared_columns: got coefficients of shape {tuple(coefficients.shape)} for {self.shape[0]} rows, "
                f"{counts} components at the locations of the groups; wanted (n_rows / k, k), where k divides them all"
            )
            raise ValueError(msg)
