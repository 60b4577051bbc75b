"""Rounds of an inversion over cells and of training the network that it starts from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from simpeg.data import Data
from simpeg.directives import InversionDirective
from simpeg.simulation import BaseSimulation

from ..._core import validation as check
from ...maps import GravMagMap
from ...networks import GravMagUNet, Placement
from .._assemble import Records
from .._base import BaseRecipe
from .._recipe import Recipe
from ..joint import CellOptions
from ._cells import predictions, warm_started
from ._data import NetworkData, network_data
from ._options import Training, checked_training
from ._training import trained_on
from ._tuning import TUNING


@dataclass
class RetrainingRecipe(BaseRecipe):
    """Rounds of inverting over cells and of training the network that they start from.

    After `run` all attributes are those of the last inversion.

    Parameters
    ----------
    inversion : simpeg.inversion.BaseInversion
        A plain SimPEG inversion; anything of it may be changed before it runs.
    initial_model : (nP,) numpy.ndarray
        Starting model.
    maps : dict of str to simpeg.maps.IdentityMap
        Maps from the whole model to each property on the active cells.
    log : simpeg_jointdl.directives.SaveLog
        Record of the run: ``log.history`` holds χ, trade-off parameters, coupling weights and values of each
        iteration; see :func:`simpeg_jointdl.plotting.plot_convergence`.
    network_map : simpeg_jointdl.maps.TorchMap or None
        Map of the network, where the model is the weights or the input of a network.
    network : networks.GravMagUNet
        The network; after `run` the last one. It predicts from data of the same area.
    make_round : callable
        Makes the inversion over cells of a round, a `Recipe`, from what `predict_map` gives.
    predict_map : callable
        Makes the :class:`~simpeg_jointdl.maps.GravMagMap` over the data from a network.
    train : callable
        Called as ``train(latent, models, number)`` with such a map, a list of models {name: (n_active,)} and the number
        of the round; returns the trained network and the loss of every step.
    rounds : int
        Largest number of rounds.
    tolerance : float
        Difference between prediction and inversion, as in `history`, at which both agree.
    history : list of dict
        One entry per round: ``difference`` between the network's prediction and the models of the inversion, relative,
        the mean over both properties; ``chi`` of the inversion; ``loss`` of the first and the last step of the training
        that followed.
    agreed : bool
        Whether the difference fell to the tolerance; if not, the rounds came to an end.

    Attributes
    ----------
    model : (nP,) numpy.ndarray or None
        Final model; None before `run`.
    """

    network: GravMagUNet | None = None
    make_round: Callable[[GravMagMap], Recipe] | None = None
    predict_map: Callable[[GravMagUNet], GravMagMap] | None = None
    train: Callable[..., tuple[GravMagUNet, list[float]]] | None = None
    rounds: int = 3
    tolerance: float = 0.1
    history: list[dict[str, Any]] = field(default_factory=list)
    agreed: bool = False

    @property
    def teach(self) -> Callable[..., tuple[GravMagUNet, list[float]]] | None:
        """The name of :attr:`train` in version 0.1."""
        return self.train

    @teach.setter
    def teach(self, value: Callable[..., tuple[GravMagUNet, list[float]]] | None) -> None:
        self.train = value

    def run(self) -> dict[str, np.ndarray]:
        """Run all rounds; another run goes on from the network that the last one left.

        Returns
        -------
        dict of str to (n_active,) numpy.ndarray
            Values of each property on the active cells, from the last inversion.
        """
        self.history, self.agreed = [], False
        for number in range(self.rounds):
            latent = self.predict_map(self.network)
            one = self._round(latent)
            models = _Iterates()
            models.inversion = one.inversion
            one.inversion.directiveList.dList.append(models)
            found = one.run()
            self.inversion, self.model, self.maps, self.log = one.inversion, one.model, one.maps, one.log
            self.initial_model = one.initial_model
            predicted = one.properties(one.initial_model)
            difference = float(np.mean([_distance(predicted[name], found[name]) for name in found]))
            self.history.append({"difference": difference, "chi": one.chi, "loss": ()})
            self.agreed = difference <= self.tolerance
            if self.agreed or number == self.rounds - 1:
                break
            chosen = [one.properties(m) for m in models.spread(TUNING.most_models, one.model)]
            self.network, losses = self.train(latent, chosen, number)
            self.history[-1]["loss"] = (losses[0], losses[-1])
        return found

    def resume(self) -> dict[str, np.ndarray]:
        """Refuse to continue: a checkpoint would be of one round, without the trained network.

        Raises
        ------
        ValueError
            Always. Run it again: ``recipe.network`` is the network after the last round that was finished.
        """
        msg = (
            "RetrainingRecipe.resume: rounds keep no checkpoint, which would be of one inversion without the network; "
            "call run() again, which goes on from recipe.network."
        )
        raise ValueError(msg)

    def _round(self, latent: GravMagMap) -> Recipe:
        """Return the first inversion as the user has it, or make another."""
        if self.model is None:
            return Recipe(self.inversion, self.initial_model, self.maps, self.log)
        return self.make_round(latent)


class _Iterates(InversionDirective):
    """Keep the models of an inversion."""

    def initialize(self):
        """Forget those of another run."""
        self._kept = []

    def endIter(self):
        """Keep one more."""
        self._kept.append(self.opt.xc.copy())

    def spread(self, most: int, last: np.ndarray) -> list[np.ndarray]:
        """Return at most so many of them, evenly spread, with the last one replaced."""
        kept = [*self._kept[:-1], last]
        return [kept[i] for i in np.unique(np.linspace(0, len(kept) - 1, most).round().astype(int))]


def _distance(predicted: np.ndarray, found: np.ndarray) -> float:
    """Difference of two models relative to the second."""
    size = np.linalg.norm(found)
    return float(np.linalg.norm(predicted - found) / size) if size > 0 else float(np.linalg.norm(predicted) > 0)


def create_retraining(
    data: Data | Sequence[Data],
    simulation: BaseSimulation | Sequence[BaseSimulation],
    *,
    network: GravMagUNet | None = None,
    placement: Placement | None = None,
    training: Training | None = None,
    cells: CellOptions | None = None,
    sparse_share: float = TUNING.sparse_share,
    couplings: Callable[..., Any] | Sequence[Callable[..., Any]] = (),
    coupling_ratios: float | Sequence[float] = 1.0,
    rounds: int = 3,
    tolerance: float = 0.1,
    chifact: float = 1.0,
    random_seed: int = 0,
    progress: bool = True,
) -> RetrainingRecipe:
    """Set up rounds of inverting gravity and magnetics and of training their network.

    Each round is an inversion as of :func:`create_warm_started_inversion`. After it the network is trained for some
    steps on the models that the inversion went through and on their exact data with other noise. The rounds end when
    the network predicts from the data, to `tolerance`, what the inversion finds that fits them.

    Nothing is saved between rounds, so there is no ``checkpoint`` and no ``log``: a file would be of the last inversion
    alone, without the network. ``recipe.history`` keeps what each round came to, and another `run` goes on from
    ``recipe.network``.

    Parameters
    ----------
    data, simulation, network, placement
        As in :func:`create_finetuned_inversion`.
    training : Training, optional
        What of the network is trained, and how.
    cells : CellOptions, optional
        Options of the inversions over cells.
    sparse_share : float
        Largest share, from 0 to 1, of sparse inversions in the reference model, see :class:`Anchor`.
    couplings : class, callable or sequence of these
        Couplings between density and susceptibility, as in :func:`create_joint_inversion`.
    coupling_ratios : float or sequence of float
        Strength of each coupling relative to the regularization.
    rounds : int
        Largest number of rounds.
    tolerance : float
        Relative difference between prediction and inversion at which the rounds end.
    chifact : float
        Target misfit per datum.
    random_seed : int
        Seed of the adapters, and of noise and order in the training.
    progress : bool
        Whether a live table of each inversion is shown. If False, nothing is printed.

    Returns
    -------
    RetrainingRecipe
        The rounds, ready to run.

    Raises
    ------
    ValueError, TypeError
        For simulations of other properties, or two of one; for data that the network refuses, and options out of
        range.
    FileNotFoundError
        If no network is given and no weights come with the package.
    """
    training = checked_training("create_retraining.training", training, Training)
    cells = check.instance("create_retraining.cells", CellOptions() if cells is None else cells, CellOptions)
    check.share("create_retraining.sparse_share", sparse_share)
    check.whole("create_retraining.rounds", rounds)
    check.positive("create_retraining.tolerance", tolerance)
    check.positive("create_retraining.chifact", chifact)
    placed = network_data("create_retraining", data, simulation, placement, cells.misfit)
    network = GravMagUNet.from_pretrained() if network is None else network
    predict_map = partial(_predict_map, placed, training=training, random_seed=random_seed)
    make_round = partial(
        _inversion_of_round, placed, cells=cells, sparse_share=sparse_share, couplings=couplings,
        coupling_ratios=coupling_ratios, chifact=chifact, records=Records(bool(progress)),
    )  # fmt: skip
    first = make_round(predict_map(network))
    return RetrainingRecipe(
        first.inversion, first.initial_model, first.maps, first.log,
        network=network, make_round=make_round, predict_map=predict_map,
        train=partial(trained_on, placed, learning_rate=training.learning_rate, random_seed=random_seed),
        rounds=rounds, tolerance=float(tolerance),
    )  # fmt: skip


def _predict_map(data: NetworkData, network: GravMagUNet, *, training: Training, random_seed: int) -> GravMagMap:
    return data.map_of(network, training, random_seed)


def _inversion_of_round(data: NetworkData, latent: GravMagMap, *, cells: CellOptions, **options) -> Recipe:
    return warm_started("create_retraining", data, predictions(latent), cells, **options)
