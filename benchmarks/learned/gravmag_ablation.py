"""What each term of the loss contributes to the network of gravity and magnetics: short trainings without some terms.

    python -m benchmarks.learned.gravmag_ablation --steps 1000

The full network from the same initial weights on the same samples. Errors, overlap and misfits on unseen models, means
over the three kinds of shared structure (for χ, means of the medians). Boundaries: their cross-entropy, in nats.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch.nn import functional

from benchmarks._common import results
from simpeg_jointdl.networks.gravmag import TERMS, GravMagTask, boundaries
from simpeg_jointdl.networks.training import Training, make_fabric

SETS = (TERMS, ("model", "structure"), ("model", "data"), ("model",))
COLUMNS = tuple(f"{score}_{name}" for score in ("rms", "iou", "chi") for name in ("density", "susceptibility"))


def train(terms, options, folder: Path) -> dict:
    """Train for some steps with these terms, and return the metrics."""
    fabric = make_fabric(options.device, 1, options.precision)
    task = GravMagTask("full", options.seed, fabric.device, terms=terms)
    training = Training(task, task.plan("full", options.steps), folder / "one.safetensors", {}, fabric)
    metrics = training.run(lambda *_: None)
    found = {key: np.mean([metrics[f"{key}_{kind}"] for kind in ("whole", "partly", "none")]) for key in COLUMNS}
    return found | {"boundaries": cross_entropy(task), "seconds": training.seconds}


@torch.no_grad()
def cross_entropy(task) -> float:
    """Cross-entropy of the boundaries, mean over all unseen models."""
    samples = [sample for some in task._validation.values() for sample in some]
    values = []
    for sample in samples:
        wanted = boundaries(sample.models).float()
        values.append(float(functional.binary_cross_entropy_with_logits(task.network(sample.grids).boundary, wanted)))
    return float(np.mean(values))


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device")
    parser.add_argument("--precision", default="bf16-mixed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=140)
    pair = "{:.3f}, {:.3f}"
    table = results.Table(
        "loss",
        f"Terms of the loss, {options.steps} steps of 16 samples, validation means",
        {"rms ρ, κ": pair, "IoU ρ, κ": pair, "χ gravity, magnetics": "{:.3g}, {:.3g}"}
        | {"boundaries, nats": "{:.2f}", "seconds": "{:.0f}"},
        note=f"One seed ({options.seed}). Without the term for structure, boundaries are not trained.",
        heading="terms of the loss",
    )
    for terms in SETS:
        with tempfile.TemporaryDirectory() as folder:
            found = train(terms, options, Path(folder))
        pairs = [[found[key] for key in COLUMNS if key.startswith(score)] for score in ("rms", "iou", "chi")]
        boundaries_nats = found["boundaries"] if "structure" in terms else None
        table.add_row(" + ".join(terms), *pairs, boundaries_nats, found["seconds"])
        console.log(terms, found)
        results.store(options, table)
    console.print(table.rich())


if __name__ == "__main__":
    main()
