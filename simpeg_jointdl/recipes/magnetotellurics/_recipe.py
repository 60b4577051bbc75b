"""The recipe of a magnetotelluric inversion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from simpeg.utils import get_logger

from ..._core import validation as check
from ..._core.tensors import as_numpy, as_tensor
from ...data import MTSoundings
from ...kernels import MU_0, layered_impedance
from ...networks import LayerPosterior, MT1DUNet
from .._base import BaseRecipe

_MOST_NAMES = 8  # in a warning
_WIDEST = 100.0  # largest logarithm of a band's edge over the model


@dataclass(kw_only=True)
class MTRecipe(BaseRecipe):
    """An inversion of magnetotelluric soundings that is ready to run, with results by station.

    The model is the natural logarithm of resistivity: all layers of the first station of `soundings`, then all layers
    of the second.

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
    soundings : MTSoundings
        Soundings that are inverted, with their errors.
    thicknesses : (n_layers - 1,) numpy.ndarray
        Thicknesses of the layers in m, from the surface down.
    reference : (n_stations, n_layers) numpy.ndarray
        Reference model in ohm m.
    network : MT1DUNet or None
        Network, scaled to the data; None for a start from half-spaces.
    posterior : LayerPosterior or None
        Distributions that the network predicts, of its own layers (``network.thicknesses``).
    start_deviation : (n_stations, n_layers) numpy.ndarray or None
        Standard deviation of the natural logarithm of resistivity that the network predicts, on the layers of the
        inversion.

    Attributes
    ----------
    model : (nP,) numpy.ndarray or None
        Final model; None before `run`.
    """

    soundings: MTSoundings
    thicknesses: np.ndarray
    reference: np.ndarray
    network: MT1DUNet | None = None
    posterior: LayerPosterior | None = None
    start_deviation: np.ndarray | None = None

    def run(self) -> dict[str, np.ndarray]:
        """Run the inversion, and warn of stations that have not reached the target.

        Returns
        -------
        dict of str to numpy.ndarray
            ``{"resistivity": (n_stations * n_layers,)}`` in ohm m: all layers of the first station, then all layers of
            the second.
        """
        return self._result(self._run())

    def resume(self) -> dict[str, np.ndarray]:
        """Continue a run that was interrupted, from its checkpoint.

        Returns
        -------
        dict of str to numpy.ndarray
            As of `run`.

        Raises
        ------
        ValueError
            If the recipe was made without ``checkpoint=``, or the file belongs to another problem or is damaged.
        FileNotFoundError
            If nothing has been saved yet.
        """
        return self._result(self._resume())

    def _result(self, model) -> dict[str, np.ndarray]:
        """Return the properties of a model, and warn of stations that have not reached the target."""
        if self.failed:
            shown = ", ".join(f"{name} (χ {self.station_chi[name]:.2f})" for name in self.failed[:_MOST_NAMES])
            more = ", ..." if len(self.failed) > _MOST_NAMES else ""
            get_logger().warning(
                f"create_mt_inversion: {len(self.failed)} of {len(self.soundings)} stations have not reached "
                f"χ = {self.inversion.opt.target_chi:g}: {shown}{more}."
            )
        return self.properties(model)

    @property
    def resistivity(self) -> np.ndarray:
        """Resistivity in ohm m, (n_stations, n_layers); before `run` that of the starting model."""
        model = self.initial_model if self.model is None else self.model
        return np.exp(model).reshape(len(self.soundings), -1)

    @property
    def station_chi(self) -> dict[str, float]:
        """Misfit per datum of every station by its name; that of the starting model before `run`."""
        chi = self.inversion.opt.chi if self.model is not None else self.soundings.chi(self.predicted())
        return dict(zip(self.soundings.names, map(float, chi), strict=True))

    @property
    def station_iterations(self) -> dict[str, int]:
        """Number of steps of every station until it was fitted or came no closer, by its name."""
        self._has_run("station_iterations")
        return dict(zip(self.soundings.names, map(int, self.inversion.opt.iterations), strict=True))

    @property
    def failed(self) -> list[str]:
        """Names of the stations that have not reached the target misfit."""
        self._has_run("failed")
        return [self.soundings.names[i] for i in self.inversion.opt.failed]

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation of the natural logarithm of resistivity, (n_stations, n_layers).

        It is that of the problem linearised at the final model, see
        :meth:`simpeg_jointdl.optimization.Occam.standard_deviation`. It says how far layers may move, alone or
        together, within the noise and the regularization, not what other kinds of models there are. With a network the
        regularization is the network's own distribution, and counts no more than that, however large the trade-off
        parameter was; stations that the prediction fits have the network's deviation. On unseen models of the kind that
        the network was trained on, a band of 90 % contained 90 % of the layers of inverted stations and 96 % of the
        others; from half-spaces, with no prior but smoothness, 75 % (``benchmarks/magnetotellurics/mt_inversion.py``).
        On other earths it may contain less.
        """
        self._has_run("deviation")
        opt = self.inversion.opt
        if self.start_deviation is None:
            return opt.standard_deviation()
        moved = np.isfinite(opt.trade_off)
        deviation = opt.standard_deviation(np.where(moved, np.minimum(opt.trade_off, 1.0), 1.0))
        return np.where(moved[:, None], deviation, self.start_deviation)

    def band(self, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and the upper edge of a band of each layer's resistivity, in ohm m.

        Parameters
        ----------
        level : float
            Part of each layer's normal distribution that lies in the band, above 0 and below 1. See `deviation` for
            what it can mean.

        Returns
        -------
        lower, upper : (n_stations, n_layers) numpy.ndarray
            Edges of the band in ohm m.

        Raises
        ------
        ValueError
            For another level, and before `run`.
        """
        check.share("MTRecipe.band.level", level, zero=False, one=False)
        # layers that neither data nor smallness determine have very large deviations
        factor = np.exp(np.minimum(ndtri(0.5 + 0.5 * level) * self.deviation, _WIDEST))
        return self.resistivity / factor, self.resistivity * factor

    def predicted(self, resistivity: ArrayLike | None = None) -> MTSoundings:
        """Predict data of a model at all frequencies of all stations, observed or not.

        Parameters
        ----------
        resistivity : (n_stations, n_layers) array_like, optional
            Model in ohm m; that of the recipe if not given.

        Returns
        -------
        MTSoundings
            Predicted soundings, without errors.

        Raises
        ------
        ValueError
            For another shape, or values that are not above 0.
        """
        rho = self.resistivity if resistivity is None else np.asarray(resistivity, dtype=float)
        if rho.shape != self.reference.shape or not (rho > 0.0).all():
            msg = f"MTRecipe.predicted: got shape {rho.shape}, wanted {self.reference.shape}, all above 0 ohm m."
            raise ValueError(msg)
        device = self.inversion.invProb.dmisfit.objfcts[0].simulation.device
        f = self.soundings.frequencies
        z = layered_impedance(*(as_tensor(one, device) for one in (f, 1.0 / rho, self.thicknesses)))
        apparent, phase = as_numpy(z.abs() ** 2) / (2.0 * np.pi * f * MU_0), np.degrees(as_numpy(z.angle()))
        return MTSoundings(self.soundings.names, self.soundings.locations, f, apparent, phase)

    def _has_run(self, what):
        if self.model is None:
            msg = f"MTRecipe.{what}: there is none before the inversion has run; call run() first."
            raise ValueError(msg)
