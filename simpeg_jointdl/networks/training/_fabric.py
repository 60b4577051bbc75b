"""Lightning Fabric, which sets device, processes and precision of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from ..._core import validation as check
from ..._core.tensors import resolve_device

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def make_fabric(
    device: torch.device | str | None = None,
    n_processes: int = 1,
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
) -> Fabric:
    """Return a Fabric for one process, or for several processes that average their gradients.

    Parameters
    ----------
    device : str or torch.device, optional
        Device to train on; by default torch's default device. Several processes on GPUs use the first `n_processes` of
        them.
    n_processes : int
        Number of processes, which communicate by ``gloo`` on the CPU and by ``nccl`` on GPUs.
    precision : {"32-true", "bf16-mixed"}
        Precision of matrix products and convolutions.

    Returns
    -------
    lightning_fabric.Fabric
        Fabric that has not been launched yet.

    Raises
    ------
    ModuleNotFoundError
        If Lightning Fabric is not installed.
    TypeError, ValueError
        If `n_processes` is not a whole number of at least 1, or there are fewer devices.
    """
    try:
        from lightning_fabric import Fabric
    except ModuleNotFoundError as error:
        msg = (
            "simpeg_jointdl.networks.train needs lightning_fabric, which is not installed. Install it with: "
            'pip install "simpeg_jointdl[train]"'
        )
        raise ModuleNotFoundError(msg) from error
    device = resolve_device(device, "make_fabric")
    n_processes = check.whole("make_fabric.n_processes", n_processes)
    one = [device.index or 0] if device.type == "cuda" else 1
    return Fabric(
        accelerator=device.type,
        devices=one if n_processes == 1 else n_processes,
        strategy="auto" if n_processes == 1 else "ddp_spawn",
        precision=precision,
    )
