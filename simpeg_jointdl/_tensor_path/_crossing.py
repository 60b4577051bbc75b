"""Copies between numpy and a device: kept while their source does not change, and counted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
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
    """Moves arrays between numpy and one device in one dtype, and counts the copies.

    Parameters
    ----------
    device : str or torch.device, optional
        Device of the tensors; torch's default device if None.
    dtype : torch.dtype, numpy dtype or str, optional
        Type of the tensors, float64 (default) or float32.

    Attributes
    ----------
    uploads, downloads : int
        Arrays sent to the device and fetched from it since the last :meth:`start_count`.
    nbytes : int
        Size of these arrays in bytes.
    seconds : float
        Time that they took. The clock starts when the queue of an accelerator is empty, so that only copies count. On a
        CPU most arrays are shared and nothing is copied.
    fallbacks : list of str
        Terms that were computed with numpy since the last :meth:`start_count`.
    """

    device: torch.device
    dtype: torch.dtype
    uploads: int
    downloads: int
    nbytes: int
    seconds: float
    fallbacks: list[str]

    def __init__(
        self,
        device: str | torch.device | None = None,
        dtype: str | type | np.dtype | torch.dtype | None = None,
    ):
        self.device, self.dtype = resolve_device(device), resolve_dtype(dtype)
        self._kept: dict[tuple[int, str], _Slot] = {}
        self.start_count()

    def start_count(self) -> None:
        """Set all counts to zero."""
        self.uploads = self.downloads = self.nbytes = 0
        self.seconds = 0.0
        self.fallbacks = []

    # arrays -------------------------------------------------------------------------------------------
    def send(self, array: np.ndarray, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Return a tensor of an array. It may share memory and must not be written to."""
        with self._clock():
            tensor = as_tensor(array, self.device, self.dtype if dtype is None else dtype)
        self.uploads += 1
        self.nbytes += tensor.nbytes
        return tensor

    def fetch(self, tensor: torch.Tensor) -> np.ndarray:
        """Return a float64 array of a tensor. It may share memory."""
        with self._clock():
            array = as_numpy(tensor)
        self.downloads += 1
        self.nbytes += tensor.nbytes
        return array

    def cast(self, device: torch.device, dtype: torch.dtype) -> _Cast:
        """Return the operator from this device and dtype to others, for terms that compute elsewhere."""
        return _Cast(self, device, dtype)

    def move(self, tensor: torch.Tensor, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        """Return the tensor on a device; a copy between a CPU and another device is counted."""
        if tensor.device.type == device.type:
            return tensor.to(device, dtype)
        with self._clock(device if tensor.device.type == "cpu" else tensor.device):
            moved = tensor.to(device, dtype)
        self.uploads, self.downloads = self.uploads + (device.type != "cpu"), self.downloads + (device.type == "cpu")
        self.nbytes += tensor.nbytes
        return moved

    # what is kept -------------------------------------------------------------------------------------
    def kept(self, owner: object, name: str, source: Any, make: Callable[[], Any]) -> Any:
        """Return the result of `make`, which is called again only when the content of `source` has changed.

        A source must not be written to; SimPEG makes a new one when weights change.
        """
        slot = self._kept.get((id(owner), name))
        if slot is None or not _same(slot.source, source):
            slot = _Slot(owner, source, make())
        # the newest source, so that the next comparison is one of identity
        self._kept[id(owner), name] = _Slot(owner, source, slot.value)
        return slot.value

    def operator(self, owner: object, name: str, matrix: Any) -> Any:
        """Return the operator of a sparse matrix, moved in its cheapest form.

        A diagonal is moved as a vector. A matrix with one entry in each row, such as a projection or an element-wise
        map of one, is moved as an index and weights; each is moved again only if it has changed.

        Parameters
        ----------
        owner : object
            Object whose matrix it is; it has one of each name.
        name : str
            Name of the matrix.
        matrix : scipy.sparse matrix, discretize.utils.Identity, or anything else
            Matrix (m, n).

        Returns
        -------
        operator or None
            Operator with ``tangent`` and ``adjoint``; None for dense and complex matrices and for operators.
        """
        if isinstance(matrix, Identity):
            return Chain()
        if not sp.issparse(matrix) or np.iscomplexobj(matrix):
            return None
        return self.kept(owner, name, matrix, lambda: self._make_operator(owner, name, matrix.tocsr()))

    def _make_operator(self, owner: object, name: str, matrix: sp.csr_matrix) -> Diagonal | Selection | Sparse:
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

    def symmetric(self, matrix: sp.spmatrix) -> torch.Tensor:
        """Return a CSR tensor of a symmetric sparse matrix, which needs no transpose."""
        with self._clock():
            tensor = csr_as_tensor(matrix, self.device, self.dtype)
        self.uploads += 1
        self.nbytes += sum(part.nbytes for part in (tensor.crow_indices(), tensor.col_indices(), tensor.values()))
        return tensor

    def _index(self, owner: object, name: str, columns: np.ndarray) -> slice | torch.Tensor:
        start = int(columns[0])
        if np.array_equal(columns, np.arange(start, start + len(columns))):
            return slice(start, start + len(columns))
        return self.kept(owner, f"{name}: index", columns, lambda: self.send(columns, torch.int64))

    @contextlib.contextmanager
    def _clock(self, device: torch.device | None = None) -> Iterator[None]:
        device = self.device if device is None else device
        _wait(device)
        began = time.perf_counter()
        yield
        _wait(device)
        self.seconds += time.perf_counter() - began


@dataclass(frozen=True)
class _Slot:
    """A kept value, its source, and its owner, which is held so that no other object gets the same id."""

    owner: object
    source: object
    value: object


@dataclass(frozen=True)
class _Cast:
    """Operator from the device and dtype of a crossing to others, and back."""

    crossing: Crossing
    device: torch.device
    dtype: torch.dtype

    def tangent(self, v: torch.Tensor) -> torch.Tensor:
        return self.crossing.move(v, self.device, self.dtype)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self.crossing.move(y, self.crossing.device, self.crossing.dtype)

    adjoint_rows = adjoint


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _same(one: Any, other: Any) -> bool:
    """Whether two sources are the same object or have the same content."""
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
