"""Engines of gravity and magnetics against SimPEG's: agreement, building, products, memory.

    python -m benchmarks.engines.engines [--only agreement adjoint build product toeplitz] [--rounds 5] [--device cuda]

Every ratio is of times measured in one run on one machine: SimPEG's geoana and choclo on its processor, with as many
threads as the run has; ours on ``--device``. Times are medians over rounds, after a warm-up in which choclo compiles.
SimPEG's geoana builds a share of its rows, the time of which is multiplied up; the table says which share. What needs
a GPU, or choclo, is left out without one, and the table says so.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh
from rich.console import Console
from rich.table import Table
from simpeg import maps
from simpeg.potential_fields import gravity as simpeg_gravity
from simpeg.potential_fields import magnetics as simpeg_magnetics

from simpeg_jointdl.potential_fields import gravity, magnetics

GRAVITY = ["gx", "gy", "gz", "gxx", "gxy", "gxz", "gyy", "gyz", "gzz", "guv"]
MAGNETICS = ["tmi", "bx", "by", "bz", "bxx", "bxy", "bxz", "byy", "byz", "bzz", "tmi_x", "tmi_y", "tmi_z"]
AGREEMENT = 1e-8
ADJOINT = {np.float64: 1e-12, np.float32: 1e-5}
BUILD, BANDWIDTH = 100.0, 0.8
TOEPLITZ = {"product": 5.0, "memory": 1000.0, "build": 100.0}


def simulation(module, mesh, locations, components, active=None, **options):
    """Gravity or magnetics, SimPEG's or ours, of the properties of the active cells."""
    n = mesh.n_cells if active is None else int(active.sum())
    is_gravity = module in (gravity, simpeg_gravity)
    if is_gravity:
        points = simpeg_gravity.receivers.Point(locations, components=components)
        survey = simpeg_gravity.Survey(simpeg_gravity.SourceField([points]))
    else:
        points = simpeg_magnetics.receivers.Point(locations, components=components)
        survey = simpeg_magnetics.Survey(simpeg_magnetics.UniformBackgroundField([points], 50_000.0, 60.0, 5.0))
    options["rhoMap" if is_gravity else "chiMap"] = maps.IdentityMap(nP=n)
    return module.Simulation3DIntegral(mesh, survey=survey, active_cells=active, **options)


def wait(device):
    """For an accelerator's queue."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def clock(function, rounds: int, device="cpu", warm=True) -> float:
    """Median seconds of a call, after one that is not counted."""
    seconds = []
    for _ in range(rounds + warm):
        wait(device)
        began = time.perf_counter()
        result = function()
        wait(device)
        seconds.append(time.perf_counter() - began)
        del result
    return float(np.median(seconds[warm:]))


def grid(n_x, n_y, spacing, height=20.0):
    """Stations around x = y = 0, (n_x n_y, 3), x fastest."""
    along_x, along_y = ((np.arange(n) - (n - 1) / 2) * spacing for n in (n_x, n_y))
    x, y = np.meshgrid(along_x, along_y)
    return np.column_stack([x.ravel(), y.ravel(), np.full(x.size, height)])


def grounds():
    """Name -> mesh, active cells, stations off the planes of nodes, where SimPEG's engines differ by convention."""
    mesh = TensorMesh([[100.0] * 10, [80.0] * 9, [50.0] * 6], origin="CCN")
    stations = grid(7, 6, 100.0) + np.array([13.0, 7.0, 0.0])
    hills = 100.0 * np.sin(mesh.cell_centers[:, 0] / 200.0) - 80.0
    yield "tensor", mesh, np.ones(mesh.n_cells, dtype=bool), stations
    yield "tensor, topography", mesh, mesh.cell_centers[:, 2] < hills, stations + np.array([0.0, 0.0, 30.0])
    tree = TreeMesh([[50.0] * 16] * 3, origin="CCN")
    tree.refine_points(np.array([[0.0, 0.0, -100.0]]), padding_cells_by_level=[2, 2, 1], finalize=True)
    hills = 100.0 * np.sin(tree.cell_centers[:, 0] / 200.0) - 80.0
    yield "tree, topography", tree, tree.cell_centers[:, 2] < hills, stations
    yield "tree", tree, np.ones(tree.n_cells, dtype=bool), stations


def engines_of(name):
    """Ours that can serve a ground."""
    return ("dense", "blocked") if name.startswith("tree") else ("dense", "blocked", "toeplitz")


def matrix(one, engine, n_columns) -> np.ndarray:
    """The matrix of a simulation of ours, as its products have it."""
    if engine == "dense":
        return np.asarray(one.G)
    held = one.sensitivities
    unit = torch.eye(n_columns, dtype=held.dtype, device=held.device)
    return torch.stack([held.forward(column) for column in unit], dim=1).cpu().numpy()


def agreement(options, table):
    """Every component on every ground, against both engines of SimPEG."""
    kinds = ["geoana", *(["choclo"] if simpeg_gravity.simulation.choclo is not None else [])]
    worst = {}
    for ground, mesh, active, stations in grounds():
        for theirs, ours, components in ((simpeg_gravity, gravity, GRAVITY), (simpeg_magnetics, magnetics, MAGNETICS)):
            # one location at a time for blocks of hundreds of columns is slow; a few see every cell
            shared = (mesh, stations[::5], components, active)
            n_columns, n = int(active.sum()), len(components)
            truths = {
                k: simulation(theirs, *shared, engine=k, sensitivity_dtype=np.float64).G.reshape(-1, n, n_columns)
                for k in kinds
            }
            for engine in engines_of(ground):
                mine = simulation(ours, *shared, engine=engine, device=options.device, sensitivity_dtype=np.float64)
                found = matrix(mine, engine, n_columns).reshape(-1, n, n_columns)
                for kind, truth in truths.items():
                    errors = np.abs(found - truth).max(axis=(0, 2)) / np.abs(truth).max(axis=(0, 2))
                    place = int(errors.argmax())
                    key = (kind, engine)
                    worst[key] = max(worst.get(key, (0.0, "")), (errors[place], f"{components[place]}, {ground}"))
    for (kind, engine), (error, where) in worst.items():
        add(table, f"agreement of {engine} with {kind}, worst of all components", f"{AGREEMENT:g}", f"{error:.1e}",
            error <= AGREEMENT, where)  # fmt: skip
    if "choclo" not in kinds:
        add(table, "agreement with choclo", f"{AGREEMENT:g}", "left out", None, "choclo is not installed")


def adjoint(options, table):
    """⟨G u, v⟩ = ⟨u, Gᵀ v⟩, relative to the lengths of both sides."""
    rng = np.random.default_rng(0)
    for kind, limit in ADJOINT.items():
        for engine in ("dense", "blocked", "toeplitz"):
            worst = (0.0, "")
            for ground, mesh, active, stations in grounds():
                if engine not in engines_of(ground):
                    continue
                for ours, components in ((gravity, GRAVITY), (magnetics, MAGNETICS)):
                    one = simulation(ours, mesh, stations, components, active, engine=engine, device=options.device,
                                     sensitivity_dtype=kind)  # fmt: skip
                    u, v = rng.standard_normal(one.nC), rng.standard_normal(one.survey.nD)
                    forward, back = one.Jvec(u, u), one.Jtvec(u, v)
                    error = abs(forward @ v - u @ back) / (np.linalg.norm(forward) * np.linalg.norm(v))
                    worst = max(worst, (error, ground))
            add(table, f"adjoint identity, {engine}, {kind.__name__}", f"{limit:g}", f"{worst[0]:.1e}",
                worst[0] <= limit, worst[1])  # fmt: skip


def big(options):
    """The geometry of the table's Toeplitz row, or a small one."""
    n = 16 if options.small else 64
    return TensorMesh([[50.0] * n, [50.0] * n, [25.0] * (n // 2)], origin="CCN"), grid(n, n, 50.0)


def build(options, table):
    """A dense matrix of float32 against choclo with all threads."""
    mesh, stations = big(options)
    gpu = torch.device(options.device).type == "cuda"
    stations = stations if gpu or options.small else stations[:: len(stations) // 128]
    if simpeg_gravity.simulation.choclo is None:
        add(table, "dense, build, against choclo", f"{BUILD:g} x", "left out", None, "choclo is not installed")
        return
    for ours, theirs, component in ((gravity, simpeg_gravity, "gz"), (magnetics, simpeg_magnetics, "tmi")):
        slow, fast = _build_seconds(ours, theirs, (mesh, stations, component), options)
        cores = len(os.sched_getaffinity(0))
        note = f"{len(stations)} x {mesh.n_cells}; {fast:.3f} s, choclo {slow:.2f} s on {cores} core(s)"
        add(table, f"dense, build of {component}, against choclo", f"{BUILD:g} x" if gpu else "none on a CPU",
            f"{slow / fast:.1f} x", slow / fast >= BUILD if gpu else None, note)  # fmt: skip


def _build_seconds(ours, theirs, shared, options):
    """Of choclo's matrix and of ours, both in float32."""
    mesh, stations, component = shared
    simulation(theirs, mesh, stations[:2], component, engine="choclo").G  # noqa: B018, compiles
    slow = clock(lambda: simulation(theirs, *shared, engine="choclo").G, 1, warm=False)
    own = {"engine": "dense", "device": options.device}
    return slow, clock(lambda: simulation(ours, *shared, **own).sensitivities, options.rounds, options.device)


def product(options, table):
    """Bytes of a dense matrix per second of its product, against those of a copy, read and written."""
    mesh, stations = big(options)
    gpu = torch.device(options.device).type == "cuda"
    stations = stations if gpu else stations[::8]
    for kind in (np.float32, np.float64):
        own = {"engine": "dense", "device": options.device, "sensitivity_dtype": kind}
        held = simulation(gravity, mesh, stations, "gz", **own).sensitivities
        copy, speeds = _bandwidths(held, options)
        for name, speed in speeds.items():
            note = f"{speed / 1e9:.1f} of {copy / 1e9:.1f} GB/s, {held.n_bytes / 1e9:.2f} GB"
            add(table, f"dense, {name} of {kind.__name__}, of copy bandwidth",
                f"{100 * BANDWIDTH:g} %" if gpu else "none on a CPU", f"{100 * speed / copy:.0f} %",
                speed >= BANDWIDTH * copy if gpu else None, note)  # fmt: skip


def _bandwidths(held, options):
    """Bytes per second of a copy, read and written, and of both products."""
    model = torch.ones(held.shape[1], dtype=held.dtype, device=held.device)
    data = torch.ones(held.shape[0], dtype=held.dtype, device=held.device)
    target = torch.empty_like(held.matrix)
    copy = 2 * held.n_bytes / clock(lambda: target.copy_(held.matrix), options.rounds, options.device)
    calls = {"G m": lambda: held.forward(model), "Gᵀ d": lambda: held.adjoint(data)}
    return copy, {name: held.n_bytes / clock(call, options.rounds, options.device) for name, call in calls.items()}


def toeplitz(options, table):
    """Kernels against SimPEG's stored float32 matrix."""
    mesh, stations = big(options)
    share = max(1, len(stations) // 64)
    own = {"engine": "toeplitz", "device": options.device}
    ours = simulation(gravity, mesh, stations, "gz", **own)
    _toeplitz_products(ours, options, table)
    built = clock(
        lambda: simulation(gravity, mesh, stations, "gz", **own).sensitivities, options.rounds, options.device
    )
    kinds = ["geoana", *(["choclo"] if simpeg_gravity.simulation.choclo is not None else [])]
    seconds = {}
    for kind in kinds * 2:  # the second time replaces the first, in which choclo compiles
        few = simulation(simpeg_gravity, mesh, stations[::share], "gz", engine=kind)
        began = time.perf_counter()
        few.G  # noqa: B018
        seconds[kind] = (time.perf_counter() - began) * len(stations) / few.survey.nD
    for kind, slow in seconds.items():
        mark = ", the faster" if slow == min(seconds.values()) else ""
        add(table, f"toeplitz, build, against {kind}{mark}", f"{TOEPLITZ['build']:g} x", f"{slow / built:.0f} x",
            slow / built >= TOEPLITZ["build"], f"{1e3 * built:.0f} ms; {slow:.0f} s, of 1 row in {share}")  # fmt: skip


def _toeplitz_products(ours, options, table):
    rng = np.random.default_rng(0)
    held = ours.sensitivities
    G = rng.standard_normal(held.shape, dtype=np.float32)  # whose values do not matter to the time
    m, d = rng.standard_normal(held.shape[1]), rng.standard_normal(held.shape[0])
    low, back = m.astype(np.float32), d.astype(np.float32)  # as SimPEG's Jvec and Jtvec turn them
    pairs = {
        "G m": (lambda: G @ low, lambda: ours.Jvec(m, m)),
        "Gᵀ d": (lambda: G.T @ back, lambda: ours.Jtvec(m, d)),
    }
    where = f"{held.shape[0]} x {held.shape[1]}, {torch.get_num_threads()} thread(s)"
    for name, (theirs, mine) in pairs.items():
        slow, fast = clock(theirs, options.rounds), clock(mine, 4 * options.rounds, options.device)
        add(table, f"toeplitz, {name}, against a stored matrix", f"{TOEPLITZ['product']:g} x", f"{slow / fast:.1f} x",
            slow / fast >= TOEPLITZ["product"], f"{1e3 * fast:.2f} ms, {1e3 * slow:.0f} ms; {where}")  # fmt: skip
    ratio = G.nbytes / held.n_bytes
    add(table, "toeplitz, memory", f"{TOEPLITZ['memory']:g} x", f"{ratio:.1f} x", ratio >= TOEPLITZ["memory"],
        f"{held.n_bytes / 2**20:.2f} MiB of {G.nbytes / 2**20:.0f}")  # fmt: skip


def add(table, what, target, measured, met, note=""):
    """A row; what misses its target is red."""
    color = "" if met is None else "[green]" if met else "[red]"
    table.add_row(what, target, f"{color}{measured}", note)


PARTS = {"agreement": agreement, "adjoint": adjoint, "build": build, "product": product, "toeplitz": toeplitz}


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=tuple(PARTS), default=tuple(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--small", action="store_true", help="16 x 16 receivers and cells, to see that it runs")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    console = Console(width=180)
    name = torch.cuda.get_device_name() if torch.device(options.device).type == "cuda" else "GPU rows have no target"
    table = Table(title=f"{options.device} ({name}), {len(os.sched_getaffinity(0))} core(s), SimPEG in the same run")
    for head in ("", "target", "measured", "where; how"):
        table.add_column(head)
    for part in options.only:
        began = time.perf_counter()
        PARTS[part](options, table)
        console.log(f"{part}: {time.perf_counter() - began:.0f} s")
    console.print(table)


if __name__ == "__main__":
    main()
