"""The network of gravity and magnetics compared with inversions, and its fine-tuning to the data.

    python -m benchmarks.learned.finetuned --models 200 --cases output/finetuned.csv     # resumes where it ended
    python -m benchmarks.learned.finetuned --tables output/*.csv --from-case 16          # tables only, nothing runs
    python -m benchmarks.learned.finetuned --set two_bodies --set camp_blocks --set noise --models 20

Several may run at once, each with its own ``--cases`` and, say, its own ``--sharing``; ``--tables`` reads all files.

Rows: the network's prediction; fine-tuned (`create_finetuned_inversion`, over the network's weights); warm-started
(`create_warm_started_inversion`, over cells, smooth); separate (`create_joint_inversion`, sparse norms, no coupling);
and joint (the same with the cross-gradient). Only if ``--rows`` asks for it: retrained (`create_retraining`, three
rounds of warm-started inversions, the network learning from each). The file of cases has one line per case and row.
Errors are relative to the rms of the truth; bodies are the cells above half of the largest value; the cross-gradient is
that of models divided by the rms of the truth.
"""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from simpeg import data_misfit, maps

from benchmarks._common import finetuned_tables, results
from benchmarks._common.gravmag_cases import PROPERTIES, SETS, make_case
from simpeg_jointdl import recipes, regularization
from simpeg_jointdl.maps import between_meshes
from simpeg_jointdl.networks import GravMagUNet

SHARING = ("whole", "partly", "none")
SPARSE = (0, 1, 1, 1)
ROWS = ("prediction", "fine-tuned", "warm-started", "separate", "joint", "retrained")
SCORES = ("rms", "r2", "iou", "chi")
FIELDS = [
    "set", "sharing", "case", "row", *(f"{score}_{name}" for score in SCORES for name in PROPERTIES),
    "cross_gradient", "cpu_seconds", "seconds",
]  # fmt: skip


def run_prediction(case, network):
    """The network's prediction, on the mesh of the simulations."""
    found = network.predict(*case.data)
    transfer, _ = between_meshes(found.mesh, case.mesh, np.ones(case.mesh.n_cells, dtype=bool))
    return {name: transfer @ getattr(found, name) for name in PROPERTIES}


def run_tuned(case, network):
    """A fine-tuned inversion, over the weights of the network."""
    tuning = recipes.FineTuning(dtype="float32")
    recipe = recipes.create_finetuned_inversion(
        case.data, case.simulations, network=network, tuning=tuning, progress=False
    )
    return recipe.run()


def run_warm_started(case, network):
    """An inversion over cells, from the prediction of the network."""
    recipe = recipes.create_warm_started_inversion(
        case.data, case.simulations, network=network, dtype="float32", progress=False
    )
    return recipe.run()


def make_retraining(case, network, rounds=3):
    """Rounds of warm-started inversions and of training."""
    training = recipes.Training(dtype="float32")
    return recipes.create_retraining(
        case.data, case.simulations, network=network, training=training, rounds=rounds, progress=False
    )


def run_joint(case, **options):
    """A sparse inversion over cells that starts from zero."""
    n = case.mesh.n_cells
    wires = maps.Wires(*((name, n) for name in PROPERTIES))
    views = case.simulations_through([getattr(wires, name) for name in PROPERTIES])
    misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(case.data, views, strict=True)]
    bounds = {"susceptibility": (0.0, np.inf)}
    recipe = recipes.create_joint_inversion(
        case.mesh, misfits, wires, bounds=bounds, norms=SPARSE, progress=False, **options
    )
    return recipe.run()


def run(row: str, case, network) -> dict:
    """The models of a row."""
    if row == "prediction":
        return run_prediction(case, network)
    if row == "fine-tuned":
        return run_tuned(case, network)
    if row == "warm-started":
        return run_warm_started(case, network)
    if row == "retrained":
        return make_retraining(case, network).run()
    if row == "separate":
        return run_joint(case, strategy="separate")
    return run_joint(case, couplings=regularization.CrossGradient)


def scores(case, models: dict) -> dict:
    """All scores of a line."""
    found = {}
    for name, simulation, data in zip(PROPERTIES, case.simulations, case.data, strict=True):
        truth, values = case.truth[name], models[name]
        error = np.mean((values - truth) ** 2)
        found[f"rms_{name}"] = np.sqrt(error / np.mean(truth**2))
        found[f"r2_{name}"] = 1.0 - error / np.var(truth)
        level = 0.5 * np.abs(truth).max()
        bodies, seen = np.abs(truth) > level, np.abs(values) > level
        found[f"iou_{name}"] = (bodies & seen).sum() / max((bodies | seen).sum(), 1)
        residual = (simulation.dpred(values) - data.dobs) / data.standard_deviation
        found[f"chi_{name}"] = np.mean(residual**2)
    scaled = [models[name] / np.sqrt(np.mean(case.truth[name] ** 2)) for name in PROPERTIES]
    n = case.mesh.n_cells
    wires = maps.Wires(*((name, n) for name in PROPERTIES))
    size = case.mesh.h[0][0]
    value = regularization.CrossGradient(case.mesh, wires)(np.concatenate(scaled))
    found["cross_gradient"] = np.sqrt(value * size**4 / case.mesh.cell_volumes.sum())
    return found


def read(path: Path) -> list[dict]:
    """The lines of a file, if it exists."""
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def run_cases(options, network, console):
    """Run all cases that are not in the file yet, and write one line at a time."""
    done = {(one["set"], one["sharing"], one["case"], one["row"]) for one in read(options.cases)}
    options.cases.parent.mkdir(parents=True, exist_ok=True)
    is_new = not options.cases.exists()
    with options.cases.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if is_new:
            writer.writeheader()
        for number in range(options.models):
            for which in options.sets:
                alone = which in ("camp_blocks", "two_bodies")
                for sharing in ("whole",) if alone else options.sharing:
                    wanted = [r for r in options.rows if (which, sharing, str(number), r) not in done]
                    if not wanted or (alone and number):
                        continue
                    case = make_case(which, sharing, number)
                    for row in wanted:
                        line = one_line(case, row, network)
                        writer.writerow({"set": which, "sharing": sharing, "case": number, "row": row, **line})
                        file.flush()
                        told = " ".join(f"{key} {line[key]}" for key in line if key[:3] in ("rms", "chi", "cpu"))
                        console.log(which, sharing, number, row, told)


def one_line(case, row, network) -> dict:
    """Run one row of a case, and score its models."""
    began, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        models = run(row, case, network)
    spent = {"cpu_seconds": time.process_time() - cpu, "seconds": time.perf_counter() - began}
    return {key: f"{value:.5g}" for key, value in (scores(case, models) | spent).items()}


def make_tables(lines: list[dict], first: int) -> list:
    """Tables of the cases from a number on."""
    lines = [line for line in lines if int(line["case"]) >= first]
    unseen = [line for line in lines if line["set"] == "unseen"]
    outside = [line for line in lines if line["set"] != "unseen"]
    return [finetuned_tables.means(unseen), finetuned_tables.shares(unseen), finetuned_tables.each(outside)]


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--models", type=int, default=200, help="cases of each set and kind")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="'unseen' if not given")
    parser.add_argument("--sharing", nargs="*", choices=SHARING, default=list(SHARING))
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS[:-1]))
    parser.add_argument("--weights", type=Path, help="weights of the network; those of the package if not given")
    parser.add_argument("--untrained", action="store_true", help="use an untrained network")
    parser.add_argument("--cases", type=Path, default=Path("output/finetuned.csv"), help="file of cases, continued")
    parser.add_argument("--tables", type=Path, nargs="+", metavar="CSV", help="make tables of these; nothing runs")
    parser.add_argument("--from-case", type=int, default=0, help="tables of cases from this number on")
    options = parser.parse_args()
    options.sets = options.sets or ["unseen"]
    console = Console(width=160)
    if not options.tables:
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        logging.getLogger("SimPEG").setLevel(logging.ERROR)
        network = GravMagUNet().eval() if options.untrained else GravMagUNet.from_pretrained(options.weights)
        run_cases(options, network, console)
    lines = [line for path in options.tables or [options.cases] for line in read(path)]
    tables = make_tables(lines, options.from_case)
    for table in tables:
        if table.rows:
            console.print(table.rich())
    results.store(options, *tables)


if __name__ == "__main__":
    main()
