"""Markdown tables of the lines that ``finetuned.py`` writes: those of the README."""

from __future__ import annotations

import numpy as np

from benchmarks._common.gravmag_cases import PROPERTIES

COMPARED = ("prediction", "fine-tuned", "warm-started", "separate")  # each mean over the cases that all of them have
EXTRA = ("joint", "retrained")  # over the cases that each has by itself
# of R² the median: of a truth that hardly varies it is any negative number
PAIRS = {"rms": (np.mean, 3), "r2": (np.median, 2), "iou": (np.mean, 2), "chi": (np.median, 2)}


def grouped(lines: list[dict]) -> dict:
    """Lines by set and sharing, row, and case; in the order in which they come."""
    groups: dict = {}
    for line in lines:
        rows = groups.setdefault((line["set"], line["sharing"]), {})
        rows.setdefault(line["row"], {})[int(line["case"])] = line
    return groups


def in_common(rows: dict) -> list[int]:
    """Cases of which all compared rows that there are have a line."""
    some = [set(rows[row]) for row in COMPARED if row in rows]
    return sorted(set.intersection(*some)) if some else []


def values(rows: dict, row: str, score: str, cases: list[int]) -> np.ndarray:
    """A score of both properties, (cases, 2)."""
    return np.array([[float(rows[row][case][f"{score}_{name}"]) for name in PROPERTIES] for case in cases])


def means(lines: list[dict]) -> str:
    """Every score of every row: means over cases, of R², χ and seconds the medians."""
    told = ["| | | rms ρ, κ | R² ρ, κ | IoU ρ, κ | χ | cross-gradient | CPU s |", "|" + "---|" * 8]
    for (which, sharing), rows in grouped(lines).items():
        common = in_common(rows)
        first = f"{'' if which == 'unseen' else which + ', '}{sharing} ({len(common)})"
        for row in COMPARED:
            if row in rows and common:
                told.append(f"| {first} | {row} | {_scores(rows, row, common)} |")
                first = ""
        for row in EXTRA:
            own = sorted(set(rows.get(row, ())) & set(rows.get("separate", ())))
            if own:
                beside = _pair(values(rows, "separate", "rms", own).mean(0), 3)
                told.append(f"| | {row} ({len(own)}; separate {beside}) | {_scores(rows, row, own)} |")
    return "\n".join(told)


def _scores(rows, row, cases) -> str:
    told = [_pair(kind(values(rows, row, score, cases), axis=0), digits) for score, (kind, digits) in PAIRS.items()]
    told.append(f"{np.mean([float(rows[row][case]['cross_gradient']) for case in cases]):.3f}")
    told.append(f"{np.median([float(rows[row][case]['cpu_seconds']) for case in cases]):.2g}")
    return " | ".join(told)


def _pair(two, digits) -> str:
    return ", ".join(f"{one:.{digits}f}" for one in two)


def shares(lines: list[dict], row: str) -> str:
    """Of how many cases a row fits the data, and is nearer to the truth than others, by kind of sharing and in all."""
    groups = {key: rows for key, rows in grouped(lines).items() if row in rows and in_common(rows)}
    if not groups:
        return ""
    told = ["| | " + " | ".join(f"{key[1]}" for key in groups) + " | all |", "|" + "---|" * (len(groups) + 2)]
    for name, test in _tests(row, set.intersection(*map(set, groups.values()))).items():
        found = [test(rows, in_common(rows)) for rows in groups.values()]
        every = np.concatenate(found)
        cells = " | ".join(f"{one.mean():.0%}".replace("%", " %") for one in [*found, every])
        told.append(f"| {row}: {name} | {cells} ({every.sum()} of {len(every)}) |")
    return "\n".join(told)


def _tests(row, others) -> dict:
    """What is counted: of all cases, whether."""

    def fits(rows, cases):
        chi = values(rows, row, "chi", cases)
        return ((chi >= 0.9) & (chi <= 1.1)).all(1)

    def nearer(rows, cases, other, which=slice(None), slack=1.0):
        return (values(rows, row, "rms", cases) < slack * values(rows, other, "rms", cases))[:, which].all(1)

    tests = {"both χ in [0.9, 1.1]": fits}
    if "prediction" in others:
        tests["both nearer to the truth than prediction"] = lambda r, c: nearer(r, c, "prediction")
        tests["both at most 0.1 % farther"] = lambda r, c: nearer(r, c, "prediction", slack=1.001)
    if "separate" in others:
        for i, name in enumerate(PROPERTIES):
            tests[f"{name} nearer than separate"] = lambda r, c, i=i: nearer(r, c, "separate", which=[i])
    return tests


def each(lines: list[dict]) -> str:
    """Case by case: errors, and χ of those that start from the prediction."""
    told = ["| | prediction | χ | fine-tuned | χ | separate |", "|" + "---|" * 6]
    for (which, sharing), rows in grouped(lines).items():
        for case in in_common(rows) if set(COMPARED[:2]) <= set(rows) else ():
            cells = [f"{which}, {sharing}, {case}"]
            for row in COMPARED[:2]:
                cells.append(_pair(values(rows, row, "rms", [case])[0], 3))
                cells.append(", ".join(f"{one:.3g}" for one in values(rows, row, "chi", [case])[0]))
            cells.append(_pair(values(rows, "separate", "rms", [case])[0], 3) if "separate" in rows else "")
            told.append(f"| {' | '.join(cells)} |")
    return "\n".join(told)
