"""Magnetotelluric soundings inverted for layers: from what a network says, to the noise."""

from __future__ import annotations

import numpy as np
from discretize import TensorMesh
from simpeg import data_misfit, maps, regularization

from ... import optimization
from ..._core import validation as check
from ..._core.tensors import as_numpy
from ...datasets import MTSoundings
from ...datasets.synthetic import layer_thicknesses
from ...electromagnetics import natural_source
from ...networks import MT1DUNet
from .._assemble import assemble, checked_records
from ._inputs import WHO, checked_reference, checked_soundings, checked_thicknesses
from ._layers import half_spaces, resampled, scale_of
from ._recipe import MTRecipe

STARTS = ("network", "halfspace")
_NETWORK = {"alpha_s": 1.0, "alpha_x": 3.0}  # see benchmarks/magnetotellurics/mt_inversion.py for both
_HALFSPACE = {"alpha_s": 1e-2, "alpha_x": 1.0}
_LONGEST = 3.0  # a factor of 20 in resistivity, in one step


def create_mt_inversion(
    data,
    *,
    network: MT1DUNet | None = None,
    thicknesses=None,
    start: str = "network",
    reference=None,
    error_floor: float | None = None,
    target_chi: float = 1.0,
    smoothing_steps: int = 2,
    max_iterations: int = 40,
    progress: bool = True,
    checkpoint=None,
    log=None,
    device=None,
    dtype=None,
) -> MTRecipe:
    r"""One-dimensional inversion of magnetotelluric soundings, all stations at once, each to its own noise.

    A network predicts the layers of every station and how sure it is of each. From there
    :class:`~simpeg_jointdl.optimization.Occam` takes Gauss-Newton steps until the data of the station are fitted, with
    the most regularization that allows it:

    .. math::
        \psi_s = \sum_j \left( \frac{m_j - r_j}{\sigma_j} \right)^2
        + 3 \sum_j \left( (m_{j+1} - r_{j+1}) - (m_j - r_j) \right)^2

    with m the natural logarithm of resistivity, r that of the reference, by default what the network predicts, and
    :math:`\sigma` the network's standard deviation: layers of which it is sure stay, and changes are smooth. A station
    whose data the prediction fits already stays as it is.

    Parameters
    ----------
    data : MTSoundings, MTStations or simpeg.data.Data
        Of stations their determinant. Of SimPEG's data over a natural-source survey their apparent resistivities
        and phases, which impedances are turned into. nan means missing. Points whose phase is not between 0 and 90
        degrees, where layers have none, are left out, and SimPEG's logger says how many.
    network : MT1DUNet, optional
        ``MT1DUNet.from_pretrained()`` if not given.
    thicknesses : (n_layers - 1,) array_like, optional
        In m, from the surface down. By default the network's own 40 layers, scaled so that they lie about the depths
        that the highest and lowest frequencies see. If they are the network's times a constant, the network is scaled
        to them. To any others, also to more than it has, its prediction is brought by means over depth of the
        logarithm of resistivity, which keep a layer's resistivity where it is cut in two.
    start : {"network", "halfspace"}
        Where the inversion starts and what it is held to. "halfspace": each station's best half-space, without a
        network, and :math:`\psi` of Occam: smooth, and very weakly small.
    reference : float, (n_layers,) or (n_stations, n_layers) array_like, optional
        In ohm m, in the place of the start as what the model is held to.
    error_floor : float, optional
        Least relative error e of the impedance, 0.05 for 5 %: 2 e of apparent resistivity, e radians of phase. By
        default errors are as told, 5 % where none are, and at least 5 % for stations, whose formal errors know
        nothing of what is not layered.
    target_chi, smoothing_steps
        Of :class:`~simpeg_jointdl.optimization.Occam`.
    max_iterations : int
    progress, checkpoint, log
        As in :func:`create_joint_inversion`.
    device, dtype
        Where and in what data are computed; networks are float32 always, systems solved in float64.

    Returns
    -------
    MTRecipe
        ``run()`` returns ``{"resistivity": (n_stations * n_layers,)}``; `resistivity`, `band`, `station_chi`,
        `station_iterations` and `failed` say more, by station.

    Raises
    ------
    ValueError, TypeError
        For data of another kind, in units that cannot be right, a station without a usable frequency, two stations at
        one place, and arguments that do not fit.
    """
    check.one_of(f"{WHO}.start", start, STARTS)
    check.positive(f"{WHO}.target_chi", target_chi)
    check.whole(f"{WHO}.max_iterations", max_iterations)
    records = checked_records(WHO, progress, checkpoint, log)
    thicknesses, soundings = checked_thicknesses(thicknesses), checked_soundings(data, error_floor)
    extras, deviation = {}, None
    if start == "network":
        model, thicknesses, extras = _predict(soundings, network, thicknesses, device)
        deviation = extras["start_deviation"]
    else:
        thicknesses = _layers(soundings, network) if thicknesses is None else thicknesses
        model = np.tile(half_spaces(soundings)[:, None], (1, thicknesses.size + 1))
    reference = model if reference is None else checked_reference(reference, *model.shape)
    minimizer = optimization.Occam(
        target_chi=target_chi, smoothing_steps=smoothing_steps, max_step=_LONGEST, maxIter=max_iterations, device=device
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
    """Of a half-space: the network's, scaled to the data."""
    thicknesses = as_numpy(layer_thicknesses("wide")) if network is None else network.thicknesses
    return scale_of(thicknesses, soundings) * thicknesses


def _predict(soundings: MTSoundings, network, thicknesses, device):
    """Resistivities, (n, n_layers) in ohm m, thicknesses of the layers, and what the recipe keeps of the network."""
    network = MT1DUNet.from_pretrained(device=device) if network is None else network
    if not isinstance(network, MT1DUNet):
        msg = f"{WHO}.network: got {type(network).__name__}, wanted networks.MT1DUNet."
        raise TypeError(msg)
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
    """Least squares of all stations; the model has their order, the simulation's columns that of its survey."""
    observed = soundings.to_simpeg()
    n_layers, options = thicknesses.size + 1, {"device": device, "dtype": dtype}
    mapping = maps.ExpMap(nP=len(soundings) * n_layers)
    simulation = natural_source.Simulation1DStitched(observed.survey, thicknesses, rhoMap=mapping, **options)
    number = {tuple(place): i for i, place in enumerate(soundings.locations)}
    order = np.array([number[tuple(place)] for place in simulation.station_locations])
    if (order != np.arange(order.size)).any():
        cells = (order[:, None] * n_layers + np.arange(n_layers)).ravel()
        simulation.rhoMap = mapping * maps.Projection(mapping.nP, cells)
    return data_misfit.L2DataMisfit(observed, simulation)


def _regularization(reference: np.ndarray, deviation: np.ndarray | None):
    """Along columns only; layers count by their number, which is the logarithm of their depth."""
    n_stations, n_layers = reference.shape
    mesh = TensorMesh([np.ones(n_layers), np.ones(n_stations)])
    alphas = _HALFSPACE if deviation is None else _NETWORK
    reg = regularization.WeightedLeastSquares(
        mesh, **alphas, alpha_y=0.0, reference_model=np.log(reference).ravel(), reference_model_in_smooth=True
    )
    if deviation is not None:
        reg.objfcts[0].set_weights(posterior=1.0 / deviation.ravel() ** 2)
    return reg
