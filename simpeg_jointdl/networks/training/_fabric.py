"""Lightning Fabric, which places the training: device, processes, precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.checks import check_count
from ..._core.tensors import resolve_device

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric


def make_fabric(device: str | torch.device | None = None, n_processes: int = 1, precision: str = "32-true") -> Fabric:
    """A Fabric for one process, or for several that average their gradients.

    Parameters
    ----------
    device : None, str or torch.device
        torch's current default device if None. With several processes on a GPU, its first `n_processes` devices.
    n_processes : int
        Of ``gloo`` on the CPU, of ``nccl`` on GPUs.
    precision : {"32-true", "bf16-mixed"}
        Of matrix products and convolutions.

    Returns
    -------
    lightning_fabric.Fabric

    Raises
    ------
    ModuleNotFoundError
        Without Lightning Fabric.
    ValueError
        If `n_processes` is not a positive int, or there are fewer devices.
    """
    try:
        from lightning_fabric import Fabric
    except ModuleNotFoundError as error:
        msg = (
            "simpeg_jointdl.networks.train needs lightning_fabric, which is not installed. Install it with: "
            'pip install "simpeg_jointdl[train]"'
        )
        raise ModuleNotFoundError(msg) from error
    device = resolve_device(device)
    n_processes = check_count("--processes", n_processes)
    one = [device.index or 0] if device.type == "cuda" else 1
    return Fabric(
        accelerator=device.type,
        devices=one if n_processes == 1 else n_processes,
        strategy="auto" if n_processes == 1 else "ddp_spawn",
        precision=precision,
    )
