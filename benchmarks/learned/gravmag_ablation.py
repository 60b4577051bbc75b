"""What each term of the loss buys the network of gravity and magnetics: short trainings, alike but for their terms.

    python -m benchmarks.learned.gravmag_ablation --steps 1000

The full network from the same first weights on the same samples; errors, overlap and misfits on unseen models, means
over the three kinds of shared structure (of χ, of the medians). Boundaries: cross-entropy on these, in nats.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional

from simpeg_jointdl.networks.gravmag import GravMagTask
from simpeg_jointdl.networks.gravmag._task import TERMS, boundaries
from simpeg_jointdl.networks.training import Training, make_fabric

SETS = (TERMS, ("model", "structure"), ("model", "data"), ("model",))
COLUMNS = tuple(f"{score}_{name}" for score in ("rms", "iou", "chi") for name in ("density", "susceptibility"))


def train(terms, options, folder: Path) -> dict:
    """Metrics after so many steps."""
    fabric = make_fabric(options.device, 1, options.precision)
    task = GravMagTask("full", options.seed, fabric.device, terms=terms)
    training = Training(task, task.plan("full", options.steps), folder / "one.safetensors", {}, fabric)
    metrics = training.run(lambda *_: None)
    found = {key: np.mean([metrics[f"{key}_{kind}"] for kind in ("whole", "partly", "none")]) for key in COLUMNS}
    return found | {"boundaries": cross_entropy(task), "seconds": training.seconds}


@torch.no_grad()
def cross_entropy(task) -> float:
    """Of the boundaries, over all unseen models."""
    samples = [sample for some in task._unseen.values() for sample in some]
    values = []
    for sample in samples:
        wanted = boundaries(sample.models).float()
        values.append(float(functional.binary_cross_entropy_with_logits(task.network(sample.grids).boundary, wanted)))
    return float(np.mean(values))


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device")
    parser.add_argument("--precision", default="bf16-mixed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=140)
    table = Table(title=f"{options.steps} steps of 16 samples")
    for head in ("loss", "rms ρ", "rms κ", "IoU ρ", "IoU κ", "χ g", "χ m", "boundaries", "s"):
        table.add_column(head, justify="left" if head == "loss" else "right")
    for terms in SETS:
        with tempfile.TemporaryDirectory() as folder:
            found = train(terms, options, Path(folder))
        table.add_row(" + ".join(terms), *(f"{found[key]:.3g}" for key in (*COLUMNS, "boundaries", "seconds")))
        console.log(terms, found)
    console.print(table)


if __name__ == "__main__":
    main()
