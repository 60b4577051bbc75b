"""The only module that converts arrays between numpy and torch: devices, dtypes, memory and seeds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from . import validation as check

if TYPE_CHECKING:
    import scipy.sparse as sp
    from numpy.typing import ArrayLike

_DTYPES = {"float64": torch.float64, "float32": torch.float32}


def resolve_device(device: str | torch.device | None, who: str = "") -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    device : None, str or torch.device
        Device such as ``"cpu"``, ``"cuda"`` or ``"cuda:1"``; None is torch's current default device.
    who : str
        Function or class that the user called, for the message.

    Returns
    -------
    torch.device
        Device of this machine.

    Raises
    ------
    ValueError
        If torch does not know the device, or if this machine does not have it.
    """
    if device is None:
        return torch.get_default_device()
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
        msg = (
            f"{_argument(who, 'device')}: got {device!r}, which torch cannot use on this machine "
            f"({str(error).splitlines()[0]}). "
            "Use 'cpu', or install a torch build that matches your accelerator's driver."
        )
        raise ValueError(msg) from error
    return resolved


def resolve_dtype(dtype: str | type | np.dtype | torch.dtype | None, who: str = "") -> torch.dtype:
    """Return the floating-point type to compute in.

    Parameters
    ----------
    dtype : None, torch.dtype, numpy dtype or str
        float64 or float32, in any spelling of torch or numpy; None is float64.
    who : str
        Function or class that the user called, for the message.

    Returns
    -------
    torch.dtype
        float64 or float32.

    Raises
    ------
    ValueError
        For any other type.
    """
    if dtype is None:
        return torch.float64
    if dtype in _DTYPES.values():
        return dtype
    with contextlib.suppress(TypeError):
        name = np.dtype(dtype).name
        if name in _DTYPES:
            return _DTYPES[name]
    msg = f"{_argument(who, 'dtype')}: got {dtype!r}, wanted 'float64' or 'float32' (or None, which is float64)."
    raise ValueError(msg)


def _argument(who: str, name: str) -> str:
    return f"{who}.{name}" if who else name


def as_tensor(array: ArrayLike, device: torch.device, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Return a tensor of an array. It shares memory where it can, so it must never be written to."""
    array = np.asarray(array)
    # torch refuses negative strides and foreign byte orders, and warns of read-only memory
    array = np.require(array, array.dtype.newbyteorder("="), "CW")
    return torch.as_tensor(array, dtype=dtype, device=device)


def as_numpy(tensor: torch.Tensor) -> np.ndarray:
    """Return a float64 numpy array of a tensor on any device and of any dtype."""
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float64)


def as_numpy_view(tensor: torch.Tensor) -> np.ndarray:
    """Return a numpy array of a tensor in its own dtype, which shares memory if the tensor is on the CPU."""
    return tensor.detach().cpu().numpy()


def free_bytes(device: torch.device) -> int:
    """Return the free memory of a device in bytes; on a CPU what the system can provide without swapping."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def csr_as_tensor(matrix: sp.spmatrix, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Copy a scipy sparse matrix to a torch CSR tensor with sorted indices.

    Indices are int64, since MKL handles int32 ones in a slower way.
    """
    matrix = matrix.tocsr().sorted_indices()
    # scipy's matrix is valid, and checking it again would take as long as building the tensor
    with _quiet_beta_warning():
        return torch.sparse_csr_tensor(
            torch.as_tensor(matrix.indptr.astype(np.int64)),
            torch.as_tensor(matrix.indices.astype(np.int64)),
            torch.as_tensor(matrix.data),
            size=matrix.shape,
            dtype=dtype,
            device=device,
            check_invariants=False,
        )


@contextlib.contextmanager
def _quiet_beta_warning():
    """Silence torch's warning, once per process, that CSR tensors are in beta state; the tests cover their use."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        yield


@contextlib.contextmanager
def explain_out_of_memory(who: str, device: torch.device) -> Iterator[None]:
    """Turn torch's out-of-memory error into a MemoryError that names the caller and says what helps."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(_out_of_memory_message(who, device)) from error
    except RuntimeError as error:  # the CPU allocator has no error class of its own
        if "can't allocate memory" in str(error) or "not enough memory" in str(error):
            raise MemoryError(_out_of_memory_message(who, device)) from error
        raise


def _out_of_memory_message(who: str, device: torch.device) -> str:
    return (
        f"{who}: out of memory on device '{device}'. Use dtype='float32' (half the memory), "
        f"device='cpu', or fewer active cells."
    )


@contextlib.contextmanager
def seeded(random_seed: int, devices: Iterable[str | torch.device] = ()) -> Iterator[None]:
    """Seed torch's global generators, of the CPU and of the given CUDA devices, and restore them afterwards.

    Unlike ``torch.manual_seed`` it does not seed the generators of other devices.
    """
    cuda = [device for device in map(torch.device, devices) if device.type == "cuda"]
    indices = sorted({torch.cuda.current_device() if one.index is None else one.index for one in cuda})
    with torch.random.fork_rng(devices=indices):
        torch.default_generator.manual_seed(random_seed)
        for index in indices:
            with torch.cuda.device(index):
                torch.cuda.manual_seed(random_seed)
        yield


def seeded_generator(who: str, random_seed: int | torch.Generator) -> torch.Generator:
    """Return a generator on the CPU with this seed; a generator comes back as it is."""
    if isinstance(random_seed, torch.Generator):
        return random_seed
    return torch.Generator("cpu").manual_seed(check.whole(who, random_seed, least=0))
