"""Choice of the engine for a mesh and a survey, with the reason."""

from __future__ import annotations

import os

import torch
from simpeg.utils import get_logger

from ..._core.tensors import free_bytes
from ._disk import Disk
from ._geometry import Geometry
from ._protocol import Engine
from ._tiled import Blocked, Dense
from ._toeplitz import Toeplitz, toeplitz_reason

ENGINES = ("auto", "dense", "toeplitz", "blocked")
_SMALL = 2**22  # entries; a product with a smaller stored matrix takes about a millisecond, and its array is handy
_PART = 0.6  # fraction of the free memory that a matrix may take


def make_engine(
    geometry: Geometry,
    choice: str,
    device: torch.device,
    dtype: torch.dtype,
    *,
    storage: torch.dtype | None = None,
    store: str = "ram",
    folder: str | os.PathLike[str] | None = None,
    who: str = "Simulation3DIntegral",
) -> Engine:
    """Return the requested engine, or the best one that can be used.

    Parameters
    ----------
    geometry : Geometry
        Cells and receivers.
    choice : {"auto", "dense", "toeplitz", "blocked"}
        Requested engine.
    device : torch.device
        Device of the products.
    dtype : torch.dtype
        Type of the products.
    storage : torch.dtype, optional
        Type of a dense matrix; `dtype` by default.
    store : {"ram", "disk", "forward_only"}
        SimPEG's ``store_sensitivities``. "forward_only" stores no matrix.
    folder : path
        Folder of the matrix for "disk".
    who : str
        Name of the simulation, which begins the messages.

    Raises
    ------
    ValueError
        If the requested engine cannot be used; the message says why, and which can.
    MemoryError
        If a requested dense matrix does not fit; the message says how much it needs and how much is free.
    """
    storage = storage or dtype
    wanted, free = geometry.n_rows * geometry.n_columns * storage.itemsize, free_bytes(device)
    why_not = toeplitz_reason(geometry)
    name, why = _decide(who, geometry, choice, store, storage, wanted, free, why_not)
    if choice == "auto":
        get_logger().info(f"engine 'auto': {name}, as {why}")
    if name == "toeplitz":
        return Toeplitz(geometry, device, dtype)
    if name == "blocked":
        return Blocked(geometry, device, dtype)
    if store == "disk":
        return Disk(geometry, device, dtype, folder)
    return Dense(geometry, device, dtype, storage)


def _decide(who, geometry, choice, store, storage, wanted, free, why_not):
    fits = wanted <= _PART * free
    sizes = f"the matrix needs {wanted / 2**20:.3g} MiB and {free / 2**20:.3g} MiB are free"
    if choice == "toeplitz" and why_not:
        other = "dense" if fits else "blocked"
        msg = f"{who}.engine: 'toeplitz' cannot be used here: {why_not}. Use engine='{other}', or 'auto'."
        raise ValueError(msg)
    if choice in ("toeplitz", "blocked") and store == "disk":
        msg = f"{who}.engine: '{choice}' stores no matrix. Leave out store_sensitivities='disk', or use engine='dense'."
        raise ValueError(msg)
    if store == "disk" and storage == torch.bfloat16:
        msg = f"{who}.sensitivity_dtype: 'bfloat16' is for a matrix in memory. Use np.float32 on disk."
        raise ValueError(msg)
    if choice == "dense" and store == "forward_only":
        msg = f"{who}.engine: 'dense' stores its matrix. Use engine='blocked' or 'toeplitz' with 'forward_only'."
        raise ValueError(msg)
    if choice == "dense" and store == "ram" and not fits:
        msg = (
            f"{who}.engine: for 'dense' {sizes}. Use sensitivity_dtype=np.float32, "
            f"store_sensitivities='disk', or engine='{'blocked' if why_not else 'toeplitz'}'."
        )
        raise MemoryError(msg)
    if choice != "auto":
        return choice, "requested"
    if store == "disk":
        return "dense", "its matrix is to be stored on disk"
    if not why_not and (store == "forward_only" or geometry.n_rows * geometry.n_columns > _SMALL):
        return "toeplitz", "receivers and cells are on a lattice"
    if store == "forward_only":
        return "blocked", f"nothing is to be stored and {why_not}"
    if fits:
        return "dense", why_not or "the problem is small"
    return "blocked", f"{why_not}, and {sizes}"
