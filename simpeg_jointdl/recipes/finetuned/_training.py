"""Training of a network on the models that an inversion went through."""

from __future__ import annotations

import numpy as np
import torch
from simpeg.data import Data

from ..._core.tensors import as_numpy, as_tensor
from ...maps import GravMagMap
from ...networks import GravMagUNet
from ._data import ARGUMENTS, NetworkData
from ._tuning import TUNING


def trained_on(
    data: NetworkData,
    latent: GravMagMap,
    models: list[dict[str, np.ndarray]],
    number: int,
    *,
    learning_rate: float | None,
    random_seed: int,
) -> tuple[GravMagUNet, list[float]]:
    """Train a network on models and their exact data with noise of its own.

    Parameters
    ----------
    data : NetworkData
        Stations and standard deviations.
    latent : GravMagMap
        The network, over these data.
    models : list of dict of str to (n_active,) numpy.ndarray
        Models to train on.
    number : int
        Number of the round, which changes the noise.
    learning_rate : float or None
        Learning rate of Adam.
    random_seed : int
        Seed of the noise and of the order of models.

    Returns
    -------
    GravMagUNet, list of float
        The trained network, and the loss of every step.
    """
    rng = np.random.default_rng([random_seed, number])
    base = latent.module_from(latent.initial_model())
    pairs = []
    for properties in models:
        exact = data.paired.predict(properties)
        pairs += [(latent.grids_of(base, _noisy(data, exact, rng)), properties) for _ in range(TUNING.noise_copies)]
    rate = chosen_learning_rate(learning_rate, latent)
    return _trained(latent, pairs, data.names, learning_rate=rate, random_seed=random_seed + number)


def chosen_learning_rate(given: float | None, latent: GravMagMap) -> float:
    """Return the given learning rate, or that of the adapters or weights that are trained."""
    if given is not None:
        return given
    has_adapters = any("parametrizations" in name for name in latent.names)
    return TUNING.adapter_learning_rate if has_adapters else TUNING.weight_learning_rate


def _noisy(data: NetworkData, exact: list[np.ndarray], rng: np.random.Generator) -> dict[str, Data]:
    """Exact data with noise of the observed data's standard deviations, as arguments of the network."""
    made = {}
    for name, some, values in zip(data.names, data.paired.data, exact, strict=True):
        deviation = np.asarray(some.standard_deviation)
        noisy = values + deviation * rng.standard_normal(len(deviation))
        made[ARGUMENTS[name]] = Data(some.survey, dobs=noisy, standard_deviation=deviation)
    return made


def _trained(
    latent: GravMagMap, pairs: list, names: list[str], *, learning_rate: float, random_seed: int
) -> tuple[GravMagUNet, list[float]]:
    r"""Minimise the relative squared error of properties, one pair of data and models at a time.

    .. math::
        \lVert \mathbf p - \mathbf p^* \rVert^2 / \lVert \mathbf p^* \rVert^2

    with predicted properties :math:`\mathbf p` and those of the model :math:`\mathbf p^*`, by Adam.
    """
    module = latent.predicted_module(latent.initial_model())
    weights = [parameter for parameter in module.parameters() if parameter.requires_grad]
    adam = torch.optim.Adam(weights, lr=learning_rate)
    order = np.random.default_rng(random_seed).integers(len(pairs), size=TUNING.training_steps)
    places, losses = [latent.property_names.index(name) for name in names], []
    for which in order:
        grids, models = pairs[which]
        wanted = as_tensor(np.stack([models[name] for name in names]), latent.device, latent.dtype)
        inputs = [one.to(latent.device, latent.dtype if one.is_floating_point() else None) for one in grids]
        adam.zero_grad()
        error = (module(*inputs)[places] - wanted).square().sum(1)
        loss = (error / wanted.square().sum(1).clamp(min=torch.finfo(error.dtype).tiny)).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, TUNING.longest_gradient)
        adam.step()
        losses.append(float(loss.detach()))
    values = torch.cat([weight.detach().ravel() for weight in weights])
    return latent.module_from(as_numpy(values)), losses
