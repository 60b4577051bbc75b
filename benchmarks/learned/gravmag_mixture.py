"""Whom to trust, a network's prediction, a sparse inversion or their mixture, by what the prediction explains.

    python -m benchmarks.learned.gravmag_mixture --models 12

Models of `finetuned.py` with seeds of their own. For both properties of each: the part of the data that the prediction
leaves unexplained beyond the noise, and the errors of the prediction, of the separate sparse inversion and of mixtures,
relative to the rms of the truth; means over those that leave about as much. What `create_finetuned_inversion` mixes,
`sparse_share`, was chosen from such a table.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import warnings
from itertools import pairwise

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit

from benchmarks._common.gravmag_cases import PROPERTIES, make_case
from benchmarks.learned.finetuned import SHARING, run_joint, run_prediction
from simpeg_jointdl.networks import GravMagUNet
from simpeg_jointdl.recipes.finetuned._inputs import make_ground
from simpeg_jointdl.recipes.finetuned._mixture import unexplained

FIRST = 1000  # number of the first case; finetuned.py begins at 0
EDGES = (0.0, 0.05, 0.1, 0.2, np.inf)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def errors(case, network) -> list[tuple]:
    """What is unexplained, and the error of every mixture; one line per property."""
    predicted = run_prediction(case, network)
    with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
        sparse = run_joint(case, strategy="separate")
    residuals = unexplained(make_ground(case.data, case.simulations, data_misfit.L2DataMisfit), predicted)
    lines = []
    for name in PROPERTIES:
        truth = case.truth[name]
        mixtures = [(1.0 - share) * predicted[name] + share * sparse[name] for share in SHARES]
        lines.append((residuals[name], *(np.linalg.norm(one - truth) / np.linalg.norm(truth) for one in mixtures)))
    return lines


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=12, help="of each kind of sharing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("SimPEG").setLevel(logging.ERROR)
    network = GravMagUNet.from_pretrained()
    cases = (make_case("unseen", sharing, FIRST + i) for i in range(options.models) for sharing in SHARING)
    lines = np.array([line for case in cases for line in errors(case, network)])
    table = Table(title=f"rms by the share of the sparse inversion, {len(lines)} properties")
    for head in ("unexplained", "properties", *(f"{share:.0%}" for share in SHARES), "half is nearer than prediction"):
        table.add_column(head, justify="right")
    for low, high in pairwise(EDGES):
        some = lines[(lines[:, 0] >= low) & (lines[:, 0] < high)]
        if len(some):
            told = f"{low:.0%} to {high:.0%}" if np.isfinite(high) else f"{low:.0%} and more"
            better = np.mean(some[:, 1 + SHARES.index(0.5)] < some[:, 1])
            table.add_row(told, str(len(some)), *(f"{one:.3f}" for one in some[:, 1:].mean(0)), f"{better:.0%}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
