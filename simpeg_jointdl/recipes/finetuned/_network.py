"""What fine-tuned inversions are made of: each kind of inversion, its terms, and what it is held to."""

from __future__ import annotations

from functools import partial

import numpy as np
from discretize import TensorMesh
from simpeg import inverse_problem, inversion
from simpeg.data import Data
from simpeg.maps import Wires
from simpeg.regularization import Smallness

from ... import directives, optimization
from ..._problem.simulations import looking_through
from ..._tensor_path import Passage, SumThrough
from ...maps import GravMagMap
from ...regularization.reference import ModelChange
from .._recipe import Recipe
from ..joint import create_joint_inversion
from ._inputs import KINDS, WHO, Ground, check_choice
from ._mixture import mixed, run_quietly
from ._recipe import FinetunedRecipe
from ._retraining import retrain

OPTIMIZERS = ("levenberg-marquardt", "adam")
_ITERATIONS, _FEW = 40, 6  # of Gauss-Newton, and of it before the cells are finished
_CG, _DAMPING = 100, 1e-2  # of conjugate gradients, and where it begins
_ADAM_ITERATIONS, _STEPS, _RATE = 150, 5, 4  # of five steps of Adam each, and those between two coolings
_LEARNING_RATES = {"adapters": 1e-2, "all": 5e-4}
_LESSON, _COPIES = 60, 3  # steps of a training, and noises per model
_SMALLNESS = 3.0  # against smoothness of the change
_AIM, _WITHIN = 1.04, 0.04  # of the noise: what is held to a model at its noise ends a little above, not below
_PROBES = 2
_LIMIT = _AIM + _WITHIN
_FIRMEST = 1e-2  # change of a property against that of the other, below which it is held no more firmly
_POWER = 8.0  # of BalanceMisfits: there are few iterations
_BOUNDS = {"susceptibility": (0.0, np.inf)}


def network_inversion(
    ground: Ground, latent: GravMagMap, *, couplings, ratio, anchor, held_to, sparse_share, finish, learning_rate,
    optimizer, chifact, max_iterations, progress, checkpoint, log,
) -> FinetunedRecipe:  # fmt: skip
    """Over the weights of a network."""
    if not (np.ndim(anchor) == 0 and np.isfinite(anchor) and anchor >= 0.0):
        msg = f"{WHO}.anchor: got {anchor!r}, wanted a number of 0 or more."
        raise ValueError(msg)
    parts = dict(zip(latent.property_names, latent.properties, strict=True))
    predicted = predictions(latent)
    wires = _wires(latent)
    passage, model = Passage(latent), latent.initial_model()
    misfits = SumThrough(ground.misfits(parts), ground.misfits(wires), passage)
    max_iterations = _FEW if finish and max_iterations is None and optimizer != "adam" else max_iterations
    optimizer = _optimizer(optimizer, learning_rate, max_iterations, latent, chifact)
    reference = _reference(ground, predicted, sparse_share, chifact) if held_to == "mesh" else predicted
    reference, predicted = (np.stack(list(some.values())) for some in (reference, predicted))
    reg, strength = _terms(ground, parts, wires, passage, model, predicted, reference, couplings, ratio, anchor)
    problem = inverse_problem.BaseInvProblem(misfits, reg, optimizer, beta=0.0, init_bfgs=False, print_version=False)
    record = directives.SaveLog(log)
    steps = [record, directives.ShowProgress()] if progress else [record]
    if len(misfits.objfcts) > 1:
        steps.append(directives.BalanceMisfits(_AIM * chifact, power=_POWER))
    if strength:
        rate = _RATE if isinstance(optimizer, optimization.TorchMinimize) else 1
        data = _gives_way(ground, latent, reg)
        steps.append(directives.CoolCouplings(strength, rate=rate, chifact=_LIMIT * chifact, data=data))
    if checkpoint is not None:
        steps.append(directives.SaveCheckpoint(checkpoint))
    last = partial(_finishing, ground, chifact=_AIM * chifact, progress=progress) if finish else None
    return FinetunedRecipe(
        inversion.BaseInversion(problem, directiveList=steps), model, parts, record, network_map=latent,
        make_finishing=last, limit=_LIMIT * chifact,
    )  # fmt: skip


def predictions(latent: GravMagMap) -> dict[str, np.ndarray]:
    """What the network says before anything is changed of it, {name: (n_active,)}."""
    model = latent.initial_model()
    return dict(zip(latent.property_names, (part * model for part in latent.properties), strict=True))


def _wires(latent: GravMagMap) -> dict:
    """Maps from all properties, one after the other, to each."""
    n = len(latent.outside)
    wires = Wires(*((name, n) for name in latent.property_names))
    return {name: getattr(wires, name) for name in latent.property_names}


def _reference(ground, predicted, sparse_share, chifact) -> dict:
    """What an inversion over cells makes of the prediction, and the prediction of a property without data."""
    options = {"sparse_share": sparse_share, "chifact": chifact, "options": {}}
    recipe = mesh_inversion(ground, predicted, **options, progress=False, checkpoint=None, log=None)
    return predicted | run_quietly(recipe)


def _finishing(ground, found, *, chifact, progress) -> Recipe:
    """The least change of cells that fits the data."""
    options = {"sparse_share": 0.0, "chifact": chifact, "options": {}}
    return mesh_inversion(ground, found, **options, progress=progress, checkpoint=None, log=None)


def _terms(ground, parts, wires, passage, model, predicted, reference, couplings, ratio, anchor):
    """Anchor and couplings with their multipliers, and their strength at the start relative to the misfits'."""
    makers = [couplings] if callable(couplings) else list(couplings)
    if anchor:
        makers = [partial(ModelChange, reference=reference, which=which) for which in range(len(parts))] + makers
    if not makers:
        return Smallness(TensorMesh([passage.map.nP]), reference_model=model), 0.0
    outer, inner = (
        [make(ground.mesh, wire_map=list(some.values()), active_cells=ground.active) for make in makers]
        for some in (parts, wires)
    )
    if not anchor:
        return SumThrough(outer, inner, passage), float(ratio)
    traces = [_trace(SumThrough([one], [two], passage), model) for one, two in zip(outer, inner, strict=True)]
    firm, n = firmness(predicted, reference), len(parts)
    anchors = sum(traces[:n])
    multipliers = [ratio * anchors / trace if trace > 0 else 0.0 for trace in traces[n:]]
    strength = anchor * firm @ traces[:n] / anchors if anchors > 0 else anchor
    return SumThrough(outer, inner, passage, [*firm, *multipliers]), float(strength)


def firmness(predicted: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """How firmly each property is held, 1 for the one whose data ask for the largest change, the square by the ratio.

    All are changed by one set of weights; what one has no need of is not to come with what another needs.
    """
    size = np.linalg.norm(reference, axis=1)
    change = np.linalg.norm(reference - predicted, axis=1) / np.where(size > 0, size, 1.0)
    least = _FIRMEST * change.max()
    return (change.max() / np.maximum(change, least)) ** 2 if least > 0 else np.ones(len(change))


def _gives_way(ground, latent, reg) -> list | None:
    """Data sets that each term is cooled for: an anchor its own, a coupling any; none of an anchor without data."""
    anchors = sum(isinstance(term, ModelChange) for term in reg.objfcts)
    if not anchors:
        return None
    own = [[ground.names.index(name)] if name in ground.names else [] for name in latent.property_names]
    return own + [list(range(len(ground.names)))] * (len(reg.objfcts) - anchors)


def _trace(term, model) -> float:
    rng = np.random.default_rng(0)
    probes = rng.choice([-1.0, 1.0], (_PROBES, model.size))
    return float(np.mean([probe @ term.deriv2(model, probe) for probe in probes]))


def _optimizer(given, learning_rate, max_iterations, latent, chifact):
    given = OPTIMIZERS[0] if given is None else given
    if not isinstance(given, str):
        return given
    check_choice("optimizer", given, OPTIMIZERS)
    if given == "levenberg-marquardt":
        most = _ITERATIONS if max_iterations is None else max_iterations
        return optimization.LevenbergMarquardt(
            space="model", damping=_DAMPING, target_chi=_AIM * chifact, tolerance=_WITHIN, maxIter=most, cg_maxiter=_CG,
            device=latent.device, dtype=latent.dtype,
        )  # fmt: skip
    return optimization.TorchMinimize(
        "adam",
        lr=_learning_rate(learning_rate, latent),
        maxIter=_ADAM_ITERATIONS if max_iterations is None else max_iterations,
        steps_per_iteration=_STEPS,
        patience=1,
        keep="first",
        target_chi=_LIMIT * chifact,
        device=latent.device,
    )


def _learning_rate(given, latent) -> float:
    kind = "adapters" if any("parametrizations" in name for name in latent.names) else "all"
    return _LEARNING_RATES[kind] if given is None else given


def mesh_inversion(
    ground: Ground, predicted: dict, *, sparse_share, chifact, options: dict, progress, checkpoint, log
) -> Recipe:
    """Over cells, from the prediction, held to it or to its mixture with sparse inversions."""
    n = int(ground.active.sum())
    wires = Wires(*((name, n) for name in ground.names))
    predicted = {name: predicted[name] for name in ground.names}
    options = {"bounds": {}, "alpha_s": _SMALLNESS, "sensitivity_weights": False, **options}
    if options["bounds"] is not None:
        options["bounds"] = {name: _BOUNDS[name] for name in ground.names if name in _BOUNDS} | options["bounds"]
    reference = mixed(ground, predicted, sparse_share, bounds=options["bounds"] or {}, chifact=chifact)
    options = {"starting_models": predicted, "reference_models": reference, **options}
    recipe = create_joint_inversion(
        ground.mesh,
        ground.misfits({name: getattr(wires, name) for name in ground.names}),
        wires,
        active_cells=ground.active,
        chifact=chifact,
        progress=progress,
        checkpoint=checkpoint,
        log=log,
        **options,
    )
    for term in recipe.inversion.invProb.reg.objfcts:
        if hasattr(term, "reference_model_in_smooth"):
            term.reference_model_in_smooth = True
    return recipe


def taught(ground: Ground, latent: GravMagMap, models: list[dict], number: int, *, learning_rate, random_seed):
    """The network after a training on models and their data with noise of its own, and the losses."""
    rng = np.random.default_rng([random_seed, number])
    base = latent.module_from(latent.initial_model())
    pairs = []
    for properties in models:
        exact = {
            name: looking_through(one, key, getattr(one, key)).dpred(properties[name])
            for one, key, name in zip(ground.simulations, ground.keys, ground.names, strict=True)
        }
        for _ in range(_COPIES):
            pairs.append((latent.grids_of(base, _noisy(ground, exact, rng)), properties))
    rate = _learning_rate(learning_rate, latent)
    return retrain(latent, pairs, ground.names, n_steps=_LESSON, learning_rate=rate, random_seed=random_seed + number)


def _noisy(ground, exact, rng) -> dict:
    made = {}
    for name, some in zip(ground.names, ground.observed, strict=True):
        deviation = np.asarray(some.standard_deviation)
        values = exact[name] + deviation * rng.standard_normal(len(deviation))
        made[KINDS[name]] = Data(some.survey, dobs=values, standard_deviation=deviation)
    return made
