"""How many rounds of inversion and training it takes until they agree, and what the rounds do to the models.

    python -m benchmarks.learned.gravmag_retraining --models 2

Models as in `finetuned.py`. For each round: how far the network's prediction is from the inversion that started from
it (relative, mean of both properties; the tolerance is 0.1). Then the errors of the last models relative to the rms of
the truth, and those of the first prediction and of the first inversion.
"""

from __future__ import annotations

import contextlib
import io
import logging
import time
import warnings

import torch
from rich.console import Console

from benchmarks._common import results
from benchmarks._common.gravmag_cases import PROPERTIES, make_case
from benchmarks.learned.finetuned import SHARING, make_retraining, run_prediction, run_warm_started, scores
from simpeg_jointdl.networks import GravMagUNet


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--models", type=int, default=2, help="of each kind of sharing")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("SimPEG").setLevel(logging.ERROR)
    network, pair = GravMagUNet.from_pretrained(), "{:.3f}, {:.3f}"
    table = results.Table(
        "rounds",
        "Rounds of inversion and training: rms error of ρ and κ",
        {"differences by round": "", "agreed": "", "prediction": pair, "one round": pair, "all rounds": pair}
        | {"CPU s": "{:.0f}"},
        heading="shared structure",
    )
    for number in range(options.models):
        for sharing in SHARING:
            case, start = make_case("unseen", sharing, number), time.process_time()
            with contextlib.redirect_stdout(io.StringIO()):  # SimPEG's table of iterations
                recipe = make_retraining(case, network, options.rounds)
                found = recipe.run()
                seconds = time.process_time() - start
                first = run_warm_started(case, network)
            all_scores = [scores(case, one) for one in (run_prediction(case, network), first, found)]
            errors = [[one[f"rms_{name}"] for name in PROPERTIES] for one in all_scores]
            differences = ", ".join(f"{one['difference']:.2f}" for one in recipe.history)
            table.add_row(f"{sharing}, model {number}", differences, "yes" if recipe.agreed else "no", *errors, seconds)
    Console(width=120).print(table.rich())
    results.store(options, table)


if __name__ == "__main__":
    main()
