"""A dense matrix in a file, for matrices that do not fit into memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import torch
from simpeg.utils import get_logger

from ..._core.tensors import as_numpy, as_tensor
from ._geometry import Geometry
from ._tiled import Tiled, tiles_of

_AT_ONCE = 256 * 2**20  # bytes of rows on the device at a time


class Disk(Tiled):
    """The matrix in ``sensitivity.npy`` of a folder, streamed to the device in every product.

    An existing file is used again only if ``sensitivity.json`` beside it shows the same geometry, components and dtype;
    SimPEG compares the shape only. The file is written under another name and renamed when it is complete.
    """

    name = "dense"

    def __init__(self, geometry: Geometry, device, dtype, folder):
        super().__init__(geometry, device, dtype)
        self.n_bytes = 0
        folder = Path(folder)
        self.path, mark = folder / "sensitivity.npy", folder / "sensitivity.json"
        fingerprint = {"sha256": geometry.fingerprint(), "dtype": str(dtype), "shape": list(self.shape)}
        if not (self.path.exists() and _read(mark) == fingerprint):
            folder.mkdir(parents=True, exist_ok=True)
            mark.unlink(missing_ok=True)
            self._write()
            mark.write_text(json.dumps(fingerprint), encoding="utf-8")
        else:
            get_logger().info(f"dense engine: sensitivities of {self.path} are reused")
        self.matrix = np.load(self.path, mmap_mode="r")

    def _write(self):
        unfinished = self.path.with_suffix(".part.npy")
        kind = {torch.float32: np.float32, torch.float64: np.float64}[self.dtype]
        matrix = np.lib.format.open_memmap(unfinished, mode="w+", dtype=kind, shape=self.shape)
        for rows, tile in tiles_of(self.geometry, self.device):
            matrix[rows] = as_numpy(tile)
        matrix.flush()
        del matrix
        os.replace(unfinished, self.path)

    def tiles(self):
        """Yield rows and their places, complete locations at a time."""
        for rows in self.row_slices(_AT_ONCE):
            # the mapped file is read-only: copy once, to the device or, on a CPU, to memory that torch may own
            yield rows, as_tensor(np.array(self.matrix[rows]), self.device)

    def forward(self, model):
        """Return the matrix times a model; see :class:`Engine`."""
        return torch.cat([tile @ model for _, tile in self.tiles()])

    def adjoint(self, data):
        """Return the transposed matrix times data; see :class:`Engine`."""
        return sum(data[rows] @ tile for rows, tile in self.tiles())

    def dense(self) -> np.ndarray:
        """Return the whole matrix, as the mapped file."""
        return self.matrix


def _read(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
