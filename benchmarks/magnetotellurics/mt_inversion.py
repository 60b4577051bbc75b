"""Magnetotelluric inversion from the U-Net's model against from the best half-space, and on real stations.

    python -m benchmarks.magnetotellurics.mt_inversion                         # both parts, half a minute on one core
    python -m benchmarks.magnetotellurics.mt_inversion --parts synthetic --regularizations
    python -m benchmarks.magnetotellurics.mt_inversion --weights other.safetensors --models 200

**synthetic**: models of the wide prior that no training has seen, 5 % noise of the impedance, 36 frequencies from 1e-3
to 1e3 Hz; `recipes.create_mt_inversion` with both starts, the same minimizer and the same layers (and, if asked for,
other regularizations: smallness by the U-Net's standard deviations or uniform, and the weights of both). Iterations
until χ = 1; then the error of log10 resistivity over the layers that the data see: middles from half the least to the
greatest penetration depth, sqrt(rho_a / omega mu_0), of the exact data. A failure is a station whose χ has not reached
1. With 72 data, noise alone has χ = 1 ± 0.17: the truth itself misses the target about every second time, so the last
lines say how many of the failures were such. "in 90 %": how much of what is seen lies within the band, of stations that
were refined, and of those whose start fitted.

**ynp_mt**: all stations of the survey with more than two data (43 of 44), determinant, errors of 5 % at least, flagged
points left out; rms = sqrt(χ) of the U-Net alone and after refinement. Needs the data (SIMPEG_JOINTDL_DATA, or the
network) and the extra `mt`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from simpeg_jointdl import datasets, recipes
from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import MT1DUNet

FREQUENCIES = np.logspace(-3, 3, 36)
NOISE = 0.05
MU_0 = 4e-7 * np.pi
# smallness and smoothness; smallness by the U-Net's standard deviations, or the same for all layers
REGULARIZATIONS = [("posterior", 1.0, x) for x in (0.0, 1.0, 10.0, 100.0)] + [("uniform", 1.0, x) for x in (1.0, 100.0)]
CONSOLE = Console(width=118)


def timed(recipe):
    """Seconds of a run, without its table of iterations."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        recipe.run()
    return time.perf_counter() - start


def make(soundings, network, start, thicknesses, alphas=None):
    """The recipe, and its seconds."""
    began = time.perf_counter()
    recipe = recipes.create_mt_inversion(
        soundings, network=network, start=start, thicknesses=thicknesses, progress=False
    )
    if alphas is not None:
        reg = recipe.inversion.invProb.reg
        kind, reg.alpha_s, reg.alpha_x = alphas
        if kind == "uniform":
            reg.objfcts[0].set_weights(posterior=np.ones(recipe.initial_model.size))
    return recipe, time.perf_counter() - began


class Truth:
    """Models, their soundings, and the layers that these see."""

    def __init__(self, n_models: int, seed: int):
        self.log_rho = synthetic.sample_layered_earth(n_models, "wide", random_seed=seed, device="cpu").numpy()
        self.thicknesses = synthetic.layer_thicknesses("wide").numpy()
        options = {"thicknesses": self.thicknesses, "frequencies": FREQUENCIES}
        exact = synthetic.make_soundings(10.0**self.log_rho, **options, noise=0.0)
        self.soundings = synthetic.make_soundings(10.0**self.log_rho, **options, noise=NOISE, random_seed=seed)
        depth = np.sqrt(exact.apparent_resistivity / (2.0 * np.pi * FREQUENCIES * MU_0))
        ends = np.cumsum(self.thicknesses)
        middle = np.append(ends - 0.5 * self.thicknesses, 1.2 * ends[-1])
        self.seen = (middle > 0.5 * depth.min(1)[:, None]) & (middle < depth.max(1)[:, None])
        self.chi = self.soundings.chi(exact)

    def errors(self, resistivity) -> np.ndarray:
        """Rms of log10 resistivity over the layers that are seen, (n_models,)."""
        squared = (np.log10(resistivity) - self.log_rho) ** 2
        return np.sqrt(np.sum(squared * self.seen, 1) / self.seen.sum(1))

    def covered(self, recipe, level=0.9) -> str:
        """Part of those layers whose truth lies within the band, of stations that moved and of others, in percent."""
        lower, upper = recipe.band(level)
        inside = (10.0**self.log_rho > lower) & (10.0**self.log_rho < upper)
        moved = np.isfinite(recipe.inversion.opt.trade_off)
        return "  ".join(f"{100 * inside[some][self.seen[some]].mean():.0f}" for some in (moved, ~moved) if some.any())


def summary(name, truth, recipe, seconds):
    """Cells of one row."""
    opt, errors = recipe.inversion.opt, truth.errors(recipe.resistivity)
    quantiles = np.quantile(opt.iterations, [0.5, 0.75, 0.9, 1.0])
    row = [name, f"{opt.iterations.mean():.2f}", "  ".join(f"{q:.0f}" for q in quantiles)]
    row += [str(opt.failed.size), f"{np.sqrt(np.mean(errors**2)):.3f}", f"{np.median(errors):.3f}"]
    return [*row, truth.covered(recipe), f"{seconds:.1f}"]


def table(title, names):
    made = Table(title=title)
    for name in names:
        made.add_column(name, justify="right" if made.columns else "left")
    return made


def run_synthetic(n_models, seed, network, others):
    truth = Truth(n_models, seed)
    columns = (
        "start",
        "iterations",
        "median 75 90 100 %",
        "failed",
        "rms error",
        "median error",
        "in 90 %, % of both",
        "seconds",
    )
    shown = table(f"{n_models} unseen models, 5 % noise", columns)
    made = {}
    for start in ("halfspace", "network"):
        made[start], seconds = make(truth.soundings, network, start, truth.thicknesses)
        if start == "network":
            alone = truth.errors(made[start].resistivity)
            fits = made[start].soundings.chi(made[start].predicted()) <= 1.0
        shown.add_row(*summary(start, truth, made[start], seconds + timed(made[start])))
    for alphas in REGULARIZATIONS if others else ():
        recipe, seconds = make(truth.soundings, network, "network", truth.thicknesses, alphas)
        shown.add_row(*summary("  {} {:g} {:g}".format(*alphas), truth, recipe, seconds + timed(recipe)))
    CONSOLE.print(shown)
    CONSOLE.print(
        f"U-Net alone: rms error {np.sqrt(np.mean(alone**2)):.3f}, median {np.median(alone):.3f}; "
        f"χ is 1 or less already for {fits.sum()}; {truth.seen.mean():.0%} of the layers are seen."
    )
    half, net = (made[start].inversion.opt for start in ("halfspace", "network"))
    both = half.arrived & net.arrived
    closer = truth.errors(made["network"].resistivity) < truth.errors(made["halfspace"].resistivity)
    CONSOLE.print(
        f"Where both arrive ({both.sum()}): iterations {half.iterations[both].mean():.2f} and "
        f"{net.iterations[both].mean():.2f} on average, {np.median(half.iterations[both]):.0f} and "
        f"{np.median(net.iterations[both]):.0f} in the median; the U-Net's ends closer to the truth in "
        f"{closer[both].mean():.0%}, of all in {closer.mean():.0%}."
    )
    for start, opt in (("halfspace", half), ("network", net)):
        lost = ~opt.arrived
        CONSOLE.print(
            f"{start}: histogram of iterations {np.bincount(opt.iterations).tolist()}; {lost.sum()} failures, in "
            f"{(truth.chi[lost] > 1.0).sum()} of which the truth has χ > 1; their own χ is at most "
            f"{opt.chi[lost].max(initial=0.0):.2f}."
        )


def run_field(network):
    began = time.perf_counter()
    soundings = datasets.load("ynp_mt").soundings("determinant", error_floor=0.05)
    soundings = soundings[soundings.n_data > 2]
    read = time.perf_counter() - began
    made = {}
    for start in ("network", "halfspace"):
        made[start], seconds = make(soundings, network, start, None)
        before = np.sqrt(list(made[start].station_chi.values()))
        seconds += timed(made[start])
        made[start] = made[start], before, seconds
    recipe, before, seconds = made["network"]
    half, of_half, half_seconds = made["halfspace"]
    columns = ("station", "U-Net alone", "refined", "iterations", "half-space", "refined", "iterations")
    shown = table(f"ynp_mt: rms of {len(soundings)} stations, determinant, 5 %", columns)
    after, of_half_after = (np.sqrt(list(one.station_chi.values())) for one in (recipe, half))
    steps, half_steps = (list(one.station_iterations.values()) for one in (recipe, half))
    for i, name in enumerate(soundings.names):
        numbers = (before[i], after[i], steps[i], of_half[i], of_half_after[i], half_steps[i])
        shown.add_row(name, *(f"{x:.2f}" if isinstance(x, float) else str(x) for x in numbers))
    CONSOLE.print(shown)
    CONSOLE.print(
        f"U-Net alone: median {np.median(before):.2f}, below 1 at {(before < 1).sum()}. Refined: below 1 at "
        f"{(after < 1).sum()} of {len(after)}, failed {recipe.failed}; iterations {np.mean(steps):.2f} on average. "
        f"From half-spaces: {(of_half_after < 1).sum()}, failed {half.failed}; {np.mean(half_steps):.2f}."
    )
    CONSOLE.print(
        f"Seconds: reading {read:.1f}, prediction and refinement {seconds:.1f}, from half-spaces {half_seconds:.1f}."
    )


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=("synthetic", "ynp_mt"), default=["synthetic", "ynp_mt"])
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20261121, help="of models and noise")
    parser.add_argument("--weights", default="wide", help="of the U-Net; those of the package if not given")
    parser.add_argument("--regularizations", action="store_true", help="also others of them")
    options = parser.parse_args()
    logging.getLogger("SimPEG").setLevel(logging.ERROR)
    network = MT1DUNet.from_pretrained(options.weights)
    if "synthetic" in options.parts:
        run_synthetic(options.models, options.seed, network, options.regularizations)
    if "ynp_mt" in options.parts:
        run_field(network)


if __name__ == "__main__":
    main()
