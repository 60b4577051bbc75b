"""Accuracy, calibration and speed of the 1-D magnetotelluric networks on unseen models.

    python -m benchmarks.magnetotellurics.mt_network [--models 10000] [--device cuda] [--weights wide published]

Accuracy. 10 000 models of a design, drawn from a seed that no training uses, their data exact or with Gaussian noise
on the real and imaginary part of the impedance. R² = 1 - Σ (Δ log10 ρ)² / Σ (log10 ρ - mean)² over all models and
layers, rms of Δ log10 ρ in decades. "5 % of rho" is noise of 5 % on apparent resistivity and 1.4 degrees on the phase,
2.5 % of the impedance; "5 % of Z" is twice that. Published beside it: 0.111 decades of ResNet1D-8 at 5 % noise, on
models of its own; R² 0.991 of a plain U-Net of 2.7 million parameters, noise-free, trained on an H200.

Calibration. Soundings as they are drawn in training (bands, gaps, 0 to 10 % noise, in the wide design outliers).
Coverage: the part of all layers within the central bands. Ranks: one random layer per model, so that ranks are
independent; the posterior's distribution function at the truth in 20 bins, a chi-squared test for uniformity.

Speed. `predict` with everything it does, 31 frequencies a sounding.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy import stats

from simpeg_jointdl.datasets import synthetic
from simpeg_jointdl.networks import MT1DUNet
from simpeg_jointdl.networks.mt1d._samples import sample_soundings, simulate

SEED = 987_654
BANDS = {"published": (0.0, 4.0), "wide": (-3.0, 3.0)}  # decades of Hz
N_BINS = 20


def frequency_lists(design):
    """The regular list, the same without its highest part, and one that no training draws."""
    low, high = BANDS[design]
    regular = np.logspace(low, high, 33)
    octaves = 10.0 ** (low + 0.07) * 2.0 ** np.arange(0.0, (high - low - 0.1) / np.log10(2.0), 0.5)
    cut = 100.0 if design == "published" else 1.0
    return {"regular": regular, f"none above {cut:g} Hz": regular[regular <= cut], "half octaves": octaves}


def measured(models, design, frequencies, noise, seed):
    """Apparent resistivity in ohm m and phase in degrees; `noise` relative to the impedance."""
    log_frequency = torch.log10(torch.as_tensor(frequencies)).expand(len(models), -1)
    resistivity, phase = simulate(models, synthetic.layer_thicknesses(design), log_frequency)
    rng = np.random.default_rng(seed)
    resistivity = 10.0 ** resistivity.numpy() * np.exp(2.0 * noise * rng.standard_normal(resistivity.shape))
    phase = phase.numpy() + noise * rng.standard_normal(resistivity.shape)
    return resistivity, np.degrees(np.clip(phase, 1e-3, np.pi / 2 - 1e-3))


def accuracy(network, n_models, console):
    design = network.design
    models = synthetic.sample_layered_earth(n_models, design, random_seed=SEED)
    truth = models.numpy()
    table = Table("frequencies", "noise", "R²", "rms, decades", title=f"{design} design, {n_models} unseen models")
    for i, (name, frequencies) in enumerate(frequency_lists(design).items()):
        for label, noise in (("none", 0.0), ("5 % of rho", 0.025), ("5 % of Z", 0.05)):
            data = measured(models, design, frequencies, noise, SEED + i)
            predicted = np.log10(network.predict(frequencies, *data, phase_error=np.degrees(noise)))
            squares = (predicted - truth) ** 2
            r2 = 1.0 - squares.sum() / ((truth - truth.mean()) ** 2).sum()
            table.add_row(f"{len(frequencies)}, {name}", label, f"{r2:.4f}", f"{np.sqrt(squares.mean()):.4f}")
    console.print(table)


def calibration(network, n_models, console):
    generator = torch.Generator().manual_seed(SEED)
    model, soundings = sample_soundings(n_models, network.design, generator)
    present = torch.isfinite(soundings.error).numpy()
    resistivity = np.where(present, 10.0 ** soundings.log_resistivity.double().numpy(), np.nan)
    phase, error = np.degrees(soundings.phase.double().numpy()), np.degrees(soundings.error.double().numpy())
    frequencies = 10.0 ** soundings.log_frequency.double().numpy()
    posterior = network.posterior(frequencies, resistivity, phase, phase_error=np.where(present, error, np.nan))
    levels = posterior.cdf(10.0 ** model.double().numpy())
    table = Table("soundings", "in 50 % band", "in 90 % band", "ranks: chi², 19 d.o.f.", "p", title="calibration")
    noise = np.nanmax(np.where(present, soundings.error.numpy(), np.nan), axis=1)
    rng = np.random.default_rng(SEED)
    one = levels[np.arange(n_models), rng.integers(levels.shape[1], size=n_models)]
    groups = {
        "all": noise >= 0,
        "exact": noise == 0,
        "1 to 3 %": (noise > 0) & (noise < 0.03),
        "3 to 10 %": noise >= 0.03,
    }
    for name, rows in groups.items():
        inside = [np.mean(np.abs(levels[rows] - 0.5) < half) for half in (0.25, 0.45)]
        counts = np.histogram(one[rows], bins=N_BINS, range=(0.0, 1.0))[0]
        chi2, p = stats.chisquare(counts)
        row = (*(f"{100 * part:.1f} %" for part in inside), f"{chi2:.1f}", f"{p:.3f}")
        table.add_row(f"{name} ({rows.sum()})", *row)
        if name == "all":
            thousand = stats.chisquare(np.histogram(one[:1000], bins=N_BINS, range=(0.0, 1.0))[0])
            table.add_row("the first 1000", "", "", f"{thousand.statistic:.1f}", f"{thousand.pvalue:.3f}")
    console.print(table)
    depths = Table("layer", *(str(i + 1) for i in range(0, 40, 6)), title="in 90 % band, by layer")
    inside = (np.abs(levels - 0.5) < 0.45).mean(0)
    depths.add_row("%", *(f"{100 * inside[i]:.1f}" for i in range(0, 40, 6)))
    console.print(depths)


def speed(network, n_models, console):
    frequencies = np.logspace(*BANDS[network.design], 31)
    models = synthetic.sample_layered_earth(500, network.design, random_seed=SEED)
    data = [np.resize(values, (n_models, 31)) for values in measured(models, network.design, frequencies, 0.05, 0)]
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        network.predict(frequencies, *data)
        seconds.append(time.perf_counter() - began)
    device = next(network.parameters()).device
    console.print(
        f"{n_models} predictions on {device}, {torch.get_num_threads()} threads: {statistics.median(seconds):.2f} s "
        f"(median of 3; least {min(seconds):.2f})"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--timed", type=int, default=10_000, help="predictions that are timed")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", nargs="*", default=["published", "wide"], help="designs, or files")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    console = Console(width=110)
    for weights in options.weights:
        network = MT1DUNet.from_pretrained(weights, device=options.device)
        accuracy(network, options.models, console)
        calibration(network, options.models, console)
        speed(network, options.timed, console)


if __name__ == "__main__":
    main()
