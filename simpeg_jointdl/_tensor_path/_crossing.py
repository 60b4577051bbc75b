"""What goes from numpy to a device and back: kept where it does not change, and counted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from discretize.utils import Identity

from .._core.tensors import as_numpy, as_tensor, csr_as_tensor, resolve_device, resolve_dtype
from ..kernels import SparseMatrix
from ._operators import Chain, Diagonal, Selection, Sparse


class Crossing:
    """The way between numpy and one device in one dtype.

    Parameters
    ----------
    device : str or torch.device, optional
        Torch's default device when not given.
    dtype : optional
        float64 (default) or float32.

    Attributes
    ----------
    uploads, downloads : int
        Arrays sent to the device and fetched from it since the last :meth:`start_count`.
    nbytes : int
        What they held.
    seconds : float
        What they took. An accelerator's queue is waited for before the clock starts, so that only copies count. On a
        CPU, where most arrays are shared, these are crossings rather than copies.
    fallbacks : list of str
        What went through numpy since then.
    """

    def __init__(self, device: str | torch.device | None = None, dtype=None):
        self.device, self.dtype = resolve_device(device), resolve_dtype(dtype)
        self._kept: dict[tuple[int, str], _Slot] = {}
        self.start_count()

    def start_count(self):
        """Count from zero."""
        self.uploads = self.downloads = self.nbytes = 0
        self.seconds = 0.0
        self.fallbacks: list[str] = []

    # there and back -----------------------------------------------------------------------------------
    def send(self, array: np.ndarray, dtype: torch.dtype | None = None) -> torch.Tensor:
        """A tensor of an array, which may share its memory and so must not be written to."""
        with self._clock():
            tensor = as_tensor(array, self.device, self.dtype if dtype is None else dtype)
        self.uploads += 1
        self.nbytes += tensor.nbytes
        return tensor

    def fetch(self, tensor: torch.Tensor) -> np.ndarray:
        """A float64 array of a tensor, which may share its memory."""
        with self._clock():
            array = as_numpy(tensor)
        self.downloads += 1
        self.nbytes += tensor.nbytes
        return array

    def cast(self, device: torch.device, dtype: torch.dtype) -> _Cast:
        """Operator from this device and dtype to others, for terms that compute elsewhere."""
        return _Cast(self, device, dtype)

    def move(self, tensor: torch.Tensor, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        """The tensor there; between a host and a device it counts."""
        if tensor.device.type == device.type:
            return tensor.to(device, dtype)
        with self._clock(device if tensor.device.type == "cpu" else tensor.device):
            moved = tensor.to(device, dtype)
        self.uploads, self.downloads = self.uploads + (device.type != "cpu"), self.downloads + (device.type == "cpu")
        self.nbytes += tensor.nbytes
        return moved

    # what stays ---------------------------------------------------------------------------------------
    def kept(self, owner, name: str, source, make: Callable[[], Any]):
        """What `make` gives, made again only when `source` is another object and of other content.

        Sources must not be written to; SimPEG makes new ones when weights change.
        """
        slot = self._kept.get((id(owner), name))
        if slot is None or not _same(slot.source, source):
            slot = _Slot(owner, source, make())
        # the newest source, so that the next look at it is one at its identity
        self._kept[id(owner), name] = _Slot(owner, source, slot.value)
        return slot.value

    def operator(self, owner, name: str, matrix):
        """Operator of a sparse matrix, moved in the cheapest form it has; None for other kinds.

        Diagonals become vectors, and rows with one entry each, as of projections and of element-wise maps on top of
        them, an index and weights; both move alone when only they change.

        Parameters
        ----------
        owner : object
            Whose matrix it is; it has one of each name.
        name : str
        matrix : scipy.sparse matrix, discretize.utils.Identity, or anything else
        """
        if isinstance(matrix, Identity):
            return Chain()
        if not sp.issparse(matrix) or np.iscomplexobj(matrix):
            return None
        return self.kept(owner, name, matrix, lambda: self._make_operator(owner, name, matrix.tocsr()))

    def _make_operator(self, owner, name, matrix):
        counts, columns = np.diff(matrix.indptr), matrix.indices
        rows = np.repeat(np.arange(matrix.shape[0]), counts)
        if matrix.shape[0] == matrix.shape[1] and np.array_equal(rows, columns):
            weights = matrix.diagonal()
            return Diagonal(self.kept(owner, f"{name}: weights", weights, lambda: self.send(weights)))
        if (counts == 1).all() and len(columns) and np.bincount(columns).max() == 1:
            weights = None
            if (matrix.data != 1.0).any():
                weights = self.kept(owner, f"{name}: weights", matrix.data, lambda: self.send(matrix.data))
            return Selection(self._index(owner, name, columns), weights, matrix.shape[1])
        with self._clock():
            operator = Sparse(SparseMatrix.from_scipy(matrix, self.device, self.dtype))
        self.uploads += 2
        self.nbytes += sum(
            part.nbytes
            for csr in (operator.matrix.matrix, operator.matrix.transposed)
            for part in (csr.crow_indices(), csr.col_indices(), csr.values())
        )
        return operator

    def symmetric(self, matrix) -> torch.Tensor:
        """A CSR tensor of a symmetric sparse matrix, which needs no transpose."""
        with self._clock():
            tensor = csr_as_tensor(matrix, self.device, self.dtype)
        self.uploads += 1
        self.nbytes += sum(part.nbytes for part in (tensor.crow_indices(), tensor.col_indices(), tensor.values()))
        return tensor

    def _index(self, owner, name, columns):
        start = int(columns[0])
        if np.array_equal(columns, np.arange(start, start + len(columns))):
            return slice(start, start + len(columns))
        return self.kept(owner, f"{name}: index", columns, lambda: self.send(columns, torch.int64))

    @contextlib.contextmanager
    def _clock(self, device=None):
        device = self.device if device is None else device
        _wait(device)
        began = time.perf_counter()
        yield
        _wait(device)
        self.seconds += time.perf_counter() - began


@dataclass(frozen=True)
class _Slot:
    """Something moved, what it was made of, and whose it is: held, so that no other object gets its id."""

    owner: object
    source: object
    value: object


@dataclass(frozen=True)
class _Cast:
    """From the device and dtype of a crossing to others, and back."""

    crossing: Crossing
    device: torch.device
    dtype: torch.dtype

    def tangent(self, v):
        return self.crossing.move(v, self.device, self.dtype)

    def adjoint(self, y):
        return self.crossing.move(y, self.crossing.device, self.crossing.dtype)

    adjoint_rows = adjoint


def _wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _same(one, other) -> bool:
    if one is other:
        return True
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if not (sp.issparse(one) and sp.issparse(other)) or one.shape != other.shape or one.format != other.format:
        return False
    arrays = {"csr": ("indptr", "indices", "data"), "csc": ("indptr", "indices", "data"), "dia": ("offsets", "data")}
    return one.format in arrays and all(
        np.array_equal(getattr(one, key), getattr(other, key)) for key in arrays[one.format]
    )
