r"""Potential of a right rectangular prism and its derivatives up to third order, as sums of node functions.

With :math:`V(\mathbf p) = \int_\text{prism} |\mathbf q - \mathbf p|^{-1} \, dV`, the potential seen from the
observation point :math:`\mathbf p`, every function :math:`F` below satisfies

.. math::
    \partial^n_{\mathbf p} V = \sum_{i,j,k=0}^{1} (-1)^{i+j+k+1} \, F(x_i, y_j, z_k), \qquad
    (x_i, y_j, z_k) = \text{vertex} - \mathbf p

where index 1 is the upper bound: the sign is plus at the vertex that is upper in easting, northing and upward, and
changes for every lower bound. Derivatives are with respect to the easting, northing and upward coordinate of the
*observation point*, so ``"z"`` is the upward attraction of a body, with unit density and unit gravitational constant.

Nagy, D., Papp, G., Benedek, J. (2000), The gravitational potential and its derivatives for the prism, J. Geodesy 74,
552-560, https://doi.org/10.1007/s001900000116, gives the first two orders. Terms that do not depend on all three
coordinates cancel in the sum. Here they are chosen so that as few digits as possible are lost:

- :math:`\ln(t + r)` with :math:`t < 0` is computed as :math:`\ln(r^2 - t^2) - \ln(r - t)`, and its derivatives
  likewise;
- along the vertical, :math:`-\ln(r - z)` replaces :math:`\ln(r + z)`. It is singular only straight below a node, so
  receivers above the cells meet no singularity on the vertical through a node.

Singular points
---------------
The following holds in float64 and in float32, and no value is ever NaN or infinite.

- Potential and first order: continuous everywhere; the limits are returned.
- Second order, pure (``"xx"``): jumps by :math:`4\pi` across a face that is normal to its axis. On the plane of that
  face the node function is 0, which gives the mean of both sides. So the trace of the second derivatives is 0 outside,
  :math:`-4\pi` inside, :math:`-2\pi` on a face, :math:`-\pi` on an edge, :math:`-\pi/2` at a vertex.
- Second order, mixed: logarithmically infinite at the edges along the third axis. There :math:`\ln(r^2 - t^2)` is
  taken as 0, and so is :math:`\ln r` at a vertex.
- Third order: infinite like the inverse of the distance to an edge or vertex. Infinite terms are taken as 0. A point
  nearer than :math:`\sqrt\epsilon` m to the line through an edge, on its west, south or lower side, is treated as
  lying on that line (15 nm in float64, 0.35 mm in float32).
- On the extension of an edge beyond the prism all derivatives are smooth, and so are the sums returned here.

SimPEG 0.25 returns the same values with ``engine="geoana"``, its default. Its gradients of b lose digits beside the
vertical through a node (up to 0.6 % at 1e-13 m); those computed here do not. The kernels of choclo are NaN at a vertex.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .._core import validation as check


def node_function(name: str, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Evaluate the node function of a derivative of the prism's potential.

    Parameters
    ----------
    name : str
        ``"u"`` for the potential, or the axes of the derivative in alphabetical order: ``"z"``, ``"xz"``, ``"xyy"``.
    x, y, z : torch.Tensor
        Easting, northing and upward coordinate of the node minus that of the observation point, in m. Shapes broadcast.
        Leave them unbroadcast on a tensor mesh, where terms of two coordinates are then computed for these two only.

    Returns
    -------
    torch.Tensor
        Values of the common shape, in m² for the potential, m for first, 1 for second and 1/m for third derivatives.
        Node functions are homogeneous up to terms that cancel: with offsets in units of L, multiply the sums by L² for
        the potential, down to 1/L for third derivatives.

    Raises
    ------
    ValueError
        For a name that is not in `NODE_FUNCTIONS`.

    Notes
    -----
    The eight values of a cell nearly cancel. At a distance of R cell sizes h, a derivative of order n is about
    R^-(1 + n) h^(2 - n), and its round-off error is up to 25 eps R^(2 - n) (1 + ln R) h^(2 - n). Third derivatives also
    have an error of 25 eps / ρ at a distance ρ from the line through an edge. In float32 the relative error is 1e-3 at
    R = 10, and nothing is right at R = 100. A matrix to be stored in float32 is better rounded after the sum.
    """
    check.one_of("node_function.name", name, tuple(NODE_FUNCTIONS))
    return NODE_FUNCTIONS[name](x, y, z)


def _potential(x, y, z):
    r = _radius(x, y, z)
    logs = (y * z) * _log(x, y, z, r) + (x * z) * _log(y, x, z, r) + (x * y) * _log_up(x, y, z, r)
    angles = (x * x) * _angle(y, z, x, r) + (y * y) * _angle(x, z, y, r) + (z * z) * _angle(x, y, z, r)
    return logs - 0.5 * angles


def _x(x, y, z):
    r = _radius(x, y, z)
    return x * _angle(y, z, x, r) - z * _log(y, x, z, r) - y * _log_up(x, y, z, r)


def _y(x, y, z):
    r = _radius(x, y, z)
    return y * _angle(x, z, y, r) - z * _log(x, y, z, r) - x * _log_up(x, y, z, r)


def _z(x, y, z):
    r = _radius(x, y, z)
    return z * _angle(x, y, z, r) - x * _log(y, x, z, r) - y * _log(x, y, z, r)


def _xx(x, y, z):
    return -_angle(y, z, x, _radius(x, y, z))


def _yy(x, y, z):
    return -_angle(x, z, y, _radius(x, y, z))


def _zz(x, y, z):
    return -_angle(x, y, z, _radius(x, y, z))


def _xy(x, y, z):
    return _log_up(x, y, z, _radius(x, y, z))


def _xz(x, y, z):
    return _log(y, x, z, _radius(x, y, z))


def _yz(x, y, z):
    return _log(x, y, z, _radius(x, y, z))


def _xxy(x, y, z):
    return _slope(x, -z, y, _radius(x, y, z))


def _xyy(x, y, z):
    return _slope(y, -z, x, _radius(x, y, z))


def _xxz(x, y, z):
    return -_slope(x, y, z, _radius(x, y, z))


def _xzz(x, y, z):
    return -_slope(z, y, x, _radius(x, y, z))


def _yyz(x, y, z):
    return -_slope(y, x, z, _radius(x, y, z))


def _yzz(x, y, z):
    return -_slope(z, x, y, _radius(x, y, z))


# from the Laplacian of a first derivative, which is zero on both sides of every face
def _xxx(x, y, z):
    r = _radius(x, y, z)
    return _slope(z, y, x, r) - _slope(y, -z, x, r)


def _yyy(x, y, z):
    r = _radius(x, y, z)
    return _slope(z, x, y, r) - _slope(x, -z, y, r)


def _zzz(x, y, z):
    r = _radius(x, y, z)
    return _slope(x, y, z, r) + _slope(y, x, z, r)


def _xyz(x, y, z):
    r = _radius(x, y, z)
    return torch.where(r > 0, -1.0 / _or_one(r), 0.0)


NODE_FUNCTIONS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "u": _potential,
    **{"x": _x, "y": _y, "z": _z},
    **{"xx": _xx, "xy": _xy, "xz": _xz, "yy": _yy, "yz": _yz, "zz": _zz},
    **{"xxx": _xxx, "xxy": _xxy, "xxz": _xxz, "xyy": _xyy, "xyz": _xyz},
    **{"xzz": _xzz, "yyy": _yyy, "yyz": _yyz, "yzz": _yzz, "zzz": _zzz},
}
"""Node function of every derivative, by name."""


def cell_values(node_values: Tensor) -> Tensor:
    """Sum node values over the eight vertices of every cell of a tensor mesh, with their signs.

    Parameters
    ----------
    node_values : (..., n_x + 1, n_y + 1, n_z + 1) torch.Tensor
        Values of a node function. The three axes may be in any order.

    Returns
    -------
    (..., n_x, n_y, n_z) torch.Tensor
        Derivative of the potential of each cell.
    """
    return node_values.diff(dim=-3).diff(dim=-2).diff(dim=-1)


def gather_cells(node_values: Tensor, cell_nodes: Tensor) -> Tensor:
    """Sum node values over the eight vertices of every cell of any mesh, with their signs.

    Parameters
    ----------
    node_values : (..., n_nodes) torch.Tensor
        Values of a node function.
    cell_nodes : (n_cells, 8) torch.Tensor of int64
        Nodes of every cell in the order of discretize's ``mesh.cell_nodes``: x fastest, then y, then z.

    Returns
    -------
    (..., n_cells) torch.Tensor
        Derivative of the potential of each cell.
    """

    def edge(low):  # difference along x, (..., n_cells)
        upper, lower = (node_values.index_select(-1, cell_nodes[:, k]) for k in (low + 1, low))
        return upper.sub_(lower)

    bottom = edge(2).sub_(edge(0))
    return edge(6).sub_(edge(4)).sub_(bottom)


def _or_one(a):
    """Replace values of zero and below by one, for denominators and logarithms that the caller masks there."""
    return torch.where(a > 0, a, 1.0)


def _radius(x, y, z):
    return (x * x + y * y + z * z).sqrt_()


def _angle(a, b, c, r):
    """arctan(a b / (c r)), between -π/2 and π/2, and 0 for c = 0: atan2(0, 0) is 0."""
    return torch.atan2((a * c.sign()) * b, c.abs() * r)


def _log(t, a, b, r):
    """ln(t + r) with r² = t² + a² + b². On the ray a = b = 0, t < 0 it is -ln(-2t), and 0 for r = 0."""
    log = _or_one(t.abs() + r).log_()
    across = torch.where(t < 0, _or_one(a * a + b * b).log_(), 0.0)  # the third axis is broadcast
    return torch.where(t < 0, -1.0, 1.0).to(r) * log + across


def _log_up(x, y, z, r):
    """-ln(r - z), which equals ln(r + z) up to a function of x and y."""
    return -_log(-z, x, y, r)


def _slope(a, t, b, r):
    """a / (r (r + t)), the derivative of ln(t + r) along a. On the ray a = b = 0, t <= 0 it is 0.

    Both quotients are formed so that nothing overflows. Next to the ray, for t < 0, the function is 2 a / (a² + b²). It
    cancels in the sum along t and leaves round-off, so points that close to the ray are treated as lying on it.
    """
    sum_ = t.abs() + r
    across = a * a + b * b
    ahead = (a / _or_one(r)) / _or_one(sum_)
    behind = (sum_ / _or_one(r)) * torch.where(across > torch.finfo(r.dtype).eps, a / _or_one(across), 0.0)
    return torch.where(t < 0, behind, ahead)
