"""Engines of gravity and magnetics compared with SimPEG's: agreement, building, products and memory.

    python -m benchmarks.engines.engines [--only agreement adjoint build product toeplitz] [--rounds 5] [--device cuda]

Every ratio compares times of one run on one machine: SimPEG's geoana and choclo on the processor, with as many threads
as the run has, and ours on ``--device``. Times are medians over rounds, after a warm-up in which choclo compiles. Of
SimPEG's matrices only a part of the rows is built, and the time is extrapolated; the table says how many. Parts that
need choclo are left out where it is not installed, and the table says so. The target speeds of build and product are
for a GPU.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
import torch
from discretize import TensorMesh, TreeMesh
from rich.console import Console
from simpeg import maps
from simpeg.potential_fields import gravity as simpeg_gravity
from simpeg.potential_fields import magnetics as simpeg_magnetics

from benchmarks._common import results
from simpeg_jointdl.potential_fields import gravity, magnetics

GRAVITY = ["gx", "gy", "gz", "gxx", "gxy", "gxz", "gyy", "gyz", "gzz", "guv"]
MAGNETICS = ["tmi", "bx", "by", "bz", "bxx", "bxy", "bxz", "byy", "byz", "bzz", "tmi_x", "tmi_y", "tmi_z"]
AGREEMENT = 1e-8
ADJOINT = {np.float64: 1e-12, np.float32: 1e-5}
BUILD, BANDWIDTH = 100.0, 0.8
TOEPLITZ = {"product": 5.0, "memory": 1000.0, "build": 100.0}


def simulation(module, mesh, locations, components, active=None, **options):
    """A simulation of gravity or magnetics, SimPEG's or ours, that takes the properties of the active cells."""
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
    """Wait until an accelerator has done what was queued."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def clock(function, rounds: int, device="cpu", warm=True) -> float:
    """Median seconds of a call, after one call that is not counted."""
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


def cases():
    """Name, mesh, active cells and stations; off the planes of nodes, where SimPEG's engines differ by convention."""
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
    """Names of our engines that can serve a case."""
    return ("dense", "blocked") if name.startswith("tree") else ("dense", "blocked", "toeplitz")


def matrix(one, engine, n_columns) -> np.ndarray:
    """The matrix of one of our simulations, made of its products."""
    if engine == "dense":
        return np.asarray(one.G)
    held = one.sensitivities
    unit = torch.eye(n_columns, dtype=held.dtype, device=held.device)
    return torch.stack([held.forward(column) for column in unit], dim=1).cpu().numpy()


def agreement(options):
    """Every component on every mesh, against both engines of SimPEG."""
    kinds = ["geoana", *(["choclo"] if simpeg_gravity.simulation.choclo is not None else [])]
    worst = {}
    for case, mesh, active, stations in cases():
        for theirs, ours, components in ((simpeg_gravity, gravity, GRAVITY), (simpeg_magnetics, magnetics, MAGNETICS)):
            # one location at a time for blocks of hundreds of columns is slow; a few see every cell
            shared = (mesh, stations[::5], components, active)
            n_columns, n = int(active.sum()), len(components)
            truths = {
                k: simulation(theirs, *shared, engine=k, sensitivity_dtype=np.float64).G.reshape(-1, n, n_columns)
                for k in kinds
            }
            for engine in engines_of(case):
                mine = simulation(ours, *shared, engine=engine, device=options.device, sensitivity_dtype=np.float64)
                found = matrix(mine, engine, n_columns).reshape(-1, n, n_columns)
                for kind, truth in truths.items():
                    errors = np.abs(found - truth).max(axis=(0, 2)) / np.abs(truth).max(axis=(0, 2))
                    place = int(errors.argmax())
                    key = (kind, engine)
                    worst[key] = max(worst.get(key, (0.0, "")), (errors[place], f"{components[place]}, {case}"))
    table = results.Table(
        "agreement",
        "Agreement with SimPEG's matrices, float64, worst of all components",
        {"largest difference / largest value": results.Column("{:.1e}", AGREEMENT), "where": ""},
        note=f"Limit: {AGREEMENT:g}. Tensor and tree meshes, with and without topography."
        + ("" if "choclo" in kinds else " choclo is not installed."),
        heading="engine",
    )
    for (kind, engine), (error, where) in worst.items():
        table.add_row(f"{engine}, {kind}", error, where)
    return table


def adjoint(options):
    """⟨G u, v⟩ = ⟨u, Gᵀ v⟩, relative to the lengths of both sides."""
    table = results.Table(
        "adjoint",
        "Adjoint identity, worst of all components and meshes",
        {"relative difference": "{:.1e}", "limit": "{:g}", "where": ""},
        heading="engine",
    )
    rng = np.random.default_rng(0)
    for kind, limit in ADJOINT.items():
        for engine in ("dense", "blocked", "toeplitz"):
            worst = (0.0, "")
            for case, mesh, active, stations in cases():
                if engine not in engines_of(case):
                    continue
                for ours, components in ((gravity, GRAVITY), (magnetics, MAGNETICS)):
                    one = simulation(ours, mesh, stations, components, active, engine=engine, device=options.device,
                                     sensitivity_dtype=kind)  # fmt: skip
                    u, v = rng.standard_normal(one.nC), rng.standard_normal(one.survey.nD)
                    forward, back = one.Jvec(u, u), one.Jtvec(u, v)
                    error = abs(forward @ v - u @ back) / (np.linalg.norm(forward) * np.linalg.norm(v))
                    worst = max(worst, (error, case))
            table.add_row(f"{engine}, {kind.__name__}", worst[0], limit, worst[1])
    return table


def big(options):
    """Mesh and stations of the Toeplitz table, or a small version of them."""
    n = 16 if options.small else 64
    return TensorMesh([[50.0] * n, [50.0] * n, [25.0] * (n // 2)], origin="CCN"), grid(n, n, 50.0)


def build(options):
    """A dense matrix of float32 against choclo with all threads."""
    table = results.Table(
        "build",
        "Building a dense float32 matrix",
        {"times faster than choclo": "{:.1f}", "ours, s": "{:.3f}", "choclo, s": "{:.2f}", "size": ""},
        note=f"Target on a GPU: {BUILD:g} times faster.",
        heading="component",
    )
    mesh, stations = big(options)
    gpu = torch.device(options.device).type == "cuda"
    stations = stations if gpu or options.small else stations[:: len(stations) // 128]
    if simpeg_gravity.simulation.choclo is None:
        table.add_row("left out: choclo is not installed", None, None, None, None)
        return table
    for ours, theirs, component in ((gravity, simpeg_gravity, "gz"), (magnetics, simpeg_magnetics, "tmi")):
        slow, fast = _build_seconds(ours, theirs, (mesh, stations, component), options)
        table.add_row(component, slow / fast, fast, slow, f"{len(stations)} × {mesh.n_cells}")
    return table


def _build_seconds(ours, theirs, shared, options):
    """Seconds for choclo's matrix and for ours, both in float32."""
    mesh, stations, component = shared
    simulation(theirs, mesh, stations[:2], component, engine="choclo").G  # noqa: B018, compiles
    slow = clock(lambda: simulation(theirs, *shared, engine="choclo").G, 1, warm=False)
    own = {"engine": "dense", "device": options.device}
    return slow, clock(lambda: simulation(ours, *shared, **own).sensitivities, options.rounds, options.device)


def product(options):
    """Bytes of a dense matrix per second of its product, against those of a copy, read and written."""
    table = results.Table(
        "product",
        "Products with a dense matrix",
        {"of copy bandwidth": "{:.0%}", "GB/s": "{:.1f}", "copy, GB/s": "{:.1f}", "matrix, GB": "{:.2f}"},
        note=f"Target on a GPU: {BANDWIDTH:.0%} of the bandwidth of a copy.",
        heading="product",
    )
    mesh, stations = big(options)
    gpu = torch.device(options.device).type == "cuda"
    stations = stations if gpu else stations[::8]
    for kind in (np.float32, np.float64):
        own = {"engine": "dense", "device": options.device, "sensitivity_dtype": kind}
        held = simulation(gravity, mesh, stations, "gz", **own).sensitivities
        copy, speeds = _bandwidths(held, options)
        for name, speed in speeds.items():
            table.add_row(f"{name}, {kind.__name__}", speed / copy, speed / 1e9, copy / 1e9, held.n_bytes / 1e9)
    return table


def _bandwidths(held, options):
    """Bytes per second of a copy (read and written) and of both products."""
    model = torch.ones(held.shape[1], dtype=held.dtype, device=held.device)
    data = torch.ones(held.shape[0], dtype=held.dtype, device=held.device)
    target = torch.empty_like(held.matrix)
    copy = 2 * held.n_bytes / clock(lambda: target.copy_(held.matrix), options.rounds, options.device)
    calls = {"G m": lambda: held.forward(model), "Gᵀ d": lambda: held.adjoint(data)}
    return copy, {name: held.n_bytes / clock(call, options.rounds, options.device) for name, call in calls.items()}


def toeplitz(options):
    """Kernels against SimPEG's stored float32 matrix."""
    mesh, stations = big(options)
    share = max(1, len(stations) // 64)
    own = {"engine": "toeplitz", "device": options.device}
    ours = simulation(gravity, mesh, stations, "gz", **own)
    table = results.Table(
        "toeplitz",
        f"Toeplitz engine compared with SimPEG's stored float32 matrix, {len(stations)} data, {mesh.n_cells} cells",
        {"times better": "{:.1f}", "target": "{:g}", "ours": "{:.3g}", "SimPEG": "{:.4g}", "unit": ""},
        note=f"SimPEG's build times are extrapolated from 1 row in {share}.",
        heading="quantity",
    )
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
        table.add_row(f"build, {kind}", slow / built, TOEPLITZ["build"], built, slow, "s")
    return table


def _toeplitz_products(ours, options, table):
    rng = np.random.default_rng(0)
    held = ours.sensitivities
    G = rng.standard_normal(held.shape, dtype=np.float32)  # its values do not matter to the time
    m, d = rng.standard_normal(held.shape[1]), rng.standard_normal(held.shape[0])
    low, back = m.astype(np.float32), d.astype(np.float32)  # as SimPEG's Jvec and Jtvec convert them
    pairs = {
        "G m": (lambda: G @ low, lambda: ours.Jvec(m, m)),
        "Gᵀ d": (lambda: G.T @ back, lambda: ours.Jtvec(m, d)),
    }
    for name, (theirs, mine) in pairs.items():
        slow, fast = clock(theirs, options.rounds), clock(mine, 4 * options.rounds, options.device)
        table.add_row(name, slow / fast, TOEPLITZ["product"], 1e3 * fast, 1e3 * slow, "ms")
    sizes = held.n_bytes / 2**20, G.nbytes / 2**20
    table.add_row("memory", sizes[1] / sizes[0], TOEPLITZ["memory"], *sizes, "MiB")


PARTS = {"agreement": agreement, "adjoint": adjoint, "build": build, "product": product, "toeplitz": toeplitz}


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--only", nargs="*", choices=tuple(PARTS), default=tuple(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--small", action="store_true", help="16 x 16 receivers and cells, to see that it runs")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    console = Console(width=150)
    for part in options.only:
        began = time.perf_counter()
        table = PARTS[part](options)
        console.log(f"{part}: {time.perf_counter() - began:.0f} s")
        console.print(table.rich())
        results.store(options, table)


if __name__ == "__main__":
    main()
