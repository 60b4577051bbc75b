"""Gravity and magnetic data at stations, and their conversion to SimPEG's survey and data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import validation as check

if TYPE_CHECKING:
    from discretize import TensorMesh, TreeMesh
    from simpeg.data import Data
    from simpeg.potential_fields import gravity, magnetics


def _check_stations(part, values: str) -> None:
    """Validate `locations`, the array named `values`, and `uncertainty`, and make them read-only."""
    who = type(part).__name__
    locations = check.finite_array(f"{who}.locations", part.locations, (None, 3))
    shape = (len(locations),)
    object.__setattr__(part, "locations", locations)
    object.__setattr__(part, values, check.finite_array(f"{who}.{values}", getattr(part, values), shape))
    object.__setattr__(
        part, "uncertainty", check.finite_array(f"{who}.uncertainty", part.uncertainty, shape, above=0.0)
    )


@dataclass(frozen=True, eq=False)
class GravityData:
    """Vertical gravity anomaly at stations.

    Parameters
    ----------
    locations : (n_stations, 3) array_like
        Easting, northing and elevation (up) of the stations in m.
    gz : (n_stations,) array_like
        Anomaly in mGal, positive upward as in SimPEG: dense rock gives negative values. Multiply Bouguer anomalies,
        which are positive over dense rock, by -1.
    uncertainty : float or (n_stations,) array_like
        Standard deviation in mGal.

    Raises
    ------
    TypeError
        If entries are not numbers.
    ValueError
        If shapes do not fit, there is no station, entries are not finite, or an uncertainty is not above zero.

    Notes
    -----
    The arrays are stored as read-only float64 copies.

    Examples
    --------
    >>> from simpeg_jointdl.data import GravityData
    >>> gravity = GravityData([[0.0, 0.0, 1.0], [100.0, 0.0, 1.0]], gz=[-0.2, -0.5], uncertainty=0.05)
    >>> gravity.survey().nD, gravity.data().dobs.tolist()
    (2, [-0.2, -0.5])
    """

    locations: np.ndarray
    gz: np.ndarray
    uncertainty: np.ndarray

    def __post_init__(self) -> None:
        _check_stations(self, "gz")

    def survey(self) -> gravity.Survey:
        """Return SimPEG's survey of these stations, with component ``"gz"``."""
        from simpeg.potential_fields import gravity

        receivers = gravity.receivers.Point(self.locations.copy(), components="gz")
        return gravity.survey.Survey(gravity.sources.SourceField(receiver_list=[receivers]))

    def data(self) -> Data:
        """Return SimPEG's data with standard deviations, on a new `survey`."""
        from simpeg.data import Data

        return Data(self.survey(), dobs=self.gz.copy(), standard_deviation=self.uncertainty.copy())


@dataclass(frozen=True, eq=False)
class MagneticData:
    """Total-field magnetic anomaly at stations.

    Parameters
    ----------
    locations : (n_stations, 3) array_like
        Easting, northing and elevation (up) of the stations in m.
    tmi : (n_stations,) array_like
        Total magnetic intensity anomaly in nT.
    uncertainty : float or (n_stations,) array_like
        Standard deviation in nT.
    inducing_field : tuple of float
        Amplitude in nT, inclination (downward from the horizontal) and declination (east of north) in degrees.

    Raises
    ------
    TypeError
        If entries are not numbers, or the field is not a sequence.
    ValueError
        If shapes do not fit, there is no station, entries are not finite, an uncertainty or the amplitude is not above
        zero, or the inclination is outside -90 to 90 degrees.

    Notes
    -----
    The arrays are stored as read-only float64 copies.

    Examples
    --------
    >>> from simpeg_jointdl.data import MagneticData
    >>> magnetics = MagneticData([[0.0, 0.0, 30.0]], tmi=[120.0], uncertainty=2.0, inducing_field=(50_000, 60, 5))
    >>> magnetics.data().standard_deviation.tolist()
    [2.0]
    """

    locations: np.ndarray
    tmi: np.ndarray
    uncertainty: np.ndarray
    inducing_field: tuple[float, float, float]

    def __post_init__(self) -> None:
        _check_stations(self, "tmi")
        object.__setattr__(self, "inducing_field", _inducing_field(self.inducing_field))

    def survey(self) -> magnetics.Survey:
        """Return SimPEG's survey of these stations, with component ``"tmi"`` in a uniform inducing field."""
        from simpeg.potential_fields import magnetics

        amplitude, inclination, declination = self.inducing_field
        receivers = magnetics.receivers.Point(self.locations.copy(), components="tmi")
        source = magnetics.sources.UniformBackgroundField(
            receiver_list=[receivers], amplitude=amplitude, inclination=inclination, declination=declination
        )
        return magnetics.survey.Survey(source)

    def data(self) -> Data:
        """Return SimPEG's data with standard deviations, on a new `survey`."""
        from simpeg.data import Data

        return Data(self.survey(), dobs=self.tmi.copy(), standard_deviation=self.uncertainty.copy())


def _inducing_field(value) -> tuple[float, float, float]:
    name = "MagneticData.inducing_field"
    amplitude, inclination, declination = check.several(name, value, 3)
    field = (
        check.number(f"{name} amplitude", amplitude, above=0.0),
        check.number(f"{name} inclination", inclination, least=-90.0),
        check.number(f"{name} declination", declination),
    )
    if field[1] > 90.0:
        msg = (
            f"{name}: got inclination {field[1]:g}, wanted -90 to 90 degrees. Give the field as "
            "(amplitude, inclination, declination)."
        )
        raise ValueError(msg)
    return field


@dataclass(frozen=True, eq=False)
class GravityMagneticDataset:
    """Gravity and magnetic data of one area, or one of them, with true models if they are known.

    Parameters
    ----------
    name : str
        Name of the data set, as for `datasets.load`.
    gravity : GravityData or None
        Gravity data; None if there are none.
    magnetics : MagneticData or None
        Magnetic data; None if there are none.
    mesh : discretize.TensorMesh or discretize.TreeMesh, optional
        Mesh of the true models.
    active_cells : (mesh.n_cells,) array_like of bool, optional
        Cells below the surface; needs `mesh`.
    true_models : dict of str to (n_active,) numpy.ndarray, optional
        ``"density"`` contrast in g/cc and ``"susceptibility"`` in SI on the active cells; needs `mesh`.
    description : str
        Source of the data.
    license : str
        Licence of the data.
    published_models : dict of str to dict of str to (n_active,) numpy.ndarray, optional
        Models that others have recovered from these data, ``{method: {property: model}}``, in the units of
        `true_models`; needs `mesh`.

    Raises
    ------
    TypeError
        If `gravity` or `magnetics` is of another class, or models are not numbers.
    ValueError
        If both are None, cells or models are given without a mesh, `active_cells` is not one bool per cell, or a model
        does not have one finite number per active cell.
    """

    name: str
    # typed "or Any", not "or None": callers who know the data set need not test for None at each use
    gravity: GravityData | Any
    magnetics: MagneticData | Any
    mesh: TensorMesh | TreeMesh | Any = None
    active_cells: np.ndarray | Any = None
    true_models: dict[str, np.ndarray] | Any = None
    description: str = ""
    license: str = ""
    published_models: dict[str, dict[str, np.ndarray]] | None = None

    def __post_init__(self) -> None:
        for attribute, kind in (("gravity", GravityData), ("magnetics", MagneticData)):
            part = getattr(self, attribute)
            if part is not None and not isinstance(part, kind):
                msg = (
                    f"GravityMagneticDataset.{attribute}: got {type(part).__name__}, wanted {kind.__name__}. "
                    f"Create it with data.{kind.__name__}(...)."
                )
                raise TypeError(msg)
        if self.gravity is None and self.magnetics is None:
            msg = "GravityMagneticDataset: got neither gravity nor magnetics, wanted at least one of them."
            raise ValueError(msg)
        if self.mesh is None:
            self._refuse_models_without_mesh()
        else:
            self._check_models(self.mesh.n_cells)

    def _refuse_models_without_mesh(self) -> None:
        for attribute in ("active_cells", "true_models", "published_models"):
            if getattr(self, attribute) is not None:
                msg = f"GravityMagneticDataset.{attribute}: got no mesh with it. Pass mesh= as well."
                raise ValueError(msg)

    def _check_models(self, n_cells: int) -> None:
        active = np.ones(n_cells, dtype=bool) if self.active_cells is None else np.array(self.active_cells)
        if active.dtype != bool or active.shape != (n_cells,):
            msg = (
                f"GravityMagneticDataset.active_cells: got {active.dtype} of shape {active.shape}, wanted "
                f"bool of shape ({n_cells},). Pass one bool per cell of the mesh."
            )
            raise ValueError(msg)
        active.flags.writeable = False
        object.__setattr__(self, "active_cells", active)
        n_active = int(active.sum())
        if self.true_models is not None:
            object.__setattr__(self, "true_models", _models("true_models", self.true_models, n_active))
        if self.published_models is not None:
            published = {
                method: _models(f"published_models[{method!r}]", models, n_active)
                for method, models in self.published_models.items()
            }
            object.__setattr__(self, "published_models", published)


def _models(name: str, models: dict, n_active: int) -> dict[str, np.ndarray]:
    return {
        key: check.finite_array(f"GravityMagneticDataset.{name}[{key!r}]", model, (n_active,))
        for key, model in models.items()
    }
