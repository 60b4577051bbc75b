"""Plane-wave impedance of a layered earth: a recursion over a batch of columns, and its exact derivatives."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ._constants import MU_0

# |x| below which t - x (1 - t²) is summed as a series. The closed form loses digits as eps / x², the series, cut off
# after six terms, as (x / 2)^12.
_SERIES_BELOW = 0.3
# Largest number of values computed at once: on a CPU, per thread, such that the temporaries of a layer stay in cache;
# on an accelerator, such that the temporaries of all layers fit in memory.
_PIECE = {"cpu": 2**15, "accelerator": 2**22}


def layered_impedance(frequencies: Tensor, conductivity: Tensor, thicknesses: Tensor) -> Tensor:
    r"""Compute the surface impedance of horizontally layered columns under a vertical plane wave.

    With the time dependence :math:`e^{+i\omega t}`, z downwards, :math:`\alpha_j = \sqrt{i\omega\mu_0\sigma_j}`,
    :math:`w_j = \alpha_j/\sigma_j` and :math:`t_j = \tanh(\alpha_j h_j)`, the recursion runs from :math:`Z_n = w_n` in
    the half-space upwards,

    .. math::

        Z_j = w_j \frac{Z_{j+1} + w_j t_j}{w_j + Z_{j+1} t_j}.

    Parameters
    ----------
    frequencies : (..., n_frequencies) torch.Tensor
        Frequencies in Hz, in any order. Their type, float64 or float32, is the type of the computation.
    conductivity : (..., n_layers) torch.Tensor
        Conductivities in S/m, from the surface down; the last is that of the half-space below.
    thicknesses : (..., n_layers - 1) torch.Tensor
        Thicknesses in m, from the surface down.

    Returns
    -------
    (..., n_frequencies) complex torch.Tensor
        :math:`Z = E_x/H_y` in ohm, in the first quadrant; leading axes broadcast. SimPEG's 1-D simulation has z up
        and therefore the opposite sign.

    Notes
    -----
    The hyperbolic tangent is computed from a decaying exponential, so nothing overflows and thin layers lose no digits.
    No two terms of a sum have opposite signs, so the error stays at a few roundings per layer. The recursion runs in
    real numbers on :math:`u_j = Z_j/w_j`, which depends on frequency through :math:`t_j` only, since torch's complex
    division and tanh take ten times as long. A batch is computed in pieces that fit into the cache.

    In float64 the result is valid where :math:`\omega\mu_0\sigma h^2` does not underflow (above 1e-300), in float32
    above 1e-36. A layer thicker than about 350 skin depths (45 in float32) hides everything below it exactly.

    References
    ----------
    Ward, S. H., and Hohmann, G. W. (1988), Electromagnetic theory for geophysical applications,
    https://doi.org/10.1190/1.9781560802631.ch4
    """
    lead, pieces = _pieces(frequencies, conductivity, thicknesses)
    columns = torch.cat([_impedance(*piece) for piece in pieces])
    return columns.reshape(*lead, frequencies.shape[-1])


def layered_sounding(frequencies: Tensor, conductivity: Tensor, thicknesses: Tensor) -> tuple[Tensor, Tensor]:
    r"""Compute the apparent resistivity :math:`|Z|^2 / \omega\mu_0` and the phase of a layered earth.

    Parameters
    ----------
    frequencies, conductivity, thicknesses : torch.Tensor
        Frequencies in Hz and layers, as :func:`layered_impedance` takes them.

    Returns
    -------
    apparent_resistivity : (..., n_frequencies) torch.Tensor
        Apparent resistivity in ohm m.
    phase : (..., n_frequencies) torch.Tensor
        Phase of the impedance in rad, :math:`\pi/4` over a half-space.
    """
    impedance = layered_impedance(frequencies, conductivity, thicknesses)
    return impedance.abs().square() / (2.0 * math.pi * MU_0 * frequencies), impedance.angle()


def layered_impedance_derivatives(
    frequencies: Tensor, conductivity: Tensor, thicknesses: Tensor, *, by_thickness: bool = True
) -> tuple[Tensor, Tensor, Tensor | None]:
    r"""Compute the surface impedance and its derivatives with respect to conductivities and thicknesses.

    The chain rule follows the recursion of :func:`layered_impedance`. With :math:`s = 1 - t^2`, :math:`x = \alpha h`,
    :math:`D = w + Z t`, and Z the impedance below the layer,

    .. math::

        \frac{\partial Z_j}{\partial Z} = \frac{w^2 s}{D^2}, \qquad
        \frac{\partial Z_j}{\partial h_j} = \frac{\alpha w s\,(w^2 - Z^2)}{D^2}, \\
        \frac{\partial Z_j}{\partial \ln\sigma_j} =
        -\frac{w\left[w^2 (t - x s) + Z^2 (t + x s) + 2 w Z t^2\right]}{2 D^2}.

    Parameters
    ----------
    frequencies, conductivity, thicknesses : torch.Tensor
        Frequencies in Hz and layers, as :func:`layered_impedance` takes them.
    by_thickness : bool
        Whether to compute the derivatives with respect to thicknesses.

    Returns
    -------
    impedance : (..., n_frequencies) complex torch.Tensor
        Surface impedance in ohm.
    by_conductivity : (..., n_layers, n_frequencies) complex torch.Tensor
        Derivatives with respect to conductivities, in ohm / (S/m).
    by_thickness : (..., n_layers - 1, n_frequencies) complex torch.Tensor or None
        Derivatives with respect to thicknesses, in ohm / m; None unless asked for.

    Notes
    -----
    The results carry no gradients of autograd.
    """
    n_layers, n_frequencies = conductivity.shape[-1], frequencies.shape[-1]
    with torch.no_grad():
        # pieces of half the size, since the derivatives of all layers are stored
        lead, pieces = _pieces(frequencies, conductivity, thicknesses, share=2)
        shape = math.prod(lead), n_layers, n_frequencies
        by_sigma = conductivity.new_empty(shape, dtype=conductivity.dtype.to_complex())
        by_h = by_sigma.new_empty(shape[0], n_layers - 1, n_frequencies) if by_thickness else None
        impedance, start = [], 0
        for root_f, root_sigma, h in pieces:
            part = slice(start, start := start + root_sigma.shape[1])
            impedance.append(_derivatives(root_f, root_sigma, h, by_sigma[part], by_h[part] if by_thickness else None))
    return tuple(
        None if result is None else result.reshape(*lead, *result.shape[1:])
        for result in (torch.cat(impedance), by_sigma, by_h)
    )


def _pieces(frequencies, conductivity, thicknesses, share=1):
    """Split a batch of columns; return its leading axes, and root frequencies, root conductivities and thicknesses.

    Shapes are (n or 1, n_frequencies), (n_layers, n, 1) and (n_layers - 1, n or 1, 1). Layers come first, so that each
    step of the recursion reads contiguous memory. The product of the first two is the real part of alpha.
    """
    lead = torch.broadcast_shapes(frequencies.shape[:-1], conductivity.shape[:-1], thicknesses.shape[:-1])
    n_columns, n_frequencies = math.prod(lead), frequencies.shape[-1]
    root_f = _columns(frequencies, lead).mul(math.pi * MU_0).sqrt()
    root_sigma = conductivity.expand(*lead, -1).reshape(n_columns, conductivity.shape[-1]).sqrt().T.unsqueeze(-1)
    h = _columns(thicknesses, lead).T.unsqueeze(-1)
    on_cpu = root_sigma.device.type == "cpu"
    n_numbers = _PIECE["cpu"] * torch.get_num_threads() if on_cpu else _PIECE["accelerator"]
    size = max(1, n_numbers // max(1, share * n_frequencies))
    starts = range(0, max(1, n_columns), size)
    return lead, [
        (
            root_f[i : i + size] if len(root_f) > 1 else root_f,
            root_sigma[:, i : i + size].contiguous(),
            h[:, i : i + size] if h.shape[1] > 1 else h,
        )
        for i in starts
    ]


def _columns(values, lead):
    """Return values as (n_columns, n), or as (1, n) where all columns share them."""
    shared = math.prod(values.shape[:-1]) == 1
    n = values.shape[-1]
    return values.reshape(1, n) if shared else values.expand(*lead, n).reshape(math.prod(lead), n)


def _impedance(root_f, root_sigma, h):
    """Compute the impedance of some columns, (n, n_frequencies)."""
    double, contrast = -2.0 * root_sigma[:-1] * h, root_sigma[:-1] / root_sigma[1:]
    u = root_sigma.new_ones(root_sigma.shape[1], root_f.shape[1])
    u = u, torch.zeros_like(u)
    for j in range(len(double) - 1, -1, -1):
        u = _through_layer(u, contrast[j], *_minus_tanh(root_f * double[j])[:2])[0]
    return _impedance_of(u, root_f / root_sigma[0])


def _impedance_of(u, size):
    """Return Z from u = Z / w at the surface, where w = (1 + i) `size`."""
    re, im = u[0] * size, u[1] * size
    return torch.complex(re - im, re + im)


def _minus_tanh(double):
    """Return both parts of -t = -tanh((1 + i) a) from -2a, and exp(-2a), sin(-2a), cos(2a) and the denominator.

    With E = exp(-2a), -t = [(E² - 1) / 2 - i E sin 2a] / [(1 + E²) / 2 + E cos 2a]; the denominator is above 0.4.
    """
    fall = torch.expm1(double)
    decay, sine, cosine = fall + 1.0, torch.sin(double), torch.cos(double)
    divisor = decay * torch.add(cosine, decay, alpha=0.5) + 0.5
    re, im = torch.addcmul(fall, fall, fall, value=0.5) / divisor, decay * sine / divisor
    return re, im, (decay, sine, cosine, divisor)


def _through_layer(u, contrast, t_re, t_im):
    """Return u = Z / w above a layer from u below it, and two quantities for the derivatives.

    With -t from :func:`_minus_tanh` and g = contrast * u, they are (g + t) / (1 + g t), g, and 1 / (1 + g t).
    """
    g_re, g_im = u[0] * contrast, u[1] * contrast
    top_re, top_im = g_re - t_re, g_im - t_im
    below_re = torch.addcmul(torch.addcmul(torch.ones_like(t_re), g_re, t_re, value=-1.0), g_im, t_im)
    minus_im = torch.addcmul(g_re * t_im, g_im, t_re)
    scale = torch.addcmul(below_re * below_re, minus_im, minus_im).reciprocal()
    re, im = below_re * scale, minus_im * scale
    above = torch.addcmul(top_re * re, top_im, im, value=-1.0), torch.addcmul(top_im * re, top_re, im)
    return above, (g_re, g_im), (re, im)


def _derivatives(root_f, root_sigma, h, by_sigma, by_h):
    """Return the impedance of some columns; write its derivatives to `by_sigma` and, unless it is None, `by_h`."""
    double, contrast, n = -2.0 * root_sigma[:-1] * h, root_sigma[:-1] / root_sigma[1:], len(root_sigma) - 1
    u = root_sigma.new_ones(root_sigma.shape[1], root_f.shape[1])
    u, local = (u, torch.zeros_like(u)), []
    for j in range(n - 1, -1, -1):
        u, *derivatives = _local_derivatives(u, contrast[j], root_f * double[j])
        local.append(derivatives if by_h is not None else derivatives[:2])  # they would fill the cache
    impedance = _impedance_of(u, root_f / root_sigma[0])
    alpha = torch.complex(root_f, root_f)
    chain = alpha.expand(impedance.shape)  # derivative of the surface impedance by u / root sigma below a layer
    for j, (by_below, bracket, *squared) in enumerate(reversed(local)):
        torch.mul(chain, bracket, out=by_sigma[:, j])
        chain = chain * by_below
        if by_h is not None:
            torch.mul(chain * alpha, 1.0 - squared[0], out=by_h[:, j])
    by_sigma[:, n] = chain
    torch.view_as_real(by_sigma).mul_((-0.5 / root_sigma**3).movedim(0, 1).unsqueeze(-1))
    return impedance


def _local_derivatives(u, contrast, minus_two_a):
    """Return u above a layer from u below it, and three parts of the derivatives of y = u / root sigma above it.

    With g = contrast * u and D = 1 + g t, they are the derivative of y by y below, s / D²; -2 root sigma times its
    derivative by ln(sigma); and g², since its derivative by h is (1 - g²) alpha / root sigma times the first.
    """
    t_re, t_im, (decay, sine, cosine, divisor) = _minus_tanh(minus_two_a)
    u, g, inverse = _through_layer(u, contrast, t_re, t_im)
    g, inverse, minus_t = torch.complex(*g), torch.complex(*inverse), torch.complex(t_re, t_im)
    squared, scale = decay * decay, decay / (divisor * divisor)
    s_re = scale * torch.addcmul(torch.add(decay, decay), cosine, 1.0 + squared)
    s_im = scale * sine * (1.0 - squared)
    a = -0.5 * minus_two_a
    s, xs = torch.complex(s_re, s_im), torch.complex(a * (s_re - s_im), a * (s_re + s_im))
    gg, inverse = g * g, inverse * inverse
    bracket = gg * (xs - minus_t)
    bracket = torch.add(bracket, g * (minus_t * minus_t), alpha=2.0)
    bracket = inverse * (bracket + _tanh_excess(a, s, minus_t + xs))
    return u, inverse * s, bracket, gg


def _tanh_excess(a, s, opposite):
    """Compute t - x s = (sinh(2x)/2 - x) / cosh²(x) for x = (1 + i) a, which is 2x³/3 where the layer is thin."""
    # sinh(2x)/2 - x = x³ Σ 4^k x^(2k-2) / (2k + 1)!, k >= 1; real and imaginary part, as x² = 2i a²
    c = [4.0**k / math.factorial(2 * k + 1) for k in range(1, 7)]
    squared = 2.0 * a * a
    minus_fourth = -squared * squared
    re = c[0] + minus_fourth * (c[2] + minus_fourth * c[4])
    im = (c[1] + minus_fourth * (c[3] + minus_fourth * c[5])) * squared
    cube = squared * a  # x³ = (i - 1) cube
    series = torch.complex(-cube * (re + im), cube * (re - im)) * s
    return torch.where(a < _SERIES_BELOW / math.sqrt(2.0), series, -opposite)
