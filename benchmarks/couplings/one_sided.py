"""What couplings do where no structure is shared: structure in one property only, or in each at another place.

    python -m benchmarks.couplings.one_sided --small

Four models under the stations and the noise of `datasets.make_two_blocks`, and the model of that function itself for
comparison. Each coupling, with a ratio of 1, is compared with the separate inversion: the rms error of both properties
relative to that of the separate inversion, which should not exceed 1.02; and whether
`diagnostics.shared_structure` warns when it looks at the separate models.
"""

from __future__ import annotations

import gc
import warnings
from functools import partial

import numpy as np
from rich.console import Console

from benchmarks._common import results
from benchmarks.published.two_bodies import PROPERTIES, SPARSE, invert, make_misfits, rms_errors, true_centers
from benchmarks.published.two_bodies import couplings as structural_couplings
from simpeg_jointdl import datasets, diagnostics, regularization
from simpeg_jointdl.data import GravityData, GravityMagneticDataset, MagneticData

LIMIT = 1.02  # of the error relative to the separate inversion's
UNIT_WITH_BOTH = [[0.0, 0.0], [0.4, 0.06]]  # wrong where only one property has structure
# west, south, depth as fractions of the mesh; g/cc; SI
WEST = ((5 / 24, 10 / 24), (8 / 24, 16 / 24), (2 / 12, 6 / 12))
EAST = ((14 / 24, 19 / 24), (8 / 24, 16 / 24), (2 / 12, 5 / 12))
TOP, BELOW = (((8 / 24, 16 / 24), (8 / 24, 16 / 24), depth) for depth in ((1 / 12, 4 / 12), (6 / 12, 10 / 12)))
MODELS = {
    "dense west, magnetic east": ((WEST, 0.4, 0.0), (EAST, 0.0, 0.06)),
    "dense west, magnetics of noise": ((WEST, 0.4, 0.0),),
    # the separate density error is almost zero here: a large relative change is small in g/cc
    "magnetic west, gravity of noise": ((WEST, 0.0, 0.06),),
    "magnetic body below a dense one": ((TOP, 0.4, 0.0), (BELOW, 0.0, 0.06)),
    "two_blocks, all shared": ((WEST, 0.4, 0.06), (EAST, -0.3, 0.03)),
}


def make_blocks(blocks, shape=(24, 24, 12), n_stations=(16, 16), random_seed=0) -> GravityMagneticDataset:
    """Blocks of given properties, under the stations, uncertainties and inducing field of `make_two_blocks`."""
    frame = datasets.make_two_blocks(shape=shape, n_stations=n_stations)
    mesh = frame.mesh
    fractions = (mesh.cell_centers - mesh.origin) / [h.sum() for h in mesh.h]
    fractions[:, 2] = 1.0 - fractions[:, 2]
    models = {"density": np.zeros(mesh.n_cells), "susceptibility": np.zeros(mesh.n_cells)}
    for box, *contrasts in blocks:
        low, high = np.array(box).T
        inside = ((fractions > low) & (fractions < high)).all(axis=1)
        for model, contrast in zip(models.values(), contrasts, strict=True):
            model[inside] = contrast
    misfits, _ = make_misfits(frame)
    truth, rng = np.concatenate(list(models.values())), np.random.default_rng(random_seed)
    gz, tmi = (one.simulation.dpred(truth) for one in misfits)
    parts = frame.gravity, frame.magnetics
    gz, tmi = (d + p.uncertainty * rng.standard_normal(d.size) for d, p in zip((gz, tmi), parts, strict=True))
    return GravityMagneticDataset(
        "blocks",
        GravityData(parts[0].locations, gz, parts[0].uncertainty),
        MagneticData(parts[1].locations, tmi, parts[1].uncertainty, parts[1].inducing_field),
        mesh,
        frame.active_cells,
        models,
    )


def couplings(survey) -> dict:
    """The couplings of two_bodies, and those that are most likely to fail."""
    centers = true_centers(survey)
    scales = np.abs(UNIT_WITH_BOTH[1])  # the range of the true model may be zero
    clusters = partial(regularization.GuidedFuzzyCMeans, scales=scales, guidance=np.inf)
    made = {name: coupling for name, coupling in structural_couplings(centers).items() if "clusters" not in name}
    return made | {
        "cross-gradient, normalized": partial(regularization.CrossGradient, normalized=True),
        "Gramian of the values": partial(regularization.Gramian, operator="identity", window=(4, 4, 4), overlap=0.5),
        "clusters at the true units": partial(clusters, centers=centers),
        "clusters, a wrong unit with both": partial(clusters, centers=UNIT_WITH_BOTH),
    }


# name: options of the recipe, and attributes of EstimateCouplingWeights for which the recipe has no option
VARIANTS = {
    "ratio 1": ({}, {}),
    "ratio 0.1": ({"coupling_ratios": 0.1}, {}),
    "ratio 0.01": ({"coupling_ratios": 0.01}, {}),
    "once fitted": ({"couple_when": "fitted"}, {}),
    "no sensitivity weights": ({}, {"sensitivity_weights": False}),
}


def look_for_shared(survey, models) -> tuple[float, float, bool]:
    """Similarity and p value of two models, and whether there was a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = diagnostics.shared_structure(survey.mesh, *(models[name] for name in PROPERTIES))
    return *found, any("shared_structure" in str(one.message) for one in caught)


def compare(survey, prepared, chosen, norms=None, variant="ratio 1"):
    """The separate outcome and its errors; then each coupling's name, outcome, and errors relative to those."""
    separate = invert(survey, prepared, norms=norms)
    reference = rms_errors(separate.models, survey.true_models)
    yield "separate", separate, reference
    options, of_directive = VARIANTS[variant]
    for name, coupling in chosen.items():
        out = invert(survey, prepared, coupling, of_directive, norms=norms, **options)
        yield name, out, rms_errors(out.models, survey.true_models) / reference


def main():
    """Command line."""
    parser = results.make_parser(__doc__, __spec__.name)
    parser.add_argument("--small", action="store_true", help="a coarse mesh")
    parser.add_argument("--sparse", action="store_true", help="sparse models instead of smooth ones")
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--variants", nargs="*", default=["ratio 1"], choices=list(VARIANTS))
    options = parser.parse_args()
    shape, n_stations = ((12, 12, 6), (8, 8)) if options.small else ((20, 20, 10), (14, 14))
    console = Console(width=150)
    gc.collect()
    gc.freeze()  # SimPEG collects garbage at every evaluation; torch's modules alone make that 0.1 s each
    for variant in options.variants:
        kind = f"{'sparse' if options.sparse else 'smooth'}{', small' if options.small else ''}, {variant}"
        columns = dict.fromkeys(options.models, results.Column("{:.3f}, {:.3f}", LIMIT))
        errors_table = results.Table(
            f"errors, {kind}",
            f"rms error relative to the separate inversion: density, susceptibility ({kind})",
            columns,
            note=f"Above {LIMIT:g}, the coupling makes a model worse.",
            heading="coupling",
        )
        fit_table = results.Table(
            f"fit, {kind}",
            f"χ of gravity and magnetics, iterations ({kind})",
            dict.fromkeys(options.models, "{:.2f}, {:.2f}; {:.0f}"),
            heading="coupling",
        )
        shared_table = results.Table(
            f"shared structure, {kind}",
            f"diagnostics.shared_structure of the separate models ({kind})",
            {"similarity": "{:.2f}", "p": "{:.3f}", "warns": "", "rms, g/cc": "{:.1e}", "rms, SI": "{:.1e}"},
            heading="model",
        )
        errors_of, fits = {}, {}
        for number, name in enumerate(options.models):
            survey = make_blocks(MODELS[name], shape, n_stations)
            prepared, norms = make_misfits(survey), SPARSE if options.sparse else None
            for coupling, out, errors in compare(survey, prepared, couplings(survey), norms, variant):
                fits.setdefault(coupling, [None] * len(columns))[number] = (*out.chi, out.iterations)
                if coupling == "separate":
                    similarity, p, warns = look_for_shared(survey, out.models)
                    shared_table.add_row(name, similarity, p, "yes" if warns else "no", *errors)
                else:
                    errors_of.setdefault(coupling, [None] * len(columns))[number] = errors
                console.log(name, coupling, errors.round(3), out.chi.round(2), out.iterations, f"{out.seconds:.1f} s")
        for table, rows in ((errors_table, errors_of), (fit_table, fits)):
            for coupling, values in rows.items():
                table.add_row(coupling, *values)
        for table in (errors_table, fit_table, shared_table):
            console.print(table.rich())
        results.store(options, errors_table, fit_table, shared_table)


if __name__ == "__main__":
    main()
