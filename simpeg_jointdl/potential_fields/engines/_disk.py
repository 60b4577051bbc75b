"""A dense matrix in a file, for machines whose memory it does not fit."""

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

_AT_ONCE = 256 * 2**20  # bytes of a product's rows on the device


class Disk(Tiled):
    """The matrix in ``sensitivity.npy`` of a folder, streamed to the device in every product.

    A file is used again only if it is of the same geometry, components and dtype, which ``sensitivity.json`` beside it
    tells; SimPEG's own goes by its shape. It is written under another name and put in place when complete.
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
            get_logger().info(f"dense engine: sensitivities of {self.path} are used again")
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
        """Rows and their places, whole locations together."""
        for rows in self.row_slices(_AT_ONCE):
            # read-only memory of a file is copied once, to the device or, on a CPU, to where torch may own it
            yield rows, as_tensor(np.array(self.matrix[rows]), self.device)

    def forward(self, model):
        """See :class:`Engine`."""
        return torch.cat([tile @ model for _, tile in self.tiles()])

    def adjoint(self, data):
        """See :class:`Engine`."""
        return sum(data[rows] @ tile for rows, tile in self.tiles())

    def dense(self) -> np.ndarray:
        """See :class:`Engine`; the mapped file."""
        return self.matrix


def _read(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
