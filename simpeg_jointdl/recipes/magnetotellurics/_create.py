"""Inversion of magnetotelluric soundings for layered models."""

from __future__ import annotations

import os

import numpy as np
import torch
from discretize import TensorMesh
from numpy.typing import ArrayLike
from simpeg import maps, regularization
from simpeg.data import Data
from simpeg.data_misfit import L2DataMisfit

from ... import optimization
from ..._core import validation as check
from ..._core.tensors import as_numpy
from ...data import MTSoundings, MTStations
from ...datasets.synthetic import layer_thicknesses
from ...electromagnetics import natural_source
from ...networks import MT1DUNet
from .._assemble import assemble, checked_records
from ._inputs import checked_reference, checked_soundings, checked_thicknesses
from ._layers import half_spaces, resampled, scale_of
from ._recipe import MTRecipe

STARTS = ("network", "halfspace")
# weights of smallness and smoothness, which benchmarks/magnetotellurics/mt_inversion.py chose
NETWORK_WEIGHTS = {"alpha_s": 1.0, "alpha_x": 3.0}
HALFSPACE_WEIGHTS = {"alpha_s": 1e-2, "alpha_x": 1.0}
LONGEST_STEP = 3.0  # of the natural logarithm of resistivity: a factor of 20


def create_mt_inversion(
    data: MTSoundings | MTStations | Data,
    *,
    network: MT1DUNet | None = None,
    thicknesses: ArrayLike | None = None,
    start: str = "network",
    reference: float | ArrayLike | None = None,
    error_floor: float | None = None,
    target_chi: float = 1.0,
    smoothing_steps: int = 2,
    max_iterations: int = 40,
    progress: bool = True,
    checkpoint: os.PathLike[str] | str | None = None,
    log: os.PathLike[str] | str | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | str | None = None,
) -> MTRecipe:
    r"""Set up a one-dimensional inversion of magnetotelluric soundings, each fitted to its noise.

    A network predicts the resistivity of the layers under every station, and its standard deviation. From there
    :class:`~simpeg_jointdl.optimization.Occam` takes Gauss-Newton steps, for all stations at once, until the data of a
    station are fitted, with the most regularization that allows it:

    .. math::
        \psi_s = \sum_j \left( \frac{m_j - r_j}{\sigma_j} \right)^2
        + 3 \sum_j \left( (m_{j+1} - r_{j+1}) - (m_j - r_j) \right)^2

    with :math:`m_j` the natural logarithm of the resistivity of layer :math:`j`, :math:`r_j` that of the reference
    model, which is the prediction if none is given, and :math:`\sigma_j` the network's standard deviation. Layers of
    which the network is sure stay as they are, and changes are smooth. A station whose data the prediction fits stays
    as it is.

    Parameters
    ----------
    data : MTSoundings, MTStations or simpeg.data.Data
        Soundings. Stations are inverted by the determinant of their impedance. SimPEG's data over a natural-source
        survey are inverted by apparent resistivities and phases, which impedances are turned into. NaN means missing.
        Points whose phase is not between 0 and 90 degrees, which no layered earth has, are left out, and SimPEG's
        logger says how many.
    network : MT1DUNet, optional
        Trained network; ``MT1DUNet.from_pretrained()`` if not given.
    thicknesses : (n_layers - 1,) array_like, optional
        Thicknesses of the layers in m, from the surface down. If not given they are those of the network's own 40
        layers, scaled to the depths that the highest and the lowest frequencies see. If they are the network's times a
        constant, the network is scaled to them. To any other layers, also to more than it has, its prediction is
        brought by means over depth of the logarithm of resistivity, which keep a layer's resistivity where it is cut
        in two.
    start : {"network", "halfspace"}
        Starting model, and reference model if none is given. "halfspace" is the half-space that fits each station best,
        without a network, and with the regularization of Occam's inversion: smooth, and very weakly small.
    reference : float, (n_layers,) or (n_stations, n_layers) array_like, optional
        Reference model in ohm m, in place of the starting model.
    error_floor : float, optional
        Smallest relative error e of the impedance, such as 0.05 for 5 %: 2 e of apparent resistivity, e radians of
        phase. If not given, errors are as given, 5 % where there are none, and at least 5 % for stations, whose
        formal errors do not include what is not layered.
    target_chi, smoothing_steps
        Target misfit per datum, and number of further steps to smooth a model that is fitted; see
        :class:`~simpeg_jointdl.optimization.Occam`.
    max_iterations : int
        Largest number of Gauss-Newton iterations.
    progress, checkpoint, log
        As in :func:`create_joint_inversion`.
    device, dtype
        Device and type of the numbers in which data are computed. Networks always compute in float32, and systems are
        solved in float64.

    Returns
    -------
    MTRecipe
        The inversion, ready to run. Its ``run()`` returns ``{"resistivity": (n_stations * n_layers,)}``; its attributes
        `resistivity`, `station_chi`, `station_iterations` and `failed`, and its method `band`, are by station.

    Raises
    ------
    ValueError, TypeError
        For data of another kind or in units that cannot be right, a station without a usable frequency, two stations
        at one place, and arguments that do not fit.
    OSError
        If `checkpoint` or `log` cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from simpeg_jointdl import recipes
    >>> from simpeg_jointdl.datasets import synthetic
    >>> soundings = synthetic.make_soundings(np.array([[30.0, 300.0]]), [200.0], np.logspace(-1, 3, 9))
    >>> options = {"start": "halfspace", "thicknesses": [100.0, 200.0], "error_floor": 0.05}
    >>> recipe = recipes.create_mt_inversion(soundings, **options, progress=False)
    >>> recipe.resistivity.shape
    (1, 3)
    """
    check.one_of("create_mt_inversion.start", start, STARTS)
    check.positive("create_mt_inversion.target_chi", target_chi)
    check.whole("create_mt_inversion.max_iterations", max_iterations)
    records = checked_records("create_mt_inversion", progress, checkpoint, log)
    thicknesses, soundings = (
        checked_thicknesses("create_mt_inversion", thicknesses),
        checked_soundings("create_mt_inversion", data, error_floor),
    )
    extras, deviation = {}, None
    if start == "network":
        model, thicknesses, extras = _predict(soundings, network, thicknesses, device)
        deviation = extras["start_deviation"]
    else:
        thicknesses = _layers(soundings, network) if thicknesses is None else thicknesses
        model = np.tile(half_spaces(soundings)[:, None], (1, thicknesses.size + 1))
    reference = model if reference is None else checked_reference("create_mt_inversion", reference, *model.shape)
    minimizer = optimization.Occam(
        target_chi=target_chi,
        smoothing_steps=smoothing_steps,
        max_step=LONGEST_STEP,
        maxIter=max_iterations,
        device=device,
    )
    inversion, record = assemble(
        [_misfit(soundings, thicknesses, device, dtype)], [_regularization(reference, deviation)], minimizer, records
    )
    return MTRecipe(
        inversion=inversion,
        initial_model=np.log(model).ravel(),
        maps={"resistivity": maps.ExpMap(nP=model.size)},
        log=record,
        soundings=soundings,
        thicknesses=thicknesses,
        reference=reference,
        **extras,
    )


def _layers(soundings: MTSoundings, network) -> np.ndarray:
    """Thicknesses for a start from half-spaces: those of the network, scaled to the data."""
    thicknesses = as_numpy(layer_thicknesses("wide")) if network is None else network.thicknesses
    return scale_of(thicknesses, soundings) * thicknesses


def _predict(soundings: MTSoundings, network, thicknesses, device):
    """Predict resistivities, (n_stations, n_layers) in ohm m.

    Returns them, the thicknesses of the layers, and the attributes of the recipe that come from the network.
    """
    network = MT1DUNet.from_pretrained(device=device) if network is None else network
    check.instance("create_mt_inversion.network", network, MT1DUNet, "networks.MT1DUNet")
    own = network.thicknesses
    is_own = thicknesses is None or (
        thicknesses.size == own.size and np.allclose(thicknesses / own, thicknesses[0] / own[0], rtol=1e-6)
    )
    is_given = thicknesses is not None and is_own
    network = network.scaled(thicknesses[0] / own[0] if is_given else scale_of(own, soundings))
    posterior = network.posterior(soundings)
    model, deviation = np.log(posterior.mean()), np.log(10.0) * posterior.std()
    if is_own:
        thicknesses = network.thicknesses if thicknesses is None else thicknesses
    else:
        model, deviation = (resampled(one, network.thicknesses, thicknesses) for one in (model, deviation))
    return np.exp(model), thicknesses, {"network": network, "posterior": posterior, "start_deviation": deviation}


def _misfit(soundings: MTSoundings, thicknesses, device, dtype):
    """Data misfit of all stations, with the model in the order of the soundings."""
    observed = soundings.to_simpeg()
    n_layers, options = thicknesses.size + 1, {"device": device, "dtype": dtype}
    mapping = maps.ExpMap(nP=len(soundings) * n_layers)
    simulation = natural_source.Simulation1DStitched(observed.survey, thicknesses, rhoMap=mapping, **options)
    numbers = {tuple(place): i for i, place in enumerate(soundings.locations)}
    order = np.array([numbers[tuple(place)] for place in simulation.station_locations])
    if (order != np.arange(order.size)).any():
        cells = (order[:, None] * n_layers + np.arange(n_layers)).ravel()
        simulation.rhoMap = mapping * maps.Projection(mapping.nP, cells)
    return L2DataMisfit(observed, simulation)


def _regularization(reference: np.ndarray, deviation: np.ndarray | None):
    """Regularization along columns; distance is the number of layers, a logarithm of depth."""
    n_stations, n_layers = reference.shape
    mesh = TensorMesh([np.ones(n_layers), np.ones(n_stations)])
    alphas = HALFSPACE_WEIGHTS if deviation is None else NETWORK_WEIGHTS
    reg = regularization.WeightedLeastSquares(
        mesh, **alphas, alpha_y=0.0, reference_model=np.log(reference).ravel(), reference_model_in_smooth=True
    )
    if deviation is not None:
        reg.objfcts[0].set_weights(posterior=1.0 / deviation.ravel() ** 2)
    return reg
