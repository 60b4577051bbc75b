"""
Magnetotellurics and gravity on one section
===========================================

A profile of magnetotelluric stations, each over a column of layers of its own, and gravity along the same profile: two
data sets, one section, one cross-gradient between resistivity and density.

    python tutorials/09_joint_mt_gravity.py --size small

The two see different things. Magnetotellurics find how deep a conductor's top is and how much of it there is, column by
column, and little of what lies below it or is resistive. Gravity finds how much mass is missing or in excess along the
profile, and hardly how deep. A coupling of structure lets the first say where the second may put its mass.

What to look for in the table: all runs fit both data sets to their noise, so the data cannot choose between them. With
a coupling the density is nearer to the truth, because its boundaries move to where the resistivity has them: its
correlation with the truth is 0.66 alone, and 0.68, 0.77 and 0.83 with ratios of 1, 10 and 100 (rms 0.110 to 0.081
g/cc). The resistivity stays as it is; it had its boundaries already. A ratio of 1 makes the coupling as stiff as the
smoothing. These are the best of eleven settings (normalised, Gramian and sparse ones among them), picked by the truth,
on one model and one seed of noise: a best case. More is better here, because basin and body are the same in both
properties; where they are not it is worse, and nothing in the data would say so. Even the strongest leaves mass above
and below the body at depth, which only its top confines, and moves some into the columns at the ends, where there is no
station: do not interpret those.

What this is not: columns of layers know nothing of their neighbours but what the regularization tells them. Data of a
real section with such contrasts have two-dimensional effects near the edges of bodies that no column can explain, which
here is hidden, as the data were made by the same columns. Over gentle structure, or with the determinant of the
impedance, columns are the usual first step; their section is then a starting model for an inversion on a mesh.

Everything in here is SimPEG; what this package adds is marked with ``#:``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from discretize import TensorMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.path import Path as Polygon
from rich.console import Console
from rich.table import Table
from simpeg import data_misfit, maps
from simpeg.data import Data
from simpeg.utils import get_logger

from simpeg_jointdl import recipes, regularization
from simpeg_jointdl.electromagnetics import natural_source
from simpeg_jointdl.potential_fields import gravity

# %%
# The section
# -----------
# One mesh of 500 m wide columns, thin at the surface. In 2-D it carries the regularization and the coupling; with one
# cell of 20 km across the profile it is the mesh of the gravity: same cells, same order. Columns at both ends have no
# stations and only keep gravity from having to put what lies beyond the profile into it.

HOST, BASIN, BODY = (500.0, 0.0), (20.0, -0.30), (10.0, 0.30)  # ohm m and g/cc
STRIKE = 20_000.0  # m, length of cells across the profile
PADDING = 4  # columns at each end
RATIOS = (1.0, 10.0, 100.0)  # of the coupling's stiffness to that of the smoothing


@dataclass(frozen=True)
class Section:
    """Mesh, stations and the ground that is looked for."""

    n_stations: int
    n_layers: int
    first_thickness: float
    growth: float
    width: float

    @cached_property
    def mesh(self) -> TensorMesh:
        """In 2-D: x along the profile, z up."""
        depths = self.first_thickness * self.growth ** np.arange(self.n_layers)
        n_columns = self.n_stations + 2 * PADDING
        widths = np.full(n_columns, self.width)
        return TensorMesh([widths, depths[::-1]], origin=[-PADDING * self.width, -depths.sum()])

    @cached_property
    def mesh_3d(self) -> TensorMesh:
        """The same cells, long across the profile."""
        x, z = self.mesh.h
        return TensorMesh([x, [STRIKE], z], origin=[self.mesh.origin[0], -STRIKE / 2.0, self.mesh.origin[1]])

    @property
    def thicknesses(self) -> np.ndarray:
        """From the surface down; below the last is a half-space."""
        return self.mesh.h[1][:0:-1]

    @property
    def station_x(self) -> np.ndarray:
        """Over the middle of each column, m."""
        return self.mesh.cell_centers_x[PADDING:-PADDING]

    @property
    def columns(self) -> np.ndarray:
        """Cells under the stations: station after station, from the surface down."""
        cells = np.arange(self.mesh.n_cells).reshape(self.mesh.shape_cells, order="F")  # x fastest, z up
        return cells[PADDING:-PADDING, ::-1].ravel()

    def bodies(self) -> list[tuple[np.ndarray, tuple[float, float]]]:
        """Corners (x, z) in m, and properties: a basin at the surface and a body at depth."""
        length, bottom = self.station_x[-1], self.mesh.origin[1]
        basin = np.array([[0.08, 0.0], [0.48, 0.0], [0.40, 0.30], [0.22, 0.30]]) * [length, bottom]
        body = np.array([[0.60, 0.22], [0.82, 0.22], [0.82, 0.55], [0.60, 0.55]]) * [length, bottom]
        return [(basin, BASIN), (body, BODY)]

    @cached_property
    def truth(self) -> dict[str, np.ndarray]:
        """Logarithm of the resistivity, and density, of all cells."""
        values = np.tile(np.array(HOST)[:, None], self.mesh.n_cells)
        for corners, inside in self.bodies():
            values[:, Polygon(corners).contains_points(self.mesh.cell_centers)] = np.array(inside)[:, None]
        return {"log_resistivity": np.log(values[0]), "density": values[1]}


# %%
# Two simulations
# ---------------
# A SimPEG mesh counts cells along x first and from below; columns count from the surface down, one station after the
# other. A projection does the turning: ``maps.Projection`` with the index of each column's cells. What it leaves out,
# the columns at both ends, magnetotellurics do not see.


def mt_simulation(section: Section, log_resistivity, frequencies):
    """Apparent resistivity and phase of all stations; `log_resistivity` maps the model to all cells."""
    locations = np.c_[section.station_x, np.zeros((section.n_stations, 2))]
    survey = natural_source.create_survey(locations, frequencies, orientation="yx")  #:
    columns = maps.Projection(section.mesh.n_cells, section.columns)
    return natural_source.Simulation1DStitched(  #:
        survey, section.thicknesses, rhoMap=maps.ExpMap(nP=section.columns.size) * columns * log_resistivity
    )


def gravity_simulation(section: Section, density):
    """gz a metre above the surface, at the stations."""
    locations = np.c_[section.station_x, np.zeros(section.n_stations), np.ones(section.n_stations)]
    survey = gravity.Survey(gravity.SourceField([gravity.Point(locations, components="gz")]))
    return gravity.Simulation3DIntegral(  #:
        section.mesh_3d, survey=survey, rhoMap=density, sensitivity_dtype=np.float64
    )


def observe(section: Section, frequencies, random_seed=0) -> list[Data]:
    """Noisy data of the true ground: 5 % and 1.5 degrees; 0.2 mGal."""
    rng, identity = np.random.default_rng(random_seed), maps.IdentityMap(nP=section.mesh.n_cells)
    mt = mt_simulation(section, identity, frequencies)
    clean = mt.dpred(section.truth["log_resistivity"])
    is_phase = np.arange(clean.size) // section.n_stations % 2 == 1
    made = [(mt.survey, clean, np.where(is_phase, 1.5, 0.05 * clean))]
    other = gravity_simulation(section, identity)
    made.append((other.survey, other.dpred(section.truth["density"]), np.full(section.n_stations, 0.2)))
    return [Data(s, d + e * rng.standard_normal(d.size), standard_deviation=e) for s, d, e in made]


# %%
# The inversion
# -------------
# As for any two data sets. The start is a half-space of the mean apparent resistivity. Each property has a trade-off
# parameter of its own, and the coupling its weight from its stiffness: nothing here is tuned to magnetotellurics.


@dataclass
class Result:
    """What a run came to."""

    recipe: object
    properties: dict[str, np.ndarray]
    predicted: list[np.ndarray]
    seconds: float


def invert(section: Section, data: list[Data], frequencies, **options) -> Result:
    """Both properties from both data sets; `options` are those of the recipe."""
    n = section.mesh.n_cells
    wires = maps.Wires(("log_resistivity", n), ("density", n))
    simulations = [
        mt_simulation(section, wires.log_resistivity, frequencies),
        gravity_simulation(section, wires.density),
    ]
    misfits = [data_misfit.L2DataMisfit(data=d, simulation=s) for d, s in zip(data, simulations, strict=True)]
    apparent = data[0].dobs.reshape(len(frequencies), 2, -1)[:, 0]
    recipe = recipes.create_joint_inversion(  #:
        section.mesh,
        misfits,
        wires,
        bounds={"log_resistivity": (np.log(0.5), np.log(5e4)), "density": (-0.6, 0.6)},
        reference_models={"log_resistivity": np.log(apparent).mean()},
        progress=False,
        **options,
    )
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        properties = recipe.run()  #:
    seconds = time.perf_counter() - begin
    return Result(recipe, properties, [s.dpred(recipe.model) for s in simulations], seconds)


# %%
# What comes out
# --------------


def report(results: dict[str, Result], section: Section, console: Console):
    """Data fit, distance from the truth under the stations, likeness, cost: a row for each run."""
    table = Table(title=f"{section.n_stations} stations, {section.mesh.n_cells} cells")
    headings = (
        "",
        "χ MT",
        "χ grav",
        "rms log₁₀ρ",
        "rms density",
        "corr log ρ",
        "corr density",
        "iterations",
        "time, s",
    )
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left")
    for name, result in results.items():
        pairs = [
            (result.properties[key][section.columns], section.truth[key][section.columns]) for key in section.truth
        ]
        scales = (np.log(10.0), 1.0)
        rms = [np.sqrt(np.mean((m - t) ** 2)) / s for (m, t), s in zip(pairs, scales, strict=True)]
        correlations = [np.corrcoef(m, t)[0, 1] for m, t in pairs]
        values = [f"{chi:.2f}" for chi in result.recipe.chi] + [f"{value:.3f}" for value in [*rms, *correlations]]
        table.add_row(name, *values, str(result.recipe.inversion.opt.iter), f"{result.seconds:.1f}")
    console.print(table)


def plot_sections(results: dict[str, Result], section: Section) -> Figure:
    """Resistivity and density: the truth, and each run, with the outlines of the true bodies."""
    models = {"true": section.truth} | {name: result.properties for name, result in results.items()}
    x, z = section.mesh.nodes_x / 1e3, -section.mesh.nodes_y / 1e3
    figure = Figure(figsize=(12.0, 6.2), layout="constrained")
    axes = figure.subplots(2, len(models), sharex=True, sharey=True)
    looks = (
        ("log_resistivity", "resistivity (Ω·m)", {"cmap": "turbo_r", "norm": LogNorm(5.0, 2000.0)}),
        ("density", "density contrast (g/cc)", {"cmap": "RdBu_r", "vmin": -0.35, "vmax": 0.35}),
    )
    for row, (key, label, look) in zip(axes, looks, strict=True):
        for ax, (name, properties) in zip(row, models.items(), strict=True):
            values = np.exp(properties[key]) if key == "log_resistivity" else properties[key]
            image = ax.pcolormesh(x, z, values.reshape(section.mesh.shape_cells, order="F").T, **look)
            for corners, _ in section.bodies():
                ax.fill(*np.abs(corners.T) / 1e3, fill=False, edgecolor="black", linewidth=1.0)
            ax.plot(section.station_x / 1e3, np.full(section.n_stations, -0.06), "kv", markersize=3, clip_on=False)
            ax.set_title(f"{label.split(' (')[0]}, {name}", fontsize=10)
        figure.colorbar(image, ax=row, label=label, extend="both", pad=0.01)
    axes[0, 0].invert_yaxis()
    for ax in axes[:, 0]:
        ax.set_ylabel("depth (km)")
    for ax in axes[-1]:
        ax.set_xlabel("distance along the profile (km)")
    return figure


def plot_fit(result: Result, data: list[Data], section: Section, frequencies) -> Figure:
    """Soundings of three stations with their error bars and fit, and the gravity profile."""
    figure = Figure(figsize=(12.0, 6.2), layout="constrained")
    grid = figure.add_gridspec(2, 4, width_ratios=[1, 1, 1, 1.6])
    shape = len(frequencies), 2, section.n_stations
    observed, predicted, error = (
        np.reshape(d, shape) for d in (data[0].dobs, result.predicted[0], data[0].standard_deviation)
    )
    marks = {"fmt": "o", "color": "black", "markersize": 3, "linewidth": 1, "label": "observed"}
    labels = ("apparent resistivity (Ω·m)", "phase (degrees)")
    limits = (0.7 * observed[:, 0].min(), 1.4 * observed[:, 0].max()), (0.0, 90.0)
    for column, station in enumerate(np.array([0.28, 0.53, 0.71] * np.array(section.n_stations)).astype(int)):
        for row in (0, 1):
            ax = figure.add_subplot(grid[row, column], xscale="log", yscale="linear" if row else "log")
            ax.errorbar(frequencies, observed[:, row, station], error[:, row, station], **marks)
            ax.plot(frequencies, predicted[:, row, station], color="tab:red", label="joint model")
            ax.set(ylim=limits[row], xlabel="frequency (Hz)" if row else "")
            ax.invert_xaxis()  # deeper to the right
            if column == 0:
                ax.set_ylabel(labels[row])
        figure.axes[-2].set_title(f"station at {section.station_x[station] / 1e3:.1f} km", fontsize=10)
    x = section.station_x / 1e3
    ax = figure.add_subplot(grid[0, 3])
    ax.errorbar(x, data[1].dobs, data[1].standard_deviation, **marks)
    ax.plot(x, result.predicted[1], color="tab:red", label="joint model")
    ax.set(title="gravity, gz upward", ylabel="gz (mGal)")
    ax.legend()
    low = figure.add_subplot(grid[1, 3], sharex=ax)
    misfit = (predicted - observed) / error
    for row, name in enumerate(("apparent resistivity", "phase")):
        low.plot(x, np.sqrt(np.mean(misfit[:, row] ** 2, axis=0)), marker=".", label=f"MT, {name}")
    low.plot(
        x, np.abs(result.predicted[1] - data[1].dobs) / data[1].standard_deviation, "k.", label="gravity, |residual|"
    )
    low.axhline(1.0, color="grey", linewidth=0.8)
    low.set(xlabel="distance along the profile (km)", ylabel="rms misfit over error", ylim=(0.0, None))
    low.legend(fontsize=8)
    return figure


# %%
# All of it
# ---------


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--size", choices=("default", "small"), default="default")
    parser.add_argument("--output", type=Path, default=Path("output/09_joint_mt_gravity"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    get_logger().setLevel("WARNING")
    console = Console(width=120)

    small = options.size == "small"
    section = Section(16, 10, 150.0, 1.25, 1000.0) if small else Section(32, 20, 80.0, 1.12, 500.0)
    frequencies = np.geomspace(0.1, 1000.0, 9 if small else 17)
    data = observe(section, frequencies)
    results = {
        "separate": invert(section, data, frequencies, strategy="separate"),
    }
    for ratio in RATIOS:
        results[f"joint, ratio {ratio:g}"] = strongest = invert(
            section,
            data,
            frequencies,
            couplings=regularization.CrossGradient,  #:
            ratios=ratio,  #:
        )
    report(results, section, console)
    shown = {name: results[name] for name in ("separate", f"joint, ratio {RATIOS[-1]:g}")}
    plot_sections(shown, section).savefig(options.output / "sections.png", dpi=100)
    plot_fit(strongest, data, section, frequencies).savefig(options.output / "fit.png", dpi=100)
    console.print(f"Figures are in {options.output.resolve()}")
    if any(chi > 1.1 for result in results.values() for chi in result.recipe.chi):
        raise SystemExit("Not all data sets reached their target misfit.")


if __name__ == "__main__":
    main()
