"""Cluster centers found from the data alone, and what they are worth, on problems with one, two and three units.

    python -m benchmarks.published.find_centers                 # synthetic problems, some minutes on one core
    python -m benchmarks.published.find_centers --camp          # the published one, about a quarter of an hour

For each problem: true and found properties of the units, and which of them the data determine. Then the rms error
(weighted by volume, divided by that of the zero model) of density and susceptibility without clusters, of the bodies
that the search itself found, with clusters at the found centers started from these bodies, and with clusters at the
true centers.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from discretize import TensorMesh, TreeMesh
from rich.console import Console
from simpeg import data, data_misfit, maps
from simpeg.potential_fields import gravity, magnetics

from benchmarks._common import results
from simpeg_jointdl import recipes, regularization

# (west, east), (south, north), (top, bottom) in cells; density in g/cc; susceptibility in SI
UNITS = {
    1: [(((6, 10), (5, 11), (2, 5)), (0.3, 0.05))],
    2: [(((3, 6), (5, 11), (2, 5)), (0.4, 0.06)), (((10, 13), (5, 11), (2, 4)), (-0.3, 0.03))],
    3: [
        (((2, 6), (2, 7), (2, 4)), (0.3, 0.02)),
        (((10, 14), (3, 7), (2, 4)), (-0.3, 0.03)),
        (((5, 11), (10, 14), (2, 4)), (0.1, 0.05)),
    ],
}


def simulate(mesh, wires, locations, field):
    """Simulations of gravity and magnetics, in single precision."""
    receiver = gravity.receivers.Point(locations[0], components="gz")
    gravity_survey = gravity.survey.Survey(gravity.sources.SourceField([receiver]))
    receiver = magnetics.receivers.Point(locations[1], components="tmi")
    amplitude, inclination, declination = field
    source = magnetics.sources.UniformBackgroundField(
        [receiver], amplitude=amplitude, inclination=inclination, declination=declination
    )
    options = {"sensitivity_dtype": np.float32, "engine": "geoana"}
    return (
        gravity.Simulation3DIntegral(mesh, survey=gravity_survey, rhoMap=wires.density, **options),
        magnetics.Simulation3DIntegral(
            mesh, survey=magnetics.survey.Survey(source), chiMap=wires.susceptibility, **options
        ),
    )


def misfits_of(simulations, observed, deviations):
    """Data misfits with a constant uncertainty for each data set."""
    return [
        data_misfit.L2DataMisfit(data=data.Data(s.survey, dobs=d, standard_deviation=np.full(d.size, e)), simulation=s)
        for s, d, e in zip(simulations, observed, deviations, strict=True)
    ]


def synthetic(n_units, noise):
    """Blocks in cells of 100 m: mesh, wires, misfits, true model (2, n), centers, and the cells to compare."""
    shape, cell = (16, 16, 8), 100.0
    mesh = TensorMesh([np.full(n, cell) for n in shape], origin="CCN")
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    place = (mesh.cell_centers - mesh.origin) / cell
    place[:, 2] = shape[2] - place[:, 2]
    truth = np.zeros((2, mesh.n_cells))
    for box, values in UNITS[n_units]:
        first, last = np.array(box).T
        truth[:, ((place > first) & (place < last)).all(axis=1)] = np.array(values)[:, None]
    x = (np.arange(14) + 0.5) * 1600.0 / 14 - 800.0
    stations = np.stack(np.meshgrid(x, x, [20.0]), axis=-1).reshape(-1, 3)
    simulations = simulate(mesh, wires, (stations, stations), (50_000.0, 60.0, 5.0))
    clean = [np.asarray(s.dpred(truth.ravel()), dtype=float) for s in simulations]
    rng = np.random.default_rng(0)
    deviations = [noise * np.abs(d).max() for d in clean]
    observed = [d + e * rng.standard_normal(d.size) for d, e in zip(clean, deviations, strict=True)]
    centers = np.array([[0.0, 0.0], *(values for _, values in UNITS[n_units])])
    misfits = misfits_of(simulations, observed, deviations)
    return mesh, wires, misfits, truth, centers, np.ones(mesh.n_cells, dtype=bool)


def camp_blocks():
    """The published problem; cells of 250 m at the bodies, whose inner faces are not at multiples of 500 m."""
    folder = Path(os.environ["SIMPEG_JOINTDL_DATA"]) / "camp_blocks"
    tables = [
        np.loadtxt(folder / name, delimiter=",", skiprows=1) for name in ("gravity_small.csv", "magnetics_small.csv")
    ]
    coarse, pad = np.full(5, 1000.0), np.array([2000.0, 1000.0])
    widths = [
        np.r_[pad, coarse, 500.0, 500.0, np.full(24, 250.0), 500.0, 500.0, coarse, pad[::-1]],
        np.r_[pad, coarse, np.full(24, 500.0), coarse, pad[::-1]],
        np.r_[2000.0, 1000.0, 500.0, np.full(15, 100.0)],
    ]
    mesh = TensorMesh(widths, origin="CCN")
    wires = maps.Wires(("density", mesh.n_cells), ("susceptibility", mesh.n_cells))
    with tempfile.TemporaryDirectory() as folder_out:
        path = Path(folder_out) / "mesh.ubc"
        path.write_bytes(gzip.decompress((folder / "original/3_blocks_model/mesh_CaMP.ubc.gz").read_bytes()))
        tree = TreeMesh.read_UBC(str(path))
    models = np.load(folder / "true_models.npz")
    cells = tree.get_containing_cells(mesh.cell_centers)
    truth = np.nan_to_num(np.stack([models[k][cells] for k in ("density_gcc", "susceptibility_SI")]))
    locations = [table[:, :3] for table in tables]
    simulations = simulate(mesh, wires, locations, (55_000.0, 90.0, 0.0))
    misfits = misfits_of(simulations, (-tables[0][:, 3], tables[1][:, 3]), (0.05, 1.0))
    x, y, z = mesh.cell_centers.T
    counts = (np.abs(x) < 4000) & (np.abs(y) < 7000) & (z > -2500)
    return mesh, wires, misfits, truth, np.array([[0.0, 0.0], [-0.2, 0.15], [0.1, 0.05]]), counts


def invert(mesh, wires, misfits, centers=None, start=None, max_iterations=25):
    """Sparse models, or smooth ones with clusters; the whole model and χ."""
    options = {"norms": (0, 1, 1, 1)}
    if centers is not None:
        coupling = partial(regularization.GuidedFuzzyCMeans, centers=centers, guidance=np.inf)
        options = {"couplings": coupling, "coupling_ratios": 3.0, "couple_when": "structure", "starting_models": start}
    recipe = recipes.create_joint_inversion(
        mesh,
        misfits,
        wires,
        bounds={"susceptibility": (0.0, np.inf)},
        progress=False,
        max_iterations=max_iterations,
        cg_iterations=40,
        **options,
    )
    recipe.inversion.opt.printers = []
    with contextlib.redirect_stdout(io.StringIO()):
        recipe.run()
    return recipe.model, recipe.chi


def relative_rms(mesh, models, truth, counts):
    """The rms error of each property, divided by that of the zero model."""
    volume = mesh.cell_volumes * counts
    return np.sqrt((volume * (np.reshape(models, truth.shape) - truth) ** 2).sum(1) / (volume * truth**2).sum(1))


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--camp", action="store_true", help="the published problem instead of the synthetic ones")
    parser.add_argument("--no-profile", action="store_true", help="centers only, without intervals")
    options = parser.parse_args()
    console = Console(width=130, highlight=False)
    problems = {"camp_blocks": camp_blocks} if options.camp else {}
    if not options.camp:
        for n in UNITS:
            for noise in (0.02, 0.001):
                problems[f"{n} unit{'s' * (n > 1)}, noise {noise:g}"] = partial(synthetic, n, noise)
    table = results.Table(
        "camp_blocks" if options.camp else "synthetic",
        "rms error of density and susceptibility, divided by that of the zero model",
        {
            "true units, g/cc and SI": "",
            "found centers, g/cc and SI": "",
            "sparse, no clusters": "{:.3f}, {:.3f}",
            "bodies of the search": "{:.3f}, {:.3f}",
            "clusters at found centers": "{:.3f}, {:.3f}",
            "clusters at true centers": "{:.3f}, {:.3f}",
        },
        heading="problem",
    )
    for name, make in problems.items():
        mesh, wires, misfits, truth, centers, counts = make()
        errors = []

        def score(what, models, chi, errors=errors, mesh=mesh, truth=truth, counts=counts):
            errors.append(relative_rms(mesh, models, truth, counts))
            console.print(f"  {what:42} rms / zero model: {errors[-1].round(3)}, χ {np.round(chi, 2)}")

        console.rule(name)
        console.print(f"true units: {centers[1:].tolist()}")
        separate, chi = invert(mesh, wires, misfits)
        score("without clusters (sparse)", separate, chi)
        search = recipes.find_centers(
            mesh, misfits, wires, separate, refine=not options.no_profile, max_iterations=8 if options.camp else 12
        )
        console.print(search.summary())
        start = search.starting_models
        score("bodies of the search", np.stack(list(start.values())), search.chi)
        model, chi = invert(mesh, wires, misfits, search.centers, start, 12)
        score("clusters at the found centers, from these", model, chi)
        split = dict(zip(("density", "susceptibility"), np.split(separate, 2), strict=True))
        model, chi = invert(mesh, wires, misfits, centers, split, 12)
        score("clusters at the true centers, from sparse", model, chi)
        units = ["; ".join(f"{d:.3f}, {k:.4f}" for d, k in one[1:]) for one in (centers, np.asarray(search.centers))]
        table.add_row(name, *units, *errors)
        results.store(options, table)
    console.print(table.rich())


if __name__ == "__main__":
    main()
