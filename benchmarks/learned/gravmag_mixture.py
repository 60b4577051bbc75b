"""Whether to use a network's prediction, a sparse inversion or a mixture, depending on what the prediction explains.

    python -m benchmarks.learned.gravmag_mixture --models 12

Models as in `finetuned.py`, with other seeds. For both properties of each model: the part of the data that the
prediction leaves unexplained beyond the noise, and the errors of the prediction, of the separate sparse inversion and
of mixtures, relative to the rms of the truth. The table has means over models with a similar unexplained part. The
`sparse_share` of `create_warm_started_inversion` was chosen from such a table.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from itertools import pairwise

import numpy as np
import torch
from rich.console import Console

from benchmarks._common import results
from benchmarks._common.gravmag_cases import PROPERTIES, make_case
from benchmarks.learned.finetuned import SHARING, run_joint, run_prediction
from simpeg_jointdl.networks import GravMagUNet

FIRST = 1000  # number of the first case; those of finetuned.py begin at 0
EDGES = (0.0, 0.05, 0.1, 0.2, np.inf)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def unexplained(simulation, data, model) -> float:
    """Rms of what residuals have beyond the noise, divided by the rms of the data."""
    excess = np.sum((simulation.dpred(model) - data.dobs) ** 2) - np.sum(np.asarray(data.standard_deviation) ** 2)
    return float(np.sqrt(max(excess, 0.0) / np.sum(data.dobs**2)))


def errors(case, network) -> list[tuple]:
    """The unexplained part, and the error of every mixture; one line per property."""
    predicted = run_prediction(case, network)
    with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
        sparse = run_joint(case, strategy="separate")
    lines = []
    for name, simulation, data in zip(PROPERTIES, case.simulations, case.data, strict=True):
        truth = case.truth[name]
        mixtures = [(1.0 - share) * predicted[name] + share * sparse[name] for share in SHARES]
        residual = unexplained(simulation, data, predicted[name])
        lines.append((residual, *(np.linalg.norm(one - truth) / np.linalg.norm(truth) for one in mixtures)))
    return lines


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--models", type=int, default=12, help="of each kind of sharing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("SimPEG").setLevel(logging.ERROR)
    network = GravMagUNet.from_pretrained()
    cases = (make_case("unseen", sharing, FIRST + i) for i in range(options.models) for sharing in SHARING)
    lines = np.array([line for case in cases for line in errors(case, network)])
    titles = ["prediction", "a quarter sparse", "half", "three quarters", "sparse"]
    table = results.Table(
        "mixture",
        f"rms error by the share of the sparse inversion, {len(lines)} properties",
        {"properties": "{:.0f}"} | dict.fromkeys(titles, "{:.3f}") | {"half is nearer than prediction": "{:.0%}"},
        heading="unexplained",
    )
    for low, high in pairwise(EDGES):
        some = lines[(lines[:, 0] >= low) & (lines[:, 0] < high)]
        if len(some):
            name = f"{low:.0%} to {high:.0%}" if np.isfinite(high) else f"{low:.0%} and more"
            better = np.mean(some[:, 1 + SHARES.index(0.5)] < some[:, 1])
            table.add_row(name, len(some), *some[:, 1:].mean(0), better)
    Console(width=120).print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
