"""A trained network of gravity and magnetics against inversions, and what becomes of it when it is fitted to the data.

    python tests/benchmarks/finetuned.py --models 200 --output output/finetuned.csv     # runs on from where it was
    python tests/benchmarks/finetuned.py --models 0 --output output/finetuned.csv       # tables of what there is
    python tests/benchmarks/finetuned.py --models 0 --rows prediction separate ...      # of cases that these rows share
    python tests/benchmarks/finetuned.py --set two_bodies --set camp_blocks --set noise --models 20

Rows: the network's prediction; fine-tuned (`create_finetuned_inversion`, over its weights); warm-started (the same,
over cells, smooth); separate (`create_joint_inversion`, sparse norms, no coupling), and joint (the same with the
cross-gradient). Only if asked for by ``--rows``: retrained (three rounds of warm-started, the network learning from
each). One line of the CSV per case and row. Errors are relative to the rms of the truth; bodies are
the cells above half of the largest value; the cross-gradient is of models divided by the rms of the truth.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps

from simpeg_jointdl import recipes, regularization
from simpeg_jointdl.maps._gravmag import between_meshes
from simpeg_jointdl.networks import GravMagUNet

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks._finetuned_cases import PROPERTIES, SETS, make_case

SHARING = ("whole", "partly", "none")
SPARSE = (0, 1, 1, 1)
ROWS = ("prediction", "fine-tuned", "warm-started", "separate", "joint", "retrained")
SCORES = ("rms", "r2", "iou", "chi")
FIELDS = [
    "set", "sharing", "case", "row", *(f"{score}_{name}" for score in SCORES for name in PROPERTIES),
    "cross_gradient", "cpu_seconds", "seconds",
]  # fmt: skip


def run_prediction(case, network):
    """What the network says, on the simulations' mesh."""
    found = network.predict(*case.data)
    transfer, _ = between_meshes(found.mesh, case.mesh, np.ones(case.mesh.n_cells, dtype=bool))
    return {name: transfer @ getattr(found, name) for name in PROPERTIES}


def run_tuned(case, network, **options):
    """A fine-tuned inversion."""
    recipe = recipes.create_finetuned_inversion(
        case.data, case.simulations, network=network, dtype="float32", progress=False, **options
    )
    return recipe.run()


def run_joint(case, **options):
    """An inversion over cells from nothing."""
    n = case.mesh.n_cells
    wires = maps.Wires(*((name, n) for name in PROPERTIES))
    views = [
        recipes._inr.looking_through(one, key, getattr(wires, name))
        for one, key, name in zip(case.simulations, ("rhoMap", "chiMap"), PROPERTIES, strict=True)
    ]
    misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(case.data, views, strict=True)]
    bounds = {"susceptibility": (0.0, np.inf)}
    recipe = recipes.create_joint_inversion(
        case.mesh, misfits, wires, bounds=bounds, norms=SPARSE, progress=False, **options
    )
    return recipe.run()


def run(row: str, case, network) -> dict:
    """Models of a row."""
    if row == "prediction":
        return run_prediction(case, network)
    if row == "fine-tuned":
        return run_tuned(case, network)
    if row == "warm-started":
        return run_tuned(case, network, mode="mesh")
    if row == "retrained":
        return run_tuned(case, network, mode="retrain")
    if row == "separate":
        return run_joint(case, strategy="separate")
    return run_joint(case, couplings=regularization.CrossGradient)


def scores(case, models: dict) -> dict:
    """All numbers of a line."""
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
    """Lines that there are."""
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def run_cases(options, network, console):
    """All cases that are not in the file yet, one line at a time."""
    done = {(one["set"], one["sharing"], one["case"], one["row"]) for one in read(options.output)}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    is_new = not options.output.exists()
    with options.output.open("a", newline="") as file:
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
    """Run and score."""
    began, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        models = run(row, case, network)
    spent = {"cpu_seconds": time.process_time() - cpu, "seconds": time.perf_counter() - began}
    return {key: f"{value:.5g}" for key, value in (scores(case, models) | spent).items()}


def tables(lines: list[dict], rows: list[str], console):
    """Of cases that all these rows have: means per set and kind of sharing, and the shares that the issue asks for."""
    groups = sorted(
        {(one["set"], one["sharing"]) for one in lines}, key=lambda g: (SETS.index(g[0]), SHARING.index(g[1]))
    )
    for group in groups:
        own = [one for one in lines if (one["set"], one["sharing"]) == group]
        by_row = {row: {one["case"]: one for one in own if one["row"] == row} for row in rows}
        common = set.intersection(*(set(some) for some in by_row.values() if some))
        if not common:
            continue
        table = Table(title=f"{group[0]}, {group[1]}: {len(common)} cases; mean, of χ and seconds the median")
        for head in ("", "rms ρ", "rms κ", "R² ρ", "R² κ", "IoU ρ", "IoU κ", "χ g", "χ m", "cross-gr.", "cpu s", "s"):
            table.add_column(head, justify="right" if head else "left")
        for row, some in by_row.items():
            if some:
                values = np.array([[float(some[case][key]) for key in FIELDS[4:]] for case in sorted(common)])
                middle = np.where(
                    [key[:3] in ("chi", "cpu", "sec") for key in FIELDS[4:]], np.median(values, 0), values.mean(0)
                )
                table.add_row(row, *(f"{value:.3g}" for value in middle))
        console.print(table)
        for row in ("fine-tuned", "warm-started"):
            if by_row.get(row):
                console.print(f"  {row}: " + shares(by_row, row, sorted(common)))


def shares(by_row: dict, row: str, cases: list[str]) -> str:
    """Of cases, in per cent."""

    def values(of, score):
        return np.array([[float(by_row[of][case][f"{score}_{name}"]) for name in PROPERTIES] for case in cases])

    chi, rms = values(row, "chi"), values(row, "rms")
    told = [f"both χ in [0.9, 1.1] {100 * ((chi >= 0.9) & (chi <= 1.1)).all(1).mean():.0f} %"]
    for other in ("prediction", "separate"):
        if by_row.get(other):
            less = rms < values(other, "rms")
            told.append(
                f"better than {other}: both {100 * less.all(1).mean():.0f} %, density {100 * less[:, 0].mean():.0f} %, "
                f"susceptibility {100 * less[:, 1].mean():.0f} %, both at most 0.1 % worse "
                f"{100 * (rms < 1.001 * values(other, 'rms')).all(1).mean():.0f} %"
            )
    return "; ".join(told)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=200, help="cases of each set and kind; 0 for the tables alone")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS, help="'unseen' if not given")
    parser.add_argument("--sharing", nargs="*", choices=SHARING, default=list(SHARING))
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS[:-1]))
    parser.add_argument("--weights", type=Path, help="of the network; those that come with the package if not given")
    parser.add_argument("--untrained", action="store_true", help="the network as it is made: its estimate alone")
    parser.add_argument("--output", type=Path, default=Path("output/finetuned.csv"))
    options = parser.parse_args()
    options.sets = options.sets or ["unseen"]
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.getLogger("SimPEG").setLevel(logging.ERROR)
    console = Console(width=160)
    if options.models:
        network = GravMagUNet().eval() if options.untrained else GravMagUNet.from_pretrained(options.weights)
        run_cases(options, network, console)
    tables(read(options.output), options.rows, console)


if __name__ == "__main__":
    main()
