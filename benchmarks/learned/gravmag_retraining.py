"""How many rounds a network and inversions from its predictions take to agree, and what that does to the models.

    python -m benchmarks.learned.gravmag_retraining --models 2

Models of `finetuned.py`. Of each round: how far the network's prediction is from what the inversion makes of it
(relative, mean of both properties; the tolerance is 0.1), and the errors of the last models against the truth,
relative to its rms, beside those of the first prediction and of the first inversion.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import time
import warnings

import torch
from rich.console import Console
from rich.table import Table

from benchmarks._common.gravmag_cases import PROPERTIES, make_case
from benchmarks.learned.finetuned import SHARING, run_prediction, run_tuned, scores
from simpeg_jointdl import recipes
from simpeg_jointdl.networks import GravMagUNet


def retrained(case, network, rounds: int):
    """The last models, and the recipe."""
    recipe = recipes.create_finetuned_inversion(
        case.data, case.simulations, network=network, mode="retrain", rounds=rounds, dtype="float32", progress=False
    )
    return recipe.run(), recipe


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=2, help="of each kind of sharing")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("SimPEG").setLevel(logging.ERROR)
    network, table = GravMagUNet.from_pretrained(), Table(title="prediction and inversion in rounds")
    for head in ("structure", "differences", "agreed", "prediction", "one round", "all rounds", "CPU s"):
        table.add_column(head, justify="right" if head == "CPU s" else "left")
    for number in range(options.models):
        for sharing in SHARING:
            case, start = make_case("unseen", sharing, number), time.process_time()
            with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
                found, recipe = retrained(case, network, options.rounds)
                seconds = time.process_time() - start
                first = run_tuned(case, network, mode="mesh")
            errors = [scores(case, one) for one in (run_prediction(case, network), first, found)]
            told = [", ".join(f"{one[f'rms_{name}']:.3f}" for name in PROPERTIES) for one in errors]
            differences = " ".join(f"{one['difference']:.2f}" for one in recipe.history)
            table.add_row(sharing, differences, "yes" if recipe.agreed else "no", *told, f"{seconds:.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
