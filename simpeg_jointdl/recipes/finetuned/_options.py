"""Options of fine-tuned inversions, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from simpeg.data_misfit import BaseDataMisfit, L2DataMisfit
from simpeg.optimization import Minimize

from ..._core import validation as check
from ._tuning import TUNING

T = TypeVar("T", bound="Training")
TARGETS = ("prediction", "mesh_inversion")
OPTIMIZERS = ("levenberg-marquardt", "adam")


@dataclass(frozen=True)
class Anchor:
    """Anchor of a fine-tuned network: a term that keeps its models near others.

    Parameters
    ----------
    strength : float
        At the start, trace of the anchor's Hessian over the trace of the misfits', of the property whose data ask for
        the larger change from the prediction. The other property is held more strongly, by the square of the ratio of
        both changes. 0 for no anchor.
    target : {"mesh_inversion", "prediction"}
        What the models are kept near: the prediction, or what an inversion over cells makes of it, which runs while
        the recipe is made.
    sparse_share : float
        Largest share, from 0 to 1, of sparse inversions in what the inversion over cells is kept near. A sparse
        inversion is of one data set alone and starts from zero. Its share is zero for a property whose data the
        prediction explains but for 10 % of their rms, this much where 20 % are left, and linear between. It runs only
        where it is needed; 0 for the prediction alone.

    Examples
    --------
    >>> from simpeg_jointdl.recipes import Anchor
    >>> Anchor(strength=3.0, target="prediction")
    Anchor(strength=3.0, target='prediction', sparse_share=0.5)
    """

    strength: float = 10.0
    target: Literal["mesh_inversion", "prediction"] = "mesh_inversion"
    sparse_share: float = TUNING.sparse_share


@dataclass(frozen=True)
class Training:
    """What of a network is trained, by which steps, and in which numbers.

    Parameters
    ----------
    trained : {"decoder", "adapters", "all"} or sequence of str
        What of the network may change, see :class:`~simpeg_jointdl.maps.GravMagMap`: its decoder, adapters of low rank,
        all of it, or the parameters of the given names.
    rank : int
        Rank of the adapters.
    learning_rate : float, optional
        Learning rate of Adam; 0.01 for adapters, 0.0005 for weights if not given.
    device : str or torch.device, optional
        Device of the network; torch's default if not given.
    dtype : torch.dtype or str, optional
        Type of the network's numbers: float64 if not given; float32 is faster.

    Examples
    --------
    >>> from simpeg_jointdl.recipes import Training
    >>> Training(trained="adapters", rank=4).rank
    4
    """

    trained: str | Sequence[str] = "decoder"
    rank: int = 8
    learning_rate: float | None = None
    device: torch.device | str | None = None
    dtype: torch.dtype | str | None = None


@dataclass(frozen=True)
class FineTuning(Training):
    """What of a network is fine-tuned, and how.

    Parameters
    ----------
    trained, rank, learning_rate, device, dtype
        As in :class:`Training`.
    optimizer : {"levenberg-marquardt", "adam"} or simpeg.optimization.Minimize, optional
        Minimizer over the weights; damped Gauss-Newton steps ("levenberg-marquardt") if not given.
    finish : bool
        Whether an inversion over cells, which starts at the models of the weights, fits what these leave above the
        noise. Gauss-Newton then stops after 6 iterations rather than 40. False for the network alone.
    misfit : type
        Class of the data misfits, called as ``misfit(data=..., simulation=...)``.

    Examples
    --------
    >>> from simpeg_jointdl.recipes import FineTuning
    >>> FineTuning(trained="all", finish=False, dtype="float32").rank
    8
    """

    optimizer: str | Minimize | None = None
    finish: bool = True
    misfit: type[BaseDataMisfit] = L2DataMisfit


def checked_anchor(who: str, anchor: Anchor | float | None) -> Anchor:
    """Return an anchor, also from its strength alone; errors begin with `who`."""
    if not isinstance(anchor, Anchor):
        return Anchor() if anchor is None else Anchor(strength=check.non_negative(who, anchor))
    check.non_negative(f"{who}.strength", anchor.strength)
    check.one_of(f"{who}.target", anchor.target, TARGETS)
    check.share(f"{who}.sparse_share", anchor.sparse_share)
    return anchor


def checked_training(who: str, training: Training | None, kind: type[T]) -> T:
    """Return the options of a training, `Training` or `FineTuning`; errors begin with `who`."""
    training = check.instance(who, kind() if training is None else training, kind)
    check.whole(f"{who}.rank", training.rank)
    if training.learning_rate is not None:
        check.positive(f"{who}.learning_rate", training.learning_rate)
    if isinstance(training, FineTuning) and isinstance(training.optimizer, str):
        check.one_of(f"{who}.optimizer", training.optimizer, OPTIMIZERS, mend="Or give a minimizer of SimPEG.")
    elif isinstance(training, FineTuning) and training.optimizer is not None:
        check.instance(
            f"{who}.optimizer", training.optimizer, Minimize, f"one of {', '.join(OPTIMIZERS)} or a minimizer"
        )
    return training
