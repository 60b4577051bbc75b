r"""SimPEG's components as linear combinations of the derivatives of a prism's potential.

A term is a name of :func:`node_function` and a factor, which holds the physical constants and all units: the sum of
factor times derivative is the data of a prism of model value one, as ``gravity.Simulation3DIntegral`` and
``magnetics.Simulation3DIntegral`` of SimPEG return it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.constants import G

Vector = Sequence[float]
Terms = list[tuple[str, float]]

_SI_PER_G_CC = 1e3  # kg/m³
_MGAL = 1e5  # per m/s²
_EOTVOS = 1e9  # per 1/s²
_AXES = "xyz"

GRAVITY_COMPONENTS = ("gx", "gy", "gz", "gxx", "gxy", "gxz", "gyy", "gyz", "gzz", "guv")
"""Components that :func:`gravity_terms` knows."""

MAGNETIC_COMPONENTS = (
    *("tmi", "bx", "by", "bz", "bxx", "bxy", "bxz", "byy", "byz", "bzz"),
    *("tmi_x", "tmi_y", "tmi_z"),
)
"""Components that :func:`magnetic_terms` knows."""


def gravity_terms(component: str) -> Terms:
    r"""Terms of a gravity component for a density in g/cc.

    .. math::
        g_a = G \rho \, \partial_a V, \quad g_{ab} = G \rho \, \partial_a \partial_b V, \quad
        g_{uv} = \tfrac12 (g_{yy} - g_{xx})

    Parameters
    ----------
    component : {"gx", "gy", "gz", "gxx", "gxy", "gxz", "gyy", "gyz", "gzz", "guv"}
        All with z upward: ``"gz"`` is negative above a dense body.

    Returns
    -------
    list of (str, float)
        To mGal (``"gx"``, ``"gy"``, ``"gz"``) or Eötvös (all others).

    Raises
    ------
    ValueError
        For another component.
    """
    _check("gravity_terms", component, GRAVITY_COMPONENTS)
    per_si = G * _SI_PER_G_CC
    if component == "guv":
        return [("yy", 0.5 * per_si * _EOTVOS), ("xx", -0.5 * per_si * _EOTVOS)]
    axes = component[1:]
    return [(axes, per_si * (_MGAL if len(axes) == 1 else _EOTVOS))]


def magnetic_terms(component: str, field_direction: Vector, magnetization: Vector) -> Terms:
    r"""Terms of a magnetic component for a susceptibility, or effective susceptibility, in SI.

    .. math::
        b_a = \frac{\chi}{4\pi} \sum_k M_k \, \partial_a \partial_k V, \quad
        b_{ab} = \partial_a b_b, \quad
        \text{tmi} = \mathbf t \cdot \mathbf b, \quad \text{tmi}_a = \partial_a \text{tmi}

    Inside a body this is :math:`\mu_0 \mathbf H`, as in SimPEG; without demagnetization.

    Parameters
    ----------
    component : {"tmi", "bx", "by", "bz", "bxx", ..., "bzz", "tmi_x", "tmi_y", "tmi_z"}
    field_direction : (3,) sequence of float
        Unit vector :math:`\mathbf t` of the inducing field, which ``"tmi"`` and its gradient are projected on.
    magnetization : (3,) sequence of float
        :math:`\mathbf M`, what a unit model value is magnetized with, times :math:`\mu_0`, in nT. See
        :func:`magnetizations`.

    Returns
    -------
    list of (str, float)
        To nT, or nT/m for gradients; each name once.

    Raises
    ------
    ValueError
        For another component, or a vector that has not three entries.
    """
    _check("magnetic_terms", component, MAGNETIC_COMPONENTS)
    kind, _, derivative = component.partition("_")
    if kind == "tmi":
        directions = dict(zip(_AXES, field_direction, strict=True))
    else:
        directions, derivative = {kind[1]: 1.0}, kind[2:]
    terms: dict[str, float] = {}
    for axis, along in directions.items():
        for source, magnet in zip(_AXES, magnetization, strict=True):
            name = "".join(sorted(derivative + axis + source))
            terms[name] = terms.get(name, 0.0) + float(along) * float(magnet) / (4 * math.pi)
    return list(terms.items())


def field_direction(inclination: float, declination: float) -> tuple[float, float, float]:
    """Unit vector (easting, northing, upward) of a field that dips downward and turns from north to east.

    Parameters
    ----------
    inclination, declination : float
        In degrees.
    """
    dip, azimuth = math.radians(inclination), math.radians(declination)
    return (math.cos(dip) * math.sin(azimuth), math.cos(dip) * math.cos(azimuth), -math.sin(dip))


def magnetizations(
    model_type: str, amplitude: float, inclination: float, declination: float
) -> list[tuple[float, float, float]]:
    """What each block of a SimPEG model is magnetized with: the ``magnetization`` of :func:`magnetic_terms`.

    Parameters
    ----------
    model_type : {"scalar", "vector"}
        One block, the susceptibility, along the inducing field; or three, the effective susceptibility along easting,
        northing and upward.
    amplitude : float
        Of the inducing field, in nT.
    inclination, declination : float
        Of the inducing field, in degrees.

    Returns
    -------
    list of (3,) tuple of float
        In nT, one for each block.

    Raises
    ------
    ValueError
        For another model type.
    """
    _check("magnetizations", model_type, ("scalar", "vector"), "model_type")
    if model_type == "scalar":
        x, y, z = field_direction(inclination, declination)
        return [(amplitude * x, amplitude * y, amplitude * z)]
    return [(amplitude, 0.0, 0.0), (0.0, amplitude, 0.0), (0.0, 0.0, amplitude)]


def _check(caller, given, known, what="component"):
    if given not in known:
        msg = f"{caller} knows no {what} {given!r}; wanted one of {', '.join(known)}"
        raise ValueError(msg)
