"""Anchor and couplings of a fine-tuned network, and how strong they are."""

from __future__ import annotations

from functools import partial

import numpy as np
from discretize import TensorMesh
from simpeg.maps import Wires
from simpeg.regularization import Smallness

from ..._core import validation as check
from ..._tensor_path import Passage, SumThrough
from ...maps import GravMagMap
from ...regularization.reference import ModelChange
from .._couplings import listed_couplings, made_coupling
from ._data import NetworkData
from ._tuning import TUNING


def wires_of(latent: GravMagMap) -> dict:
    """Return maps from all properties, one after the other, to each of them, by name."""
    n = len(latent.outside)
    wires = Wires(*((name, n) for name in latent.property_names))
    return {name: getattr(wires, name) for name in latent.property_names}


def anchor_and_couplings(
    who: str,
    data: NetworkData,
    passage: Passage,
    predicted: np.ndarray,
    reference: np.ndarray,
    couplings,
    coupling_ratios,
    strength: float,
) -> tuple[SumThrough | Smallness, float]:
    """Return anchor and couplings, and their first strength relative to the misfits.

    Parameters
    ----------
    who : str
        Name of the function that the user has called.
    data : NetworkData
        Data and simulations.
    passage : Passage
        Network that all terms share.
    predicted, reference : (n_properties, n_active) numpy.ndarray
        Prediction, and what the anchor keeps models near.
    couplings, coupling_ratios
        As of the recipe.
    strength : float
        Strength of the anchor; 0 for none.
    """
    latent = passage.map
    model, n_anchors = latent.initial_model(), len(latent.property_names) if strength else 0
    outer = dict(zip(latent.property_names, latent.properties, strict=True))
    makers = listed_couplings(couplings)
    ratios = check.per_item(f"{who}.coupling_ratios", coupling_ratios, len(makers), "coupling", above=0.0)
    makers = [partial(ModelChange, reference=reference, which=which) for which in range(n_anchors)] + makers
    if not makers:
        return Smallness(TensorMesh([latent.nP]), reference_model=model), 0.0
    cells = data.paired.active_cells
    through, inner = (
        [
            made_coupling(who, make, data.paired.mesh, wire_map=list(some.values()), active_cells=cells)
            for make in makers
        ]
        for some in (outer, wires_of(latent))
    )
    if not strength:
        multipliers = list(ratios / ratios[0])
        return SumThrough(through, inner, passage, multipliers), float(ratios[0])
    traces = [_trace(SumThrough([one], [two], passage), model) for one, two in zip(through, inner, strict=True)]
    anchor_weights = anchor_strengths(predicted, reference)
    anchors = sum(traces[:n_anchors])
    multipliers = [
        float(ratio) * anchors / trace if trace > 0 else 0.0
        for ratio, trace in zip(ratios, traces[n_anchors:], strict=True)
    ]
    whole = strength * anchor_weights @ traces[:n_anchors] / anchors if anchors > 0 else strength
    return SumThrough(through, inner, passage, [*anchor_weights, *multipliers]), float(whole)


def anchor_strengths(predicted: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return how strongly each property is held, (n_properties,).

    It is 1 for the property whose data ask for the larger change, and the square of the ratio of both changes for the
    other: one set of weights changes both, and a property that needs no change should not take part in that of the
    other.
    """
    size = np.linalg.norm(reference, axis=1)
    change = np.linalg.norm(reference - predicted, axis=1) / np.where(size > 0, size, 1.0)
    least = TUNING.smallest_change * change.max()
    return (change.max() / np.maximum(change, least)) ** 2 if least > 0 else np.ones(len(change))


def data_of_terms(data: NetworkData, latent: GravMagMap, reg) -> list[list[int]] | None:
    """Return the data sets for which each term is cooled: its own, or all for a coupling.

    None without an anchor; an anchor of a property without data is never cooled.
    """
    n_anchors = sum(isinstance(term, ModelChange) for term in reg.objfcts)
    if not n_anchors:
        return None
    own = [[data.names.index(name)] if name in data.names else [] for name in latent.property_names]
    return own + [list(range(len(data.names)))] * (len(reg.objfcts) - n_anchors)


def _trace(term, model) -> float:
    """Estimate the trace of a Hessian from seeded random vectors."""
    rng = np.random.default_rng(0)
    probes = rng.choice([-1.0, 1.0], (TUNING.trace_probes, model.size))
    return float(np.mean([probe @ term.deriv2(model, probe) for probe in probes]))
