"""Tables of the lines that ``learned/finetuned.py`` writes, one line per case and row."""

from __future__ import annotations

import numpy as np

from benchmarks._common.gravmag_cases import PROPERTIES
from benchmarks._common.results import Table

COMPARED = ("prediction", "fine-tuned", "warm-started", "separate")  # means over the cases that all of these have
EXTRA = ("joint", "retrained")  # means over the cases that each of these has
# the median of R², because a truth that hardly varies makes it any negative number
PAIRS = {"rms": (np.mean, 3), "r2": (np.median, 2), "iou": (np.mean, 2), "chi": (np.median, 2)}


def grouped(lines: list[dict]) -> dict:
    """Lines by set and sharing, by row, and by case, in their order."""
    groups: dict = {}
    for line in lines:
        rows = groups.setdefault((line["set"], line["sharing"]), {})
        rows.setdefault(line["row"], {})[int(line["case"])] = line
    return groups


def in_common(rows: dict) -> list[int]:
    """Cases for which all compared rows that exist have a line."""
    some = [set(rows[row]) for row in COMPARED if row in rows]
    return sorted(set.intersection(*some)) if some else []


def values(rows: dict, row: str, score: str, cases: list[int]) -> np.ndarray:
    """A score of both properties, (cases, 2)."""
    return np.array([[float(rows[row][case][f"{score}_{name}"]) for name in PROPERTIES] for case in cases])


def means(lines: list[dict]) -> Table:
    """Every score of every row: means over the cases; medians of R², χ and seconds."""
    table = Table(
        "unseen models",
        "Unseen models: errors relative to the zero model; means, of R², χ and seconds medians",
        {
            "rms ρ, κ": "{:.3f}, {:.3f}",
            "R² ρ, κ": "{:.2f}, {:.2f}",
            "IoU ρ, κ": "{:.2f}, {:.2f}",
            "χ gravity, magnetics": "{:.2f}, {:.2f}",
            "cross-gradient": "{:.3f}",
            "CPU s": "{:.2g}",
        },
        heading="shared structure (models), inversion",
    )
    for (which, sharing), rows in grouped(lines).items():
        common = in_common(rows)
        group = f"{'' if which == 'unseen' else which + ', '}{sharing}"
        for row in COMPARED:
            if row in rows and common:
                table.add_row(f"{group} ({len(common)}), {row}", *_scores(rows, row, common))
        for row in EXTRA:
            own = sorted(set(rows.get(row, ())) & set(rows.get("separate", ())))
            if own:
                beside = ", ".join(f"{one:.3f}" for one in values(rows, "separate", "rms", own).mean(0))
                table.add_row(f"{group} ({len(own)}), {row} (separate {beside})", *_scores(rows, row, own))
    return table


def _scores(rows, row, cases) -> list:
    found = [kind(values(rows, row, score, cases), axis=0) for score, (kind, _) in PAIRS.items()]
    found.append(np.mean([float(rows[row][case]["cross_gradient"]) for case in cases]))
    return [*found, np.median([float(rows[row][case]["cpu_seconds"]) for case in cases])]


def shares(lines: list[dict], chosen=("fine-tuned", "warm-started")) -> Table:
    """For how many cases a row fits the data, and is nearer to the truth than others, by kind of sharing and in all."""
    kinds = list(dict.fromkeys(line["sharing"] for line in lines))
    table = Table(
        "shares",
        "Part of the unseen models for which a statement holds",
        dict.fromkeys(kinds, "{:.0%}") | {"all": "{:.0%} ({:.0f} of {:.0f})"},
        heading="statement",
    )
    for row in chosen:
        groups = {key: rows for key, rows in grouped(lines).items() if row in rows and in_common(rows)}
        if not groups:
            continue
        for name, test in _tests(row, set.intersection(*map(set, groups.values()))).items():
            found = {key[1]: test(rows, in_common(rows)) for key, rows in groups.items()}
            every = np.concatenate(list(found.values()))
            parts = [found[kind].mean() if kind in found else None for kind in kinds]
            table.add_row(f"{row}: {name}", *parts, (every.mean(), every.sum(), len(every)))
    return table


def _tests(row, others) -> dict:
    """What is counted: functions that say for each case whether a statement holds."""

    def fits(rows, cases):
        chi = values(rows, row, "chi", cases)
        return ((chi >= 0.9) & (chi <= 1.1)).all(1)

    def nearer(rows, cases, other, which=slice(None), slack=1.0):
        return (values(rows, row, "rms", cases) < slack * values(rows, other, "rms", cases))[:, which].all(1)

    tests = {"both χ between 0.9 and 1.1": fits}
    if "prediction" in others:
        tests["both properties nearer to the truth than the prediction"] = lambda r, c: nearer(r, c, "prediction")
        tests["both at most 0.1 % farther than the prediction"] = lambda r, c: nearer(r, c, "prediction", slack=1.001)
    if "separate" in others:
        for i, name in enumerate(PROPERTIES):
            tests[f"{name} nearer than separate"] = lambda r, c, i=i: nearer(r, c, "separate", which=[i])
    return tests


def each(lines: list[dict]) -> Table:
    """Case by case: errors of each row, and χ of those that start from the prediction."""
    table = Table(
        "outside the training",
        "Models outside the training, one each: rms of ρ and κ relative to the zero model",
        {
            "prediction": "{:.3f}, {:.3f}",
            "χ of the prediction": "{:.3g}, {:.3g}",
            "fine-tuned": "{:.3f}, {:.3f}",
            "χ of fine-tuned": "{:.3g}, {:.3g}",
            "separate": "{:.3f}, {:.3f}",
        },
        heading="problem",
    )
    for (which, sharing), rows in grouped(lines).items():
        for case in in_common(rows) if set(COMPARED[:2]) <= set(rows) else ():
            cells = [values(rows, row, score, [case])[0] for row in COMPARED[:2] for score in ("rms", "chi")]
            separate = values(rows, "separate", "rms", [case])[0] if "separate" in rows else None
            table.add_row(f"{which}, {sharing}, {case}", *cells, separate)
    return table
