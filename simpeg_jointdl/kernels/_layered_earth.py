"""Plane-wave impedance of a layered earth: a recursion over a batch of columns, and its exact derivatives."""

from __future__ import annotations

import math

import torch

Tensor = torch.Tensor

#: Magnetic permeability of vacuum, H/m, as SimPEG's (CODATA 2022 through scipy).
MU_0 = 1.25663706127e-6

_SERIES_BELOW = 0.3  # of |x| in t - x (1 - t²): the closed form loses digits as eps / x², the series (x / 2)^12


def layered_impedance(frequencies: Tensor, conductivity: Tensor, thicknesses: Tensor) -> Tensor:
    r"""Surface impedance of horizontally layered columns under a vertical plane wave.

    With :math:`e^{+i\omega t}`, z downwards, :math:`\alpha_j = \sqrt{i\omega\mu_0\sigma_j}`,
    :math:`w_j = \alpha_j/\sigma_j` and :math:`t_j = \tanh(\alpha_j h_j)`, from :math:`Z_n = w_n` upwards

    .. math::

        Z_j = w_j \frac{Z_{j+1} + w_j t_j}{w_j + Z_{j+1} t_j}.

    Nothing overflows: tanh is made of a decaying exponential, and accurate to its last digits where a layer is
    thin. No two terms of a sum here oppose each other, so errors stay at a few roundings per layer.

    Parameters
    ----------
    frequencies : (..., n_frequencies) torch.Tensor
        In Hz, in any order. Its real type is the type of the work: float64 or float32.
    conductivity : (..., n_layers) torch.Tensor
        In S/m, from the surface down; the last is the half-space below.
    thicknesses : (..., n_layers - 1) torch.Tensor
        In m, from the surface down.

    Returns
    -------
    (..., n_frequencies) complex torch.Tensor
        :math:`Z = E_x/H_y` in ohm, in the first quadrant; leading axes broadcast. SimPEG's 1-D simulation has z up
        and so the opposite sign.

    Notes
    -----
    In float64 it holds for all :math:`\omega\mu_0\sigma h^2` that do not underflow (above 1e-300), in float32 above
    1e-36; a layer thicker than about 350 (float32: 45) of its skin depths hides all below it exactly.

    References
    ----------
    Ward, S. H., and Hohmann, G. W. (1988), Electromagnetic theory for geophysical applications,
    https://doi.org/10.1190/1.9781560802631.ch4
    """
    _, w, x = _layer_quantities(frequencies, conductivity, thicknesses)
    tanh, _ = _tanh(x)
    impedance = w[-1]
    for w_j, t_j in zip(reversed(w[:-1]), reversed(tanh), strict=True):
        impedance = w_j * (impedance + w_j * t_j) / (w_j + impedance * t_j)
    return impedance


def layered_impedance_derivatives(
    frequencies: Tensor, conductivity: Tensor, thicknesses: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Surface impedance, and its derivatives by every layer's conductivity and thickness.

    The chain rule down the recursion of `layered_impedance`, with :math:`s = 1 - t^2`, :math:`x = \alpha h`,
    :math:`D = w + Z t`, and Z the impedance below the layer:

    .. math::

        \frac{\partial Z_j}{\partial Z} = \frac{w^2 s}{D^2}, \qquad
        \frac{\partial Z_j}{\partial h_j} = \frac{\alpha w s\,(w^2 - Z^2)}{D^2}, \qquad
        \frac{\partial Z_j}{\partial \ln\sigma_j} =
        -\frac{w\left[w^2 (t - x s) + Z^2 (t + x s) + 2 w Z t^2\right]}{2 D^2}.

    Parameters
    ----------
    frequencies, conductivity, thicknesses : torch.Tensor
        As in `layered_impedance`.

    Returns
    -------
    impedance : (..., n_frequencies) complex torch.Tensor
        In ohm.
    by_conductivity : (..., n_layers, n_frequencies) complex torch.Tensor
        In ohm / (S/m).
    by_thickness : (..., n_layers - 1, n_frequencies) complex torch.Tensor
        In ohm / m.
    """
    alpha, w, x = _layer_quantities(frequencies, conductivity, thicknesses)
    tanh, s = _tanh(x)
    n = len(w) - 1
    below = [w[-1]]  # the impedance below each layer, from the last one up
    for j in range(n - 1, -1, -1):
        below.append(w[j] * (below[-1] + w[j] * tanh[j]) / (w[j] + below[-1] * tanh[j]))
    impedance = below.pop()
    by_log_conductivity, by_thickness = [], []
    chain = torch.ones_like(impedance)
    for j, z in enumerate(reversed(below)):
        if j == n:
            break
        t, w_j, s_j = tanh[j], w[j], s[j]
        over = w_j / (w_j + z * t) ** 2
        xs = x[j] * s_j
        terms = w_j**2 * _tanh_excess(x[j], t, xs) + z**2 * (t + xs) + 2.0 * w_j * z * t**2
        by_log_conductivity.append(-0.5 * chain * over * terms)
        by_thickness.append(chain * over * alpha[j] * s_j * (w_j**2 - z**2))
        chain = chain * over * w_j * s_j
    by_log_conductivity.append(-0.5 * chain * w[-1])
    by_conductivity = torch.stack(by_log_conductivity, dim=-2) / conductivity.unsqueeze(-1)
    empty = impedance.new_zeros((*impedance.shape[:-1], 0, impedance.shape[-1]))
    return impedance, by_conductivity, torch.stack(by_thickness, dim=-2) if by_thickness else empty


def _layer_quantities(frequencies, conductivity, thicknesses):
    """alpha (1/m) and w (ohm) of all layers, x = alpha h of those with a base; layers on the first axis.

    Layers first, so that each step of the recursion reads memory in one piece.
    """
    lead = torch.broadcast_shapes(frequencies.shape[:-1], conductivity.shape[:-1], thicknesses.shape[:-1])
    sigma = conductivity.expand(*lead, -1).movedim(-1, 0).unsqueeze(-1)  # (n_layers, ..., 1)
    h = thicknesses.expand(*lead, -1).movedim(-1, 0).unsqueeze(-1)
    half = torch.sqrt((math.pi * MU_0) * frequencies * sigma)  # real part of alpha, which is its imaginary one
    alpha = torch.complex(half, half)
    x = half[:-1] * h
    return alpha, alpha / sigma, torch.complex(x, x)


def _tanh(x: Tensor) -> tuple[Tensor, Tensor]:
    """tanh(x) and 1 - tanh(x)² for x = (1 + i) a, a > 0."""
    a = x.real
    decay, sine, cosine = torch.expm1(-2.0 * a), torch.sin(2.0 * a), torch.cos(2.0 * a)
    # 1 - exp(-2x), its real part without the difference of two numbers near one
    one_minus = torch.complex(2.0 * torch.sin(a) ** 2 - decay * cosine, (decay + 1.0) * sine)
    inverse = 1.0 / (2.0 - one_minus)
    return one_minus * inverse, 4.0 * (1.0 - one_minus) * inverse**2


def _tanh_excess(x: Tensor, tanh: Tensor, xs: Tensor) -> Tensor:
    """t - x (1 - t²) = (sinh(2x)/2 - x) / cosh²(x), which is 2x³/3 where the layer is thin."""
    squared = x * x
    # sinh(2x)/2 - x = x³ Σ 4^k x^(2k-2) / (2k + 1)!, k >= 1, nested
    series = torch.ones_like(x)
    for k in (6, 5, 4, 3, 2):
        series = 1.0 + squared * series * (4.0 / ((2 * k) * (2 * k + 1)))
    series = series * squared * x * (2.0 / 3.0) * (1.0 - tanh * tanh)
    return torch.where(x.abs() < _SERIES_BELOW, series, tanh - xs)
