"""Where an inversion with a learned prior starts: the best of many random models, after short inversions from them."""

from __future__ import annotations

import numpy as np

from ... import optimization
from ...maps import DecoderMap
from .._assemble import QUIET, assemble

INFLATED_NOISE = (30.0, 10.0, 3.0)  # factors on the standard deviations, one short inversion after the other
SHORT_RUN = 6  # iterations of each


def best_candidates(
    latent: DecoderMap, misfits: list, places: list[int], n_candidates: int, n_starts: int, random_seed: int
) -> list[np.ndarray]:
    """Return the random models whose data fit best once scaled, the best first."""
    sized = []
    for model in latent.candidates(n_candidates, random_seed):
        size, scaled = 0.0, model.copy()
        for one, place in zip(misfits, places, strict=True):
            wanted = one.W @ one.data.dobs
            predicted = one.W @ one.simulation.dpred(model)
            factor = max(float(predicted @ wanted) / max(float(predicted @ predicted), 1e-300), 1e-3)
            scaled, factor = latent.rescaled(scaled, place, factor)
            size += float(np.mean((factor * predicted - wanted) ** 2)) / float(np.mean(wanted**2))
        sized.append((size, scaled))
    return [model for _, model in sorted(sized, key=lambda pair: pair[0])[:n_starts]]


def tried(latent: DecoderMap, misfits: list, candidates: list, device) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return final and reference models of short inversions from all candidates, best first."""
    ends = []
    for model in candidates:
        reference = latent.unsized(model)
        prior = latent.prior(reference)
        for factor in INFLATED_NOISE:
            minimizer = optimization.LevenbergMarquardt(maxIter=SHORT_RUN, target_chi=None, device=device)
            inversion, _ = assemble(misfits, prior, minimizer, QUIET, beta=factor**2)
            model = inversion.run(model)
        value = sum(one(model) for one in misfits) / INFLATED_NOISE[-1] ** 2 + prior(model)
        ends.append((float(value), model, reference))
    return [(model, reference) for _, model, reference in sorted(ends, key=lambda end: end[0])]
