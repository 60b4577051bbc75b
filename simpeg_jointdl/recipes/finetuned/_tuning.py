"""Constants of the fine-tuning, with where they come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """Constants of fine-tuned, warm-started and retraining inversions.

    Those of the mixture with sparse inversions (`sparse_share`, `mixed_from`, `mixed_to`) were chosen by
    ``benchmarks/learned/gravmag_mixture.py`` on 36 models of its own, 12 of each kind of shared structure, by the rms
    of the mixture. The others were chosen on few models; ``benchmarks/learned/finetuned.py`` and
    ``benchmarks/learned/gravmag_retraining.py`` measure what they lead to.
    """

    # mixture of the prediction with sparse inversions
    sparse_share: float = 0.5  # largest share of the sparse inversion
    mixed_from: float = 0.1  # part of the rms of the data that the prediction leaves unexplained: the mixture begins
    mixed_to: float = 0.2  # the same, where the share is the largest

    # damped Gauss-Newton over the weights
    iterations: int = 40  # largest number, of the network alone
    iterations_before_cells: int = 6  # largest number, where an inversion over cells follows
    cg_iterations: int = 100
    damping: float = 1e-2  # of the first step

    # Adam over the weights
    adam_iterations: int = 150
    adam_steps: int = 5  # steps of an iteration
    adam_cooling_rate: int = 4  # iterations between two coolings of the anchor
    adapter_learning_rate: float = 1e-2
    weight_learning_rate: float = 5e-4

    # targets: models that are kept near others at the noise end a little above it, not below
    aim: float = 1.04  # target misfit per datum, relative to the one asked for
    tolerance: float = 0.04  # part of the target by which the misfit may miss it

    # anchor
    smallest_change: float = 1e-2  # change of a property relative to the other, below which it is held no more strongly
    balance_power: float = 8.0  # of BalanceMisfits: there are few iterations
    trace_probes: int = 2  # random vectors for the trace of a Hessian

    # inversion over cells
    alpha_s: float = 3.0  # smallness of the change against its smoothness

    # training between two rounds
    training_steps: int = 60
    noise_copies: int = 3  # draws of noise for each model
    most_models: int = 4  # models of one inversion that are trained on, its last one among them
    longest_gradient: float = 1.0  # longer gradients are shortened to it

    @property
    def limit(self) -> float:
        """Misfit per datum up to which data count as fitted, relative to the one asked for."""
        return self.aim + self.tolerance


TUNING = Tuning()
