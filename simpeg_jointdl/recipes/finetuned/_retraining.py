"""A network that learns from the inversions it starts, until both say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from simpeg.directives import InversionDirective

from ..._core.tensors import as_numpy, as_tensor
from ...maps import GravMagMap
from ...networks import GravMagUNet
from .._recipe import Recipe

_MOST_MODELS = 4  # of an inversion's iterates, the last among them
_CUT = 1.0  # length of longest gradients


@dataclass
class RetrainingRecipe(Recipe):
    """Rounds of a mesh inversion that starts at a network's prediction, and a training of the network on what it finds.

    Attributes
    ----------
    network : simpeg_jointdl.networks.GravMagUNet
        After `run`, the last one; predicts data of the same area.
    make_round : callable
        Makes the mesh inversion of a round, a `Recipe`, of what `predict_map` gives.
    predict_map : callable
        Of a network, makes its :class:`~simpeg_jointdl.maps.GravMagMap` over the data.
    teach : callable
        ``teach(latent, models, number)`` of such a map, a list of models {name: (n_active,)} and the number of the
        round: the trained network and the loss of every step.
    rounds : int
        At most so many.
    tolerance : float
        Difference of a round, as in `history`, at which prediction and inversion agree.
    history : list of dict
        A round each: ``difference`` between the network's prediction and the inversion's models, relative, the mean
        over both properties; ``chi`` of the inversion; ``loss`` of the first and last step of the training after it.
    agreed : bool
        Whether the difference came below the tolerance; otherwise the rounds came to an end.
    """

    network: GravMagUNet = None
    make_round: Callable = None
    predict_map: Callable = None
    teach: Callable = None
    rounds: int = 3
    tolerance: float = 0.1
    history: list = field(default_factory=list)
    agreed: bool = False

    def run(self) -> dict[str, np.ndarray]:
        """All rounds; properties on the active cells, {name: (n_active,)}, of the last inversion.

        Another run goes on from the network that the last one left.
        """
        self.history, self.agreed = [], False
        for number in range(self.rounds):
            latent = self.predict_map(self.network)
            one = self._round(latent)
            watch = _Iterates()
            watch.inversion = one.inversion
            one.inversion.directiveList.dList.append(watch)
            found = one.run()
            self.inversion, self.model, self.maps, self.log = one.inversion, one.model, one.maps, one.log
            self.initial_model = one.initial_model
            predicted = one.properties(one.initial_model)
            difference = float(np.mean([_distance(predicted[name], found[name]) for name in found]))
            self.history.append({"difference": difference, "chi": one.chi, "loss": ()})
            self.agreed = difference <= self.tolerance
            if self.agreed or number == self.rounds - 1:
                break
            models = [one.properties(m) for m in watch.spread(_MOST_MODELS, one.model)]
            self.network, losses = self.teach(latent, models, number)
            self.history[-1]["loss"] = (losses[0], losses[-1])
        return found

    def _round(self, latent) -> Recipe:
        """The first one is the inversion that was handed over, whatever has been changed of it."""
        if self.model is None:
            return Recipe(self.inversion, self.initial_model, self.maps, self.log)
        one = self.make_round(latent)
        one.inversion.opt.printers = self.inversion.opt.printers
        return one


class _Iterates(InversionDirective):
    """Keeps the models of an inversion."""

    def initialize(self):
        """Forget those of another run."""
        self._kept = []

    def endIter(self):
        """Keep one more."""
        self._kept.append(self.opt.xc.copy())

    def spread(self, most: int, last: np.ndarray) -> list[np.ndarray]:
        """At most so many, evenly spread, the last one among them."""
        kept = [*self._kept[:-1], last]
        return [kept[i] for i in np.unique(np.linspace(0, len(kept) - 1, most).round().astype(int))]


def _distance(predicted: np.ndarray, found: np.ndarray) -> float:
    size = np.linalg.norm(found)
    return float(np.linalg.norm(predicted - found) / size) if size > 0 else float(np.linalg.norm(predicted) > 0)


def retrain(
    latent: GravMagMap, pairs: list, names: list[str], *, n_steps: int, learning_rate: float, random_seed: int
) -> tuple[GravMagUNet, list[float]]:
    r"""A network that has seen models and their data.

    Minimises, by Adam over one pair at a time, the mean over properties of
    :math:`\lVert \mathbf p - \mathbf p^* \rVert^2 / \lVert \mathbf p^* \rVert^2`.

    Parameters
    ----------
    latent : GravMagMap
        Of the network as it was, whose trained parameters may change.
    pairs : list of (grids, models)
        `GravMagGrids`, and {name: (n_active,)}.
    names : list of str
        Properties that count.
    n_steps, learning_rate, random_seed
        Of Adam; the seed is that of the order of pairs.

    Returns
    -------
    GravMagUNet, list of float
        And the loss of every step.
    """
    start = latent.initial_model()
    module = latent.predicted_module(start)
    weights = [parameter for parameter in module.parameters() if parameter.requires_grad]
    adam = torch.optim.Adam(weights, lr=learning_rate)
    order = np.random.default_rng(random_seed).integers(len(pairs), size=n_steps)
    places, losses = [latent.property_names.index(name) for name in names], []
    for which in order:
        grids, models = pairs[which]
        wanted = as_tensor(np.stack([models[name] for name in names]), latent.device, latent.dtype)
        inputs = [one.to(latent.device, latent.dtype if one.is_floating_point() else None) for one in grids]
        adam.zero_grad()
        error = (module(*inputs)[places] - wanted).square().sum(1)
        loss = (error / wanted.square().sum(1).clamp(min=torch.finfo(error.dtype).tiny)).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, _CUT)
        adam.step()
        losses.append(float(loss.detach()))
    values = torch.cat([weight.detach().ravel() for weight in weights])
    return latent.module_from(as_numpy(values)), losses
