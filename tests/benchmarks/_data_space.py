"""Gauss-Newton over a network's weights with systems as large as the data, in plain torch."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch.func import functional_call, grad, vmap


class Output:
    """From the network's raw outputs (n, k) and a few numbers beside the weights to a density between bounds.

    bounded         lower + (upper - lower) s(f)
    contrast        c s(f), one learned contrast c between the bounds: a body of one density in a ground of zero
    contrast field  c(x) s(f), the contrast a second output of the network

    s is the logistic function and `start` is added to f.
    """

    def __init__(self, kind, bounds, start):
        self.kind, self.bounds, self.start = kind, bounds, start
        self.n_outputs = 2 if kind == "contrast field" else 1

    def __call__(self, raw, extra):
        lower, upper = self.bounds
        inside = torch.sigmoid(raw[:, 0] + self.start)
        if self.kind == "bounded":
            return lower + (upper - lower) * inside
        amplitude = 2.0 * extra[0] + (raw[:, 1] if self.kind == "contrast field" else 0.0)
        return (lower + (upper - lower) * torch.sigmoid(amplitude)) * inside


@dataclass
class Result:
    """What a run found, and what it cost."""

    density: np.ndarray
    chi2: float
    steps: int
    seconds: float
    n_parameters: int


def fit(problem, network, output, *, max_steps=60, band=(0.95, 1.05), damping=1.0, dtype=torch.float32) -> Result:
    """Levenberg-Marquardt steps d = -Jᵀ (J Jᵀ + μ t I)⁻¹ r, t the mean diagonal of J Jᵀ, until χ² is in the band.

    J is the Jacobian of the whitened data in the weights, (n_data, n_weights): the kernel times the per-cell
    derivatives, which torch.func gives cell by cell. μ is divided by 2.5 after every step and multiplied by 4 where a
    step does not descend. A step that would fit noise, χ² below the band, is cut by bisection until it does not.
    """
    start = time.perf_counter()
    matrix, observed = problem.whitened(dtype)
    prepared = network.prepare(problem.points(dtype))
    names, shapes = zip(*((name, p.shape) for name, p in network.named_parameters()), strict=True)
    sizes = [shape.numel() for shape in shapes]
    weights = torch.cat([*(p.detach().flatten() for p in network.parameters()), torch.zeros(1, dtype=dtype)])

    def density(w, *prepared):
        parts = (x.reshape(shape) for x, shape in zip(w[:-1].split(sizes), shapes, strict=True))
        raw = functional_call(network, dict(zip(names, parts, strict=True)), prepared)
        return output(raw, w[-1:])

    one_cell = grad(lambda w, *cell: density(w, *(tensor[None] for tensor in cell))[0])
    per_cell = vmap(one_cell, (None, *[0] * len(prepared)), chunk_size=512)

    def residual(w):
        r = matrix @ density(w, *prepared) - observed
        return r, float(r.square().mean())

    with torch.no_grad():
        (r, chi2), steps = residual(weights), 0
        while chi2 > band[1] and steps < max_steps:
            jacobian = matrix @ per_cell(weights, *prepared)
            step, r_new, chi2_new, damping = _descend(jacobian, r, chi2, weights, residual, damping)
            if step is None:
                break
            if chi2_new < band[0]:
                step, r_new, chi2_new = _cut(step, weights, residual, band)
            weights, r, chi2, damping, steps = weights + step, r_new, chi2_new, damping / 2.5, steps + 1
        model = density(weights, *prepared).double().numpy()
    return Result(model, problem.chi2(model), steps, time.perf_counter() - start, len(weights))


def _descend(jacobian, r, chi2, weights, residual, damping, tries=10):
    """First damped step that lowers χ²; None if none does."""
    kernel = (jacobian @ jacobian.T).double()  # one eigen-decomposition serves every damping
    values, vectors = torch.linalg.eigh(kernel)
    projected, scale = vectors.T @ r.double(), values.mean()
    for _ in range(tries):
        y = vectors @ (projected / (values.clamp(min=0.0) + damping * scale))
        step = -(jacobian.T @ y.to(r.dtype))
        r_new, chi2_new = residual(weights + step)
        if chi2_new < chi2:
            return step, r_new, chi2_new, damping
        damping *= 4.0
    return None, r, chi2, damping


def _cut(step, weights, residual, band):
    """The step shortened until χ² is in the band."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        r, chi2 = residual(weights + middle * step)
        if band[0] <= chi2 <= band[1]:
            break
        low, high = (middle, high) if chi2 > band[1] else (low, middle)
    return middle * step, r, chi2
