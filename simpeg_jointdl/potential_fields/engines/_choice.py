"""Which engine serves a geometry: one place for the decision, and for saying why."""

from __future__ import annotations

import torch
from simpeg.utils import get_logger

from ..._core.tensors import free_bytes
from ._disk import Disk
from ._geometry import Geometry
from ._protocol import Engine
from ._tiled import Blocked, Dense
from ._toeplitz import Toeplitz, toeplitz_reason

ENGINES = ("auto", "dense", "toeplitz", "blocked")
_SMALL = 2**22  # entries: below, a product of a stored matrix takes about a millisecond, and its numpy array is welcome
_PART = 0.6  # of free memory that a matrix may take


def make_engine(
    geometry: Geometry,
    choice: str,
    device: torch.device,
    dtype: torch.dtype,
    *,
    storage: torch.dtype | None = None,
    store: str = "ram",
    folder=None,
) -> Engine:
    """The engine asked for, or the best of those that can serve.

    Parameters
    ----------
    geometry : Geometry
    choice : {"auto", "dense", "toeplitz", "blocked"}
    device, dtype
        Of products.
    storage : torch.dtype, optional
        Of a dense matrix; `dtype` if not given.
    store : {"ram", "disk", "forward_only"}
        SimPEG's ``store_sensitivities``. "forward_only" stores no matrix.
    folder : path
        For "disk".

    Raises
    ------
    ValueError
        If the engine asked for cannot serve; says why, and which can.
    MemoryError
        If a dense matrix is asked for that does not fit; says how many bytes it wants and how many are free.
    """
    storage = storage or dtype
    wanted, free = geometry.n_rows * geometry.n_columns * storage.itemsize, free_bytes(device)
    why_not = toeplitz_reason(geometry)
    name, why = _decide(geometry, choice, store, storage, wanted, free, why_not)
    if choice == "auto":
        get_logger().info(f"engine 'auto': {name}, as {why}")
    if name == "toeplitz":
        return Toeplitz(geometry, device, dtype)
    if name == "blocked":
        return Blocked(geometry, device, dtype)
    if store == "disk":
        return Disk(geometry, device, dtype, folder)
    return Dense(geometry, device, dtype, storage)


def _decide(geometry, choice, store, storage, wanted, free, why_not):
    fits = wanted <= _PART * free
    sizes = f"the matrix wants {wanted / 2**20:.3g} MiB and {free / 2**20:.3g} MiB are free"
    if choice == "toeplitz" and why_not:
        other = "dense" if fits else "blocked"
        msg = f"engine 'toeplitz' cannot serve this geometry: {why_not}. Take engine='{other}', or 'auto'."
        raise ValueError(msg)
    if choice in ("toeplitz", "blocked") and store == "disk":
        msg = f"engine '{choice}' stores no matrix; leave store_sensitivities='disk' out, or take engine='dense'."
        raise ValueError(msg)
    if store == "disk" and storage == torch.bfloat16:
        msg = "sensitivity_dtype 'bfloat16' is for a matrix in memory; take np.float32 with store_sensitivities='disk'."
        raise ValueError(msg)
    if choice == "dense" and store == "forward_only":
        msg = "engine 'dense' stores its matrix; take engine='blocked' or 'toeplitz' with 'forward_only'."
        raise ValueError(msg)
    if choice == "dense" and store == "ram" and not fits:
        msg = (
            f"engine 'dense': {sizes}. Take sensitivity_dtype=np.float32, "
            f"store_sensitivities='disk', or engine='{'blocked' if why_not else 'toeplitz'}'."
        )
        raise MemoryError(msg)
    if choice != "auto":
        return choice, "asked for"
    if store == "disk":
        return "dense", "its matrix is to be stored on disk"
    if not why_not and (store == "forward_only" or geometry.n_rows * geometry.n_columns > _SMALL):
        return "toeplitz", "receivers and cells are on a lattice"
    if store == "forward_only":
        return "blocked", f"nothing is to be stored and {why_not}"
    if fits:
        return "dense", why_not or "the problem is small"
    return "blocked", f"{why_not}, and {sizes}"
