r"""SimPEG's data components as linear combinations of the derivatives of a prism's potential.

A term is the name of a derivative, as :func:`node_function` takes it, and a factor that holds all physical constants
and units. The sum of factor times derivative is the datum of a prism with model value one, as SimPEG's
``gravity.Simulation3DIntegral`` and ``magnetics.Simulation3DIntegral`` return it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.constants import G

from .._core import validation as check

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
    r"""Return the terms of a gravity component for a density in g/cc.

    .. math::
        g_a = G \rho \, \partial_a V, \quad g_{ab} = G \rho \, \partial_a \partial_b V, \quad
        g_{uv} = \tfrac12 (g_{yy} - g_{xx})

    Parameters
    ----------
    component : {"gx", "gy", "gz", "gxx", "gxy", "gxz", "gyy", "gyz", "gzz", "guv"}
        Component, with z upward: ``"gz"`` is negative above a dense body.

    Returns
    -------
    list of (str, float)
        Name of a derivative and its factor, which gives mGal (``"gx"``, ``"gy"``, ``"gz"``) or Eötvös (all others).

    Raises
    ------
    ValueError
        For another component.
    """
    check.one_of("gravity_terms.component", component, GRAVITY_COMPONENTS)
    per_si = G * _SI_PER_G_CC
    if component == "guv":
        return [("yy", 0.5 * per_si * _EOTVOS), ("xx", -0.5 * per_si * _EOTVOS)]
    axes = component[1:]
    return [(axes, per_si * (_MGAL if len(axes) == 1 else _EOTVOS))]


def magnetic_terms(component: str, field_direction: Vector, magnetization: Vector) -> Terms:
    r"""Return the terms of a magnetic component for a susceptibility, or an effective susceptibility, in SI.

    .. math::
        b_a = \frac{\chi}{4\pi} \sum_k M_k \, \partial_a \partial_k V, \quad
        b_{ab} = \partial_a b_b, \quad
        \text{tmi} = \mathbf t \cdot \mathbf b, \quad \text{tmi}_a = \partial_a \text{tmi}

    Demagnetization is neglected, and inside a body the result is :math:`\mu_0 \mathbf H`, as in SimPEG.

    Parameters
    ----------
    component : {"tmi", "bx", "by", "bz", "bxx", ..., "bzz", "tmi_x", "tmi_y", "tmi_z"}
        Component, with z upward.
    field_direction : (3,) sequence of float
        Unit vector :math:`\mathbf t` of the inducing field, on which ``"tmi"`` and its gradient are projected.
    magnetization : (3,) sequence of float
        :math:`\mathbf M`, the magnetization of a prism with model value one times :math:`\mu_0`, in nT; see
        :func:`magnetizations`.

    Returns
    -------
    list of (str, float)
        Name of a derivative and its factor, which gives nT, or nT/m for gradients. Each name occurs once.

    Raises
    ------
    ValueError
        For another component, or a vector without exactly three entries.
    """
    check.one_of("magnetic_terms.component", component, MAGNETIC_COMPONENTS)
    check.several("magnetic_terms.field_direction", field_direction, 3)
    check.several("magnetic_terms.magnetization", magnetization, 3)
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
    """Return the unit vector of a magnetic field from its inclination and declination.

    Parameters
    ----------
    inclination : float
        Angle below the horizontal, in degrees.
    declination : float
        Angle from north towards east, in degrees.

    Returns
    -------
    (3,) tuple of float
        Components along easting, northing and upward.
    """
    dip, azimuth = math.radians(inclination), math.radians(declination)
    return (math.cos(dip) * math.sin(azimuth), math.cos(dip) * math.cos(azimuth), -math.sin(dip))


def magnetizations(
    model_type: str, amplitude: float, inclination: float, declination: float
) -> list[tuple[float, float, float]]:
    """Return the magnetization that belongs to each block of a SimPEG model, as :func:`magnetic_terms` takes it.

    Parameters
    ----------
    model_type : {"scalar", "vector"}
        A scalar model has one block, the susceptibility, magnetized along the inducing field. A vector model has three
        blocks, the effective susceptibility along easting, northing and upward.
    amplitude : float
        Amplitude of the inducing field, in nT.
    inclination, declination : float
        Direction of the inducing field, in degrees.

    Returns
    -------
    list of (3,) tuple of float
        Magnetization of each block, in nT.

    Raises
    ------
    ValueError
        For another model type.
    """
    check.one_of("magnetizations.model_type", model_type, ("scalar", "vector"))
    if model_type == "scalar":
        x, y, z = field_direction(inclination, declination)
        return [(amplitude * x, amplitude * y, amplitude * z)]
    return [(amplitude, 0.0, 0.0), (0.0, amplitude, 0.0), (0.0, 0.0, amplitude)]
