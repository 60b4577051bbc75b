"""A pre-trained network's prediction, and inversions that start from it and fit the data."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np
from simpeg import data_misfit

from ..._core.checks import check_positive
from ...maps import GravMagMap
from ...networks import GravMagUNet
from .._recipe import Recipe
from ._inputs import HELD_TO, MODES, WHO, Ground, check_choice, check_rounds, checked_mesh_options, make_ground
from ._mixture import MOST
from ._network import mesh_inversion, network_inversion, predictions, taught
from ._retraining import RetrainingRecipe

_PLACE = set(inspect.signature(GravMagUNet.predict).parameters) - {"self", "gravity_data", "magnetic_data"}


def create_finetuned_inversion(
    data,
    simulation,
    *,
    network=None,
    mode: str = "network",
    trained="decoder",
    rank: int = 8,
    couplings=(),
    ratio: float = 1.0,
    anchor: float = 10.0,
    held_to: str = "mesh",
    sparse_share: float = MOST,
    finish: bool = True,
    learning_rate: float | None = None,
    rounds: int = 3,
    tolerance: float = 0.1,
    misfit=data_misfit.L2DataMisfit,
    optimizer=None,
    chifact: float = 1.0,
    max_iterations: int | None = None,
    random_seed: int = 0,
    progress: bool = True,
    checkpoint=None,
    log=None,
    device=None,
    dtype=None,
    mesh_options: dict | None = None,
    **place,
) -> Recipe:
    r"""Inversion of gravity, magnetics or both that starts from what a trained network predicts from them.

    - ``mode="network"``: over the network's weights, from those it was trained to. Minimises

      .. math::
          \sum_d c_d\, \phi_d(\mathbf u(\mathbf m)) + \beta \left( \phi_a(\mathbf u(\mathbf m))
          + \sum_c \lambda_c \phi_c(\mathbf u(\mathbf m)) \right)

      with :math:`\phi_a` the distance of models from what they are held to, by damped Gauss-Newton steps, until every
      data set is at its noise; :math:`\beta`, of each property its own, falls while its data are not. What a few steps
      leave above the noise, cells then take up: the least change of them that fits.
    - ``mode="mesh"``: over cells, by :func:`create_joint_inversion`, with the prediction as starting model: of all
      models that fit the data, the one nearest to the prediction, or to its mixture with sparse inversions.
    - ``mode="retrain"``: rounds of ``"mesh"``, after each of which the network is trained for some steps on the models
      that inversion went through and on their exact data with other noise. Rounds end when the network predicts from
      the data, to `tolerance`, what the inversion finds that fits them.

    Parameters
    ----------
    data : simpeg.data.Data or sequence of these
        Finite, with standard deviations above 0: stations without a value are left out, of the survey too.
    simulation : simpeg.simulation.BaseSimulation or sequence of these
        Of density (``rhoMap``) and susceptibility (``chiMap``), each map taking one value per active cell, on one
        mesh. Not changed. A mesh that is not the network's (`GravMagUNet.mesh_for`) takes averages over shared volumes,
        and cells outside of it stay zero in mode "network", but for what cells take up at the end.
    network : networks.GravMagUNet, optional
        ``GravMagUNet.from_pretrained()`` if not given. Copied.
    mode : {"network", "mesh", "retrain"}
    trained, rank
        What may change of the network, see :class:`~simpeg_jointdl.maps.GravMagMap`: its decoder, adapters of low rank,
        or all of it.
    couplings : class, callable or sequence of these
        As in :func:`create_joint_inversion`, of the predicted properties. In mode "network" they act on the weights
        alone, not on the inversions over cells before (`held_to`) and after (`finish`).
    ratio : float
        Strength of the couplings: in mode "network" the trace of their Hessian over that of the anchor's, each
        coupling's own; else the `ratios` of :func:`create_joint_inversion`.
    anchor : float
        At the start, trace of the anchor's Hessian over that of the misfits', of the property whose data ask for the
        larger change from the prediction; the other is held more firmly, by the square of the ratio. 0 for none.
    held_to : {"prediction", "mesh"}
        What the anchor holds models to: the prediction, or what an inversion over cells, as of mode "mesh", makes of
        it first, while the recipe is made. See Notes.
    sparse_share : float
        Largest share of sparse inversions, of each data set by itself and from nothing, in what models are held to
        over cells: none of a property whose data the prediction explains but for 10 % of their rms, this much where it
        leaves 20 %, and linear between; 0 for the prediction alone. Such an inversion runs only where it is needed.
    finish : bool
        In mode "network", whether cells take up what the weights leave above the noise, and Gauss-Newton stops after 6
        iterations, not 40. The network alone: False.
    learning_rate : float, optional
        Of Adam, in mode "retrain" and with ``optimizer="adam"``.
    rounds, tolerance
        Of mode "retrain".
    misfit : class
        ``misfit(data=..., simulation=...)``.
    optimizer : {"levenberg-marquardt", "adam"} or simpeg.optimization.Minimize, optional
        Of mode "network"; the first if not given.
    chifact : float
        Target misfit per datum.
    max_iterations : int, optional
        Of Gauss-Newton, or of five steps of Adam each.
    random_seed : int
        Of adapters, and of noise and order in the training.
    progress, checkpoint, log
        As in :func:`create_joint_inversion`; of mode "retrain" no files.
    device, dtype
        Of the network; float64 if not given, float32 is faster.
    mesh_options : dict, optional
        Further arguments of :func:`create_joint_inversion`, such as ``norms`` and ``bounds``; susceptibility is not
        negative unless its bounds say otherwise, or bounds are None.
    **place
        ``cell_size``, ``height``, ``ground`` ..., as of :meth:`~simpeg_jointdl.networks.GravMagUNet.predict`. With
        neither height nor ground, the ground is the top of the active cells.

    Returns
    -------
    Recipe
        ``recipe.properties(recipe.initial_model)`` is the prediction, moved into the bounds where there are any. Of
        mode "network" a :class:`FinetunedRecipe`, with ``network``, the fine-tuned one, and ``finishing``; of mode
        "retrain" a :class:`RetrainingRecipe`, with ``network``, ``history`` and ``agreed``.

    Notes
    -----
    The models that fit data of a linear problem, susceptibility not negative, are a convex set. If the truth is among
    them, the model of the set that is nearest to a prediction is nearer to the truth than the prediction is, in the
    norm in which it is nearest (Pythagoras): here that of the cells and, less, of their differences. With
    sensitivity weights it is another norm, and says nothing of the error of cells.

    Data see a small part of a model; what the weights change beyond that, on their way to the noise, is for the worse:
    without an anchor they fit the data and lose the model, and their last steps to the noise cost more than they gain.
    Hence the anchor, and the cells at the end. The shares of sparse inversions come from how prediction and sparse
    inversion compared on 36 models of their own; other defaults were chosen on few models.
    ``tests/benchmarks/finetuned.py`` measures all modes against inversions without a network.

    Raises
    ------
    ValueError, TypeError
        For simulations of other properties, or two of one; data that the network refuses; unknown modes.
    FileNotFoundError
        If no network is given and no weights come with the package.
    """
    check_choice("mode", mode, MODES)
    check_choice("held_to", held_to, HELD_TO)
    for name, value in (("chifact", chifact), ("ratio", ratio), ("tolerance", tolerance)):
        check_positive(f"{WHO}.{name}", value)
    unknown = sorted(set(place) - _PLACE)
    if unknown:
        msg = f"{WHO}() got unexpected arguments {', '.join(unknown)}; places are told by {', '.join(sorted(_PLACE))}."
        raise TypeError(msg)
    if not (np.ndim(sparse_share) == 0 and 0.0 <= sparse_share <= 1.0):
        msg = f"{WHO}.sparse_share: got {sparse_share!r}, wanted a number from 0 to 1."
        raise ValueError(msg)
    ground = make_ground(data, simulation, misfit)
    network = GravMagUNet.from_pretrained() if network is None else network
    of_map = dict(trained=trained, rank=rank, random_seed=random_seed, device=device, dtype=dtype, **place)
    predict_map = partial(_predict_map, ground, of_map)
    if place.get("ground") is None and place.get("height") is None:
        of_map["ground"] = ground.top
    latent = predict_map(network)
    watched = dict(progress=progress, checkpoint=checkpoint, log=log)
    if mode == "network":
        if mesh_options:
            msg = f"{WHO}.mesh_options: got {sorted(mesh_options)} with mode='network', which has none."
            raise ValueError(msg)
        return network_inversion(
            ground, latent, couplings=couplings, ratio=ratio, anchor=anchor, held_to=held_to,
            sparse_share=sparse_share, finish=finish, learning_rate=learning_rate, optimizer=optimizer, chifact=chifact,
            max_iterations=max_iterations, **watched,
        )  # fmt: skip
    if optimizer is not None:
        msg = f"{WHO}.optimizer: got {type(optimizer).__name__} with mode={mode!r}; mode='network' alone takes one."
        raise ValueError(msg)
    if mode == "retrain":
        check_rounds(rounds, checkpoint, log)
    options = dict(couplings=couplings, ratios=ratio, **checked_mesh_options(mesh_options))
    options |= {} if max_iterations is None else {"max_iterations": max_iterations}
    make_round = partial(mesh_inversion, ground, sparse_share=sparse_share, chifact=chifact, options=options)
    first = make_round(predictions(latent), **watched)
    if mode == "mesh":
        return first
    teach = partial(taught, ground, learning_rate=learning_rate, random_seed=random_seed)
    return RetrainingRecipe(
        first.inversion, first.initial_model, first.maps, first.log,
        network=network, make_round=lambda one: make_round(predictions(one), **watched), predict_map=predict_map,
        teach=teach, rounds=int(rounds), tolerance=float(tolerance),
    )  # fmt: skip


def _predict_map(ground: Ground, options: dict, network) -> GravMagMap:
    """The network over these data, on the mesh of the simulations."""
    return GravMagMap(network, **ground.data, mesh=ground.mesh, active_cells=ground.active, **options)
