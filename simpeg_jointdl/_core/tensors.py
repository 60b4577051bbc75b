"""The only crossing between numpy and torch: device and dtype policy live here."""

from __future__ import annotations

import contextlib

import numpy as np
import psutil
import torch

_DTYPES = {"float64": torch.float64, "float32": torch.float32}


def resolve_device(device: str | torch.device | None) -> torch.device:
    """Device to compute on; ``None`` is torch's current default device.

    Parameters
    ----------
    device : None, str or torch.device
        For example ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If torch does not know the device or it is not present on this machine.
    """
    if device is None:
        return torch.get_default_device()
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
        msg = (
            f"device: got {device!r}, which torch cannot use on this machine ({str(error).splitlines()[0]}). "
            f"Use 'cpu', or install a torch build that matches your accelerator's driver."
        )
        raise ValueError(msg) from error
    return resolved


def resolve_dtype(dtype: str | type | np.dtype | torch.dtype | None) -> torch.dtype:
    """Floating-point type to compute in; ``None`` is float64.

    Parameters
    ----------
    dtype : None, torch.dtype, numpy dtype or str
        float64 or float32, in any spelling of torch or numpy.

    Returns
    -------
    torch.dtype

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
    msg = f"dtype: got {dtype!r}, wanted 'float64' or 'float32' (or None, which is float64)."
    raise ValueError(msg)


def as_tensor(array, device: torch.device, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Tensor of `array`; shares memory where it can, so the result must never be written to."""
    array = np.asarray(array)
    # torch takes no negative strides, no foreign byte order, and warns of read-only memory
    array = np.require(array, array.dtype.newbyteorder("="), "CW")
    return torch.as_tensor(array, dtype=dtype, device=device)


def as_numpy(tensor: torch.Tensor) -> np.ndarray:
    """float64 numpy array of `tensor`, whatever its device and dtype."""
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float64)


def as_numpy_view(tensor: torch.Tensor) -> np.ndarray:
    """Numpy array of `tensor` in its own dtype, sharing memory where that is the host's."""
    return tensor.detach().cpu().numpy()


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device, in bytes; on a CPU what the system can give without swapping."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def csr_as_tensor(matrix, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Torch CSR tensor of a scipy sparse matrix, a copy; every row's indices sorted.

    int64 indices: MKL takes int32 ones in a slower path.
    """
    matrix = matrix.tocsr().sorted_indices()
    # built by hand from a matrix known to be valid; checking again would cost as much as building it
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
    """Torch calls its CSR tensors beta once per process; the tests here hold them to account."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        yield


@contextlib.contextmanager
def explain_out_of_memory(who: str, device: torch.device):
    """Turn torch's out-of-memory error into a MemoryError that says whose it is and what helps."""
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
def seeded(random_seed: int, devices=()):
    """torch's global generators begin at a seed, and are where they were afterwards: the CPU's, and of CUDA devices.

    Unlike after ``torch.manual_seed``, generators of other devices are left alone.
    """
    cuda = [device for device in map(torch.device, devices) if device.type == "cuda"]
    indices = sorted({torch.cuda.current_device() if one.index is None else one.index for one in cuda})
    with torch.random.fork_rng(devices=indices):
        torch.default_generator.manual_seed(random_seed)
        for index in indices:
            with torch.cuda.device(index):
                torch.cuda.manual_seed(random_seed)
        yield
