"""Random layered earths, on which 1-D networks are trained."""

from __future__ import annotations

from typing import Literal

import torch
from numpy.typing import DTypeLike

from ..._core import validation as check
from ..._core.tensors import resolve_device, resolve_dtype, seeded_generator

Tensor = torch.Tensor

#: Number of layers of both designs, including the half-space.
N_LAYERS = 40
_GROWTH = 1.2  # ratio of successive thicknesses in the wide design
_FIRST = 20.0  # m
_PUBLISHED_RANGE = (2.0, 220.0)  # ohm m
_N_ANCHORS = 5
_WIDE_RANGE = (-1.0, 5.0)  # decades of ohm m
_MOST_ANCHORS = 9


def layer_thicknesses(design: Literal["wide", "published"] = "wide") -> Tensor:
    r"""Return the layer thicknesses of the 1-D magnetotelluric networks.

    ``"published"``: :math:`20 + 10^{0.057 (i-1)}` m for i = 1..39, from 21 m to 167 m and 1964 m in total. ``"wide"``:
    :math:`20 \cdot 1.2^{i-1}` m, from 20 m to 20 km and 122 km in total, with equally many layers per decade of depth.

    Parameters
    ----------
    design : {"wide", "published"}
        Design of the layers.

    Returns
    -------
    (39,) torch.Tensor
        Thicknesses in m from the surface down, float64. The 40th layer is the half-space.

    Raises
    ------
    ValueError
        If the design is another one.
    """
    i = torch.arange(N_LAYERS - 1, dtype=torch.float64, device="cpu")
    return 20.0 + 10.0 ** (0.057 * i) if _checked(design) == "published" else _FIRST * _GROWTH**i


def sample_layered_earth(
    n_samples: int,
    design: Literal["wide", "published"] = "wide",
    *,
    random_seed: int | torch.Generator = 0,
    device: str | torch.device | None = None,
    dtype: torch.dtype | DTypeLike | None = None,
) -> Tensor:
    r"""Return random resistivities of the layers of `layer_thicknesses`.

    ``"published"``: five of the 40 layers, drawn without replacement, get resistivities uniform in (2, 220) ohm m;
    resistivity is linear in the layer's number between them and constant beyond.

    ``"wide"``: 0.1 to 1e5 ohm m. A third of the samples is blocky (one to nine units), a third smooth (one to nine
    anchors, the logarithm linear between them), a third the sum of both with contrasts of half the size. A sample has a
    level, uniform in the logarithm, and contrasts about it with a standard deviation of 0.15 to 1.5 decades; values
    outside the range are reflected at its ends.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    design : {"wide", "published"}
        Design of the layers.
    random_seed : int or torch.Generator
        Seed, or a generator, which continues from its state.
    device : str or torch.device, optional
        Device of the result; by default torch's default device. Numbers are drawn on the device of the generator, which
        is the CPU for an int, so that they are the same on every device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision of the result, float64 by default.

    Returns
    -------
    (n_samples, 40) torch.Tensor
        :math:`\log_{10}` of resistivity in ohm m, from the surface down.

    Raises
    ------
    ValueError
        If the design is another one, or there is no sample.

    Examples
    --------
    >>> from simpeg_jointdl.datasets import synthetic
    >>> synthetic.sample_layered_earth(3, "published", random_seed=1).shape
    torch.Size([3, 40])
    """
    device, dtype = resolve_device(device), resolve_dtype(dtype)
    n = check.whole("sample_layered_earth.n_samples", n_samples, least=1)
    generator = seeded_generator("sample_layered_earth.random_seed", random_seed)
    sample = _published if _checked(design) == "published" else _wide
    return sample(n, generator).to(device, dtype)


def _checked(design) -> str:
    if design not in ("wide", "published"):
        msg = f"layered earth: got the design {design!r}, wanted 'wide' or 'published'."
        raise ValueError(msg)
    return design


class _Draw:
    """Random numbers (n, ...) in float64, on the device of a generator."""

    def __init__(self, n: int, generator: torch.Generator):
        self.n, self.generator = n, generator
        self.options = {"dtype": torch.float64, "device": generator.device}

    def uniform(self, lower: float, upper: float, width: int) -> Tensor:
        return lower + (upper - lower) * torch.rand(self.n, width, generator=self.generator, **self.options)

    def normal(self, width: int) -> Tensor:
        return torch.randn(self.n, width, generator=self.generator, **self.options)

    def integer(self, lower: int, upper: int) -> Tensor:
        options = self.options | {"dtype": torch.long}
        return torch.randint(lower, upper + 1, (self.n, 1), generator=self.generator, **options)

    def order(self, width: int) -> Tensor:
        return self.uniform(0.0, 1.0, width).argsort(1)


def _published(n: int, generator) -> Tensor:
    draw = _Draw(n, generator)
    anchors = draw.order(N_LAYERS)[:, :_N_ANCHORS].sort(1).values
    values = draw.uniform(*_PUBLISHED_RANGE, _N_ANCHORS)
    return torch.log10(_between(anchors.to(values), values))


def _wide(n: int, generator) -> Tensor:
    draw = _Draw(n, generator)
    lower, upper = _WIDE_RANGE
    level, spread = draw.uniform(lower + 0.3, upper - 0.3, 1), 0.15 * 10.0 ** draw.uniform(0.0, 1.0, 1)
    smooth, blocky = _anchored(draw), _units(draw)
    kind = draw.integer(0, 2)
    shape = torch.where(kind == 0, blocky, torch.where(kind == 1, smooth, 0.5 * (smooth + blocky)))
    values = level + spread * shape
    half = upper - lower
    return lower + half - ((values - lower) % (2.0 * half) - half).abs()


def _anchored(draw: _Draw) -> Tensor:
    """Return standard normal values at one to nine layers, linear in between."""
    count = draw.integer(1, _MOST_ANCHORS)
    places = draw.uniform(0.0, N_LAYERS - 1.0, _MOST_ANCHORS)
    rank = torch.arange(_MOST_ANCHORS, device=places.device)
    # unused anchors lie below all layers and have the value of the last used one
    places = torch.where(rank < count, places, 10.0 * N_LAYERS + rank).sort(1).values
    return _between(places, draw.normal(_MOST_ANCHORS).gather(1, torch.minimum(rank, count - 1)))


def _units(draw: _Draw) -> Tensor:
    """Return standard normal values of one to nine units of layers."""
    is_boundary = draw.order(N_LAYERS - 1).argsort(1) < draw.integer(0, _MOST_ANCHORS - 1)
    unit = torch.nn.functional.pad(is_boundary.long().cumsum(1), (1, 0))
    return draw.normal(_MOST_ANCHORS).gather(1, unit)


def _between(places: Tensor, values: Tensor) -> Tensor:
    """Return values at all layers, linear between sorted anchors (n, k) and constant beyond them."""
    layers = torch.arange(N_LAYERS, dtype=places.dtype, device=places.device).expand(len(places), -1).contiguous()
    above = torch.searchsorted(places, layers).clamp(1, places.shape[1] - 1)
    x0, x1 = places.gather(1, above - 1), places.gather(1, above)
    part = ((layers - x0) / (x1 - x0)).clamp(0.0, 1.0)
    return torch.lerp(values.gather(1, above - 1), values.gather(1, above), part)
