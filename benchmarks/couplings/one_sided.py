"""What couplings do where nothing is shared: structure in one property only, or in each somewhere else.

    python -m benchmarks.couplings.one_sided --small

Four grounds under the stations and noise of `datasets.make_two_blocks`, and that one itself to compare with. Each
coupling with a ratio of 1, against the separate inversion: rms error of both properties relative to the separate one's,
where 1.02 is the law, and what `diagnostics.shared_structure` says of the separate models.
"""

from __future__ import annotations

import argparse
import gc
import warnings
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.published.two_bodies import PROPERTIES, SPARSE, invert, make_misfits, rms_errors, true_centers
from benchmarks.published.two_bodies import couplings as structural_couplings
from simpeg_jointdl import datasets, diagnostics, regularization

LAW = 1.02
UNIT_WITH_BOTH = [[0.0, 0.0], [0.4, 0.06]]  # wrong wherever structure is one-sided
# west, south, depth as fractions of the mesh; g/cc; SI
WEST = ((5 / 24, 10 / 24), (8 / 24, 16 / 24), (2 / 12, 6 / 12))
EAST = ((14 / 24, 19 / 24), (8 / 24, 16 / 24), (2 / 12, 5 / 12))
TOP, BELOW = (((8 / 24, 16 / 24), (8 / 24, 16 / 24), depth) for depth in ((1 / 12, 4 / 12), (6 / 12, 10 / 12)))
GROUNDS = {
    "dense west, magnetic east": ((WEST, 0.4, 0.0), (EAST, 0.0, 0.06)),
    "dense west, magnetics of noise": ((WEST, 0.4, 0.0),),
    # separate's density error is next to nothing here, so what a coupling adds is large beside it and small in g/cc
    "magnetic west, gravity of noise": ((WEST, 0.0, 0.06),),
    "magnetic body below a dense one": ((TOP, 0.4, 0.0), (BELOW, 0.0, 0.06)),
    "two_blocks, all shared": ((WEST, 0.4, 0.06), (EAST, -0.3, 0.03)),
}


def make_blocks(blocks, shape=(24, 24, 12), n_stations=(16, 16), random_seed=0) -> datasets.GravityMagneticDataset:
    """Blocks of any properties, under the stations, the uncertainties and the field of `make_two_blocks`."""
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
    return datasets.GravityMagneticDataset(
        "blocks",
        datasets.GravityData(parts[0].locations, gz, parts[0].uncertainty),
        datasets.MagneticData(parts[1].locations, tmi, parts[1].uncertainty, parts[1].inducing_field),
        mesh,
        frame.active_cells,
        models,
    )


def couplings(survey) -> dict:
    """Those of two_bodies, and the ones that most ask for trouble."""
    centers = true_centers(survey)
    scales = np.abs(UNIT_WITH_BOTH[1])  # the ground's own range may be zero
    clusters = partial(regularization.GuidedFuzzyCMeans, scales=scales, guidance=np.inf)
    made = {name: coupling for name, coupling in structural_couplings(centers).items() if "clusters" not in name}
    return made | {
        "cross-gradient, normalised": partial(regularization.CrossGradient, normalized=True),
        "Gramian, identity": partial(regularization.Gramian, operator="identity", window=(4, 4, 4), overlap=0.5),
        "clusters, true units": partial(clusters, centers=centers),
        "clusters, a unit with both": partial(clusters, centers=UNIT_WITH_BOTH),
    }


# name: options of the recipe, and of EstimateCouplingWeights where the recipe has none
VARIANTS = {
    "ratio 1": ({}, {}),
    "ratio 0.1": ({"ratios": 0.1}, {}),
    "ratio 0.01": ({"ratios": 0.01}, {}),
    "once fitted": ({"couple_when": "fitted"}, {}),
    "no sensitivity weights": ({}, {"sensitivity_weights": False}),
}


def look(survey, models) -> tuple[float, float, bool]:
    """Similarity and p of two models, and whether a warning came."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = diagnostics.shared_structure(survey.mesh, *(models[name] for name in PROPERTIES))
    return *found, any("shared_structure" in str(one.message) for one in caught)


def compare(survey, prepared, chosen, norms=None, variant="ratio 1"):
    """The separate outcome and its errors, then each coupling's name, outcome, and errors relative to those."""
    separate = invert(survey, prepared, norms=norms)
    reference = rms_errors(separate.models, survey.true_models)
    yield "separate", separate, reference
    options, of_directive = VARIANTS[variant]
    for name, coupling in chosen.items():
        out = invert(survey, prepared, coupling, of_directive, norms=norms, **options)
        yield name, out, rms_errors(out.models, survey.true_models) / reference


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a coarse mesh")
    parser.add_argument("--sparse", action="store_true", help="sparse models instead of smooth ones")
    parser.add_argument("--grounds", nargs="*", default=list(GROUNDS), choices=list(GROUNDS))
    parser.add_argument("--variants", nargs="*", default=["ratio 1"], choices=list(VARIANTS))
    options = parser.parse_args()
    shape, n_stations = ((12, 12, 6), (8, 8)) if options.small else ((20, 20, 10), (14, 14))
    console = Console(width=150)
    gc.collect()
    gc.freeze()  # SimPEG collects garbage at every evaluation; torch's modules alone make that 0.1 s each
    for variant in options.variants:
        table = Table(title=f"rms relative to separate: density, susceptibility (χ, χ; iterations); {variant}")
        table.add_column("")
        lines, warned = {}, []
        for ground in options.grounds:
            survey = make_blocks(GROUNDS[ground], shape, n_stations)
            prepared, norms = make_misfits(survey), SPARSE if options.sparse else None
            for name, out, errors in compare(survey, prepared, couplings(survey), norms, variant):
                if name == "separate":
                    similarity, p, warns = look(survey, out.models)
                    warned.append(f"{similarity:.2f}, p = {p:.3f}{', WARNS' if warns else ''}")
                    text = f"({errors[0]:.1e} g/cc, {errors[1]:.1e} SI)"
                else:
                    broken = "[red]" if errors.max() > LAW else ""
                    text = f"{broken}{errors[0]:.3f}, {errors[1]:.3f}{'[/]' if broken else ''}"
                    text += f" ({out.chi[0]:.2f}, {out.chi[1]:.2f}; {out.iterations})"
                lines.setdefault(name, []).append(text)
                console.log(ground, name, text, f"{out.seconds:.1f} s")
        for ground in options.grounds:
            table.add_column(ground, justify="right")
        for name, texts in lines.items():
            table.add_row(name, *texts)
        table.add_section()
        table.add_row("shared_structure of the separate models", *warned)
        console.print(table)


if __name__ == "__main__":
    main()
