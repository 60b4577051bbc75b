"""A magnetotelluric inversion before and after it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from simpeg.utils import get_logger

from ..._core.tensors import as_numpy, as_tensor
from ...datasets import MTSoundings
from ...kernels import MU_0, layered_impedance
from ...networks import LayerPosterior, MT1DUNet
from .._base import BaseRecipe


@dataclass(kw_only=True)
class MTRecipe(BaseRecipe):
    """A ready inversion of magnetotelluric soundings for layers, station by station.

    The model is the natural logarithm of resistivity, station after station in the order of `soundings`, layers
    fastest.

    Attributes
    ----------
    soundings : MTSoundings
        What is inverted, with its errors.
    thicknesses : (n_layers - 1,) numpy.ndarray
        In m.
    reference : (n_stations, n_layers) numpy.ndarray
        In ohm m.
    network : MT1DUNet or None
        Scaled to the data.
    posterior : LayerPosterior or None
        Its distributions, of its own layers (``network.thicknesses``).
    start_deviation : (n_stations, n_layers) numpy.ndarray or None
        The network's standard deviation of the natural logarithm, of the layers of the inversion.
    """

    soundings: MTSoundings
    thicknesses: np.ndarray
    reference: np.ndarray
    network: MT1DUNet | None = None
    posterior: LayerPosterior | None = None
    start_deviation: np.ndarray | None = None

    def run(self) -> dict[str, np.ndarray]:
        """Run the inversion; ``{"resistivity": (n_stations * n_layers,)}`` in ohm m, stations first."""
        return self._told(self._run())

    def resume(self) -> dict[str, np.ndarray]:
        """Continue a run that was interrupted, from its checkpoint; returns what `run` does.

        Raises
        ------
        ValueError
            If the recipe was made without ``checkpoint=``, or the file belongs to another problem or is damaged.
        FileNotFoundError
            If nothing has been saved yet.
        """
        return self._told(self._resume())

    def _told(self, model) -> dict[str, np.ndarray]:
        """Return the properties of a model, with a warning about stations that have not reached the target."""
        if self.failed:
            shown = ", ".join(f"{name} (χ {self.station_chi[name]:.2f})" for name in self.failed[:_SHOWN])
            more = ", ..." if len(self.failed) > _SHOWN else ""
            get_logger().warning(
                f"create_mt_inversion: {len(self.failed)} of {len(self.soundings)} stations have not reached "
                f"χ = {self.inversion.opt.target_chi:g}: {shown}{more}."
            )
        return self.properties(model)

    @property
    def resistivity(self) -> np.ndarray:
        """The model, (n_stations, n_layers) in ohm m; before `run` that which it starts from."""
        model = self.initial_model if self.model is None else self.model
        return np.exp(model).reshape(len(self.soundings), -1)

    @property
    def station_chi(self) -> dict[str, float]:
        """Misfit per datum of every station, by name; before `run` that of the start."""
        chi = self.inversion.opt.chi if self.model is not None else self.soundings.chi(self.predicted())
        return dict(zip(self.soundings.names, map(float, chi), strict=True))

    @property
    def station_iterations(self) -> dict[str, int]:
        """Steps until a station was at the noise, or got no closer."""
        self._has_run("station_iterations")
        return dict(zip(self.soundings.names, map(int, self.inversion.opt.iterations), strict=True))

    @property
    def failed(self) -> list[str]:
        """Names of the stations whose χ has not reached the target."""
        self._has_run("failed")
        return [self.soundings.names[i] for i in self.inversion.opt.failed]

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation of the natural logarithm of resistivity after `run`, (n_stations, n_layers).

        That of the problem linearised at the model, see :meth:`simpeg_jointdl.optimization.Occam.standard_deviation`:
        it says how far layers may move, alone or together, within the noise and the regularization, not what other
        kinds of models there are. From a network, the regularization is its own distribution and counts as such at
        most, however large the trade-off was; stations that the network's model fits as it is have the network's
        deviation. On unseen models of the network's own kind a band of 90 % held 90 % of the layers of refined stations
        and 96 % of the others; from half-spaces, without a prior but smoothness, 75 %
        (``benchmarks/magnetotellurics/mt_inversion.py``). Of other earths it may hold less.
        """
        self._has_run("deviation")
        opt = self.inversion.opt
        if self.start_deviation is None:
            return opt.standard_deviation()
        moved = np.isfinite(opt.trade_off)
        deviation = opt.standard_deviation(np.where(moved, np.minimum(opt.trade_off, 1.0), 1.0))
        return np.where(moved[:, None], deviation, self.start_deviation)

    def band(self, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper edge of a part `level` of each layer's normal distribution, (n_stations, n_layers) in ohm m.

        Parameters
        ----------
        level : float
            Above 0 and below 1. See `deviation` for what it can mean.

        Raises
        ------
        ValueError
            For another level, and before `run`.
        """
        if not 0.0 < level < 1.0:
            msg = f"MTRecipe.band: got {level!r}, wanted a level above 0 and below 1."
            raise ValueError(msg)
        # layers that nothing holds, in a half-space's smoothness alone
        factor = np.exp(np.minimum(ndtri(0.5 + 0.5 * level) * self.deviation, _WIDEST))
        return self.resistivity / factor, self.resistivity * factor

    def predicted(self, resistivity=None) -> MTSoundings:
        """Data of a model at all frequencies of all stations, those without an observation too.

        Parameters
        ----------
        resistivity : (n_stations, n_layers) array_like, optional
            In ohm m; that of the recipe if not given.

        Returns
        -------
        MTSoundings
            Without errors.

        Raises
        ------
        ValueError
            For another shape, or values that are not above zero.
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
            msg = f"MTRecipe.{what}: there is none before the inversion ran; call run() first."
            raise ValueError(msg)


_SHOWN, _WIDEST = 8, 100.0
