"""Random parameters of geological scenes, for many scenes at once."""

from __future__ import annotations

import math

import torch

Tensor = torch.Tensor

BODIES = ("blocks", "ellipsoids", "intrusions", "dykes")  # oldest first: dykes cut all others
KINDS = ("layers", "folds", "faults", *BODIES)
#: Probability that a scene has each kind.
DEFAULT_KINDS = {
    "layers": 0.3,
    "folds": 0.5,
    "faults": 0.25,
    "blocks": 0.45,
    "ellipsoids": 0.25,
    "intrusions": 0.25,
    "dykes": 0.2,
}
#: Median of the largest contrast, its standard deviation in natural logarithms, and whether values may be negative.
PROPERTIES = {"density": (0.3, 0.6, True), "susceptibility": (0.03, 0.8, False)}
SHARING = ("whole", "partly", "none", "mixed")

_N_LAYERS = 6
_N_WAVES = 4
_SECOND = 0.3  # probability that a kind of body comes twice
_TAKES_PART = 0.6  # probability that a property has a body or an interface where structure is partly shared


class Draw:
    """Random tensors, drawn on the device of a generator and then moved to the device of the computation."""

    def __init__(self, generator: torch.Generator, device: torch.device, dtype: torch.dtype):
        self._generator, self._device, self._dtype = generator, device, dtype

    def uniform(self, shape, low=0.0, high=1.0) -> Tensor:
        unit = torch.rand(shape, generator=self._generator, device=self._generator.device, dtype=torch.float64)
        return (low + (high - low) * unit).to(self._device, self._dtype)

    def log_uniform(self, shape, low, high) -> Tensor:
        return torch.exp(self.uniform(shape, math.log(low), math.log(high)))

    def normal(self, shape) -> Tensor:
        unit = torch.randn(shape, generator=self._generator, device=self._generator.device, dtype=torch.float64)
        return unit.to(self._device, self._dtype)

    def angle(self, shape) -> Tensor:
        return self.uniform(shape, 0.0, 2.0 * math.pi)

    def sign(self, shape) -> Tensor:
        return torch.where(self.chance(shape, 0.5), 1.0, -1.0).to(self._dtype)

    def chance(self, shape, probability) -> Tensor:
        return self.uniform(shape) < probability


def draw_presence(draw: Draw, n: int, kinds: dict[str, float]) -> dict[str, Tensor]:
    """Return which scenes have each kind, (n,) of bool; an otherwise empty scene gets layers or one kind of body."""
    presence = {kind: draw.chance((n,), kinds.get(kind, 0.0)) for kind in KINDS}
    seen = [kind for kind in ("layers", *BODIES) if kinds.get(kind, 0.0) > 0.0]
    odds = torch.tensor([kinds[kind] for kind in seen], dtype=torch.float64).cumsum(0)
    odds = (odds / odds[-1]).to(presence["layers"].device)
    empty = ~torch.stack([presence[kind] for kind in seen]).any(0)
    pick = torch.searchsorted(odds, draw.uniform((n,)).to(odds.dtype)).clamp(max=len(seen) - 1)
    for i, kind in enumerate(seen):
        presence[kind] = presence[kind] | (empty & (pick == i))
    return presence


def draw_centers(draw: Draw, n: int, deepest: float) -> Tensor:
    """Return points in the domain, more of them shallow than deep, (n, 3)."""
    horizontal = draw.uniform((n, 2), -0.75, 0.75)
    return torch.cat([horizontal, deepest * draw.uniform((n, 1)) ** 1.5], dim=1)


def draw_strike(draw: Draw, n: int) -> Tensor:
    """Return random strikes; one in four is along an axis of the domain, since grids often follow the strike."""
    quarter = torch.floor(draw.uniform((n,), 0.0, 4.0)) * (0.5 * math.pi)
    return torch.where(draw.chance((n,), 0.25), quarter, draw.angle((n,)))


def draw_blocks(draw: Draw, n: int) -> dict[str, Tensor]:
    """Return blocks and slabs, vertical to gently dipping, of all sizes and depths."""
    dip = draw.uniform((n,), math.radians(30.0), math.radians(90.0))
    upright = draw.chance((n,), 0.25)
    center = draw_centers(draw, n, deepest=0.6)
    return {
        "center": center,
        "strike": draw_strike(draw, n),
        "slope": torch.where(upright, 0.0, 1.0 / torch.tan(dip)),
        "plunge": torch.where(draw.chance((n,), 0.7), 0.0, draw.uniform((n,), -0.5, 0.5)),
        "length": draw.log_uniform((n,), 0.1, 0.8),
        "width": draw.log_uniform((n,), 0.08, 0.5),
        "height": draw.log_uniform((n,), 0.12, 0.9),
    }


def draw_dykes(draw: Draw, n: int) -> dict[str, Tensor]:
    """Return steep sheets from near the surface to below the domain, some of them cut by its sides."""
    dip = draw.uniform((n,), math.radians(55.0), math.radians(90.0))
    center = draw_centers(draw, n, deepest=0.35)
    return {
        "center": center,
        "strike": draw_strike(draw, n),
        "slope": draw.sign((n,)) / torch.tan(dip),
        "plunge": torch.zeros_like(dip),
        "length": draw.log_uniform((n,), 0.5, 4.0),
        "width": draw.log_uniform((n,), 0.04, 0.1),
        "height": draw.log_uniform((n,), 0.5, 3.0),
    }


def draw_ellipsoids(draw: Draw, n: int) -> dict[str, Tensor]:
    """Return ellipsoids of any shape, strike and dip."""
    axes = draw.log_uniform((n, 3), 0.12, 0.6)
    center = draw_centers(draw, n, deepest=0.7)
    center[:, 2] += 0.6 * axes[:, 2]  # so that few are cut by the surface
    return {
        "center": center,
        "strike": draw_strike(draw, n),
        "dip": draw.uniform((n,), 0.0, 0.5 * math.pi),
        "axes": axes,
    }


def draw_intrusions(draw: Draw, n: int) -> dict[str, Tensor]:
    """Return plutons of irregular outline, half of them with a stem."""
    bodies = draw_ellipsoids(draw, n)
    bodies["axes"] = draw.log_uniform((n, 3), 0.18, 0.5)
    bodies["dip"] = 0.3 * bodies["dip"]
    radius = bodies["axes"][:, :2].mean(1)
    stem = torch.where(draw.chance((n,), 0.5), radius * draw.uniform((n,), 0.25, 0.6), 0.0)
    waves = draw.normal((n, _N_WAVES, 3))
    waves = waves / waves.norm(dim=-1, keepdim=True) * draw.uniform((n, _N_WAVES, 1), 4.0, 11.0)
    return bodies | {
        "stem": stem,
        "waves": waves,
        "phases": draw.angle((n, _N_WAVES)),
        "roughness": draw.uniform((n, _N_WAVES), 0.1, 0.35),
    }


def draw_faults(draw: Draw, n: int) -> dict[str, Tensor]:
    """Return normal and reverse faults through the middle of the domain, some with a slip along strike."""
    return {
        "center": torch.cat([draw.uniform((n, 2), -0.5, 0.5), torch.zeros_like(draw.uniform((n, 1)))], dim=1),
        "strike": draw.angle((n,)),
        "dip": draw.uniform((n,), math.radians(50.0), math.radians(90.0)),
        "throw": draw.sign((n,)) * draw.uniform((n,), 0.08, 0.35),
        "slip": torch.where(draw.chance((n,), 0.3), draw.uniform((n,), -0.4, 0.4), 0.0),
    }


def draw_layers(draw: Draw, n: int, folded: Tensor) -> dict[str, Tensor]:
    """Return two to six tilted layers with gently wavy interfaces, folded where `folded` is True."""
    n_layers = torch.floor(draw.uniform((n, 1), 2.0, _N_LAYERS + 1.0))
    thickness = draw.log_uniform((n, _N_LAYERS - 1), 0.1, 0.4)
    interfaces = thickness.cumsum(1) - 0.5 * thickness[:, :1]
    below = torch.arange(_N_LAYERS - 1, device=interfaces.device) >= n_layers - 1
    direction = draw.angle((n, 1)) + 0.5 * draw.normal((n, _N_WAVES))
    wavenumber = 2.0 * math.pi / draw.log_uniform((n, _N_WAVES), 0.7, 2.5)
    waves = torch.stack([torch.cos(direction), torch.sin(direction)], dim=-1) * wavenumber[..., None]
    # the slope of a wave is k·h, so only long waves may be high
    heights = torch.where(folded[:, None], draw.uniform((n, _N_WAVES), 0.1, 0.45), 0.04) / wavenumber
    return {
        "interfaces": torch.where(below, torch.inf, interfaces),
        "tilt": 0.12 * draw.normal((n, 2)),
        "waves": waves,
        "phases": draw.angle((n, _N_WAVES)),
        "heights": heights,
    }


SHAPES = {
    "blocks": draw_blocks,
    "ellipsoids": draw_ellipsoids,
    "intrusions": draw_intrusions,
    "dykes": draw_dykes,
}


def draw_bodies(draw: Draw, presence: dict[str, Tensor]):
    """Yield the bodies of all scenes: kind, indices of the scenes, shapes, and whether faults displace them.

    Yields
    ------
    kind : str
    rows : (n_bodies,) torch.Tensor of int
    shape : dict of str to torch.Tensor
    is_old : (n_bodies,) torch.Tensor of bool
    """
    for kind in BODIES:
        for has_one in (presence[kind], presence[kind] & draw.chance(presence[kind].shape, _SECOND)):
            rows = torch.nonzero(has_one).flatten()
            n = len(rows)
            if n:
                yield kind, rows, SHAPES[kind](draw, n), draw.chance((n,), 0.5)


def draw_amplitudes(draw: Draw, n: int, properties: tuple[str, ...]) -> Tensor:
    """Return the largest contrast of each scene in the units of the properties, (n, n_properties)."""
    median, spread = (
        torch.tensor([PROPERTIES[name][i] for name in properties], dtype=torch.float64).tolist() for i in (0, 1)
    )
    normal = draw.normal((n, len(properties)))
    scale = [m * torch.exp(s * normal[:, i]) for i, (m, s) in enumerate(zip(median, spread, strict=True))]
    return torch.stack(scale, dim=1)


def draw_layer_values(draw: Draw, n: int, properties: tuple[str, ...], partly: Tensor) -> Tensor:
    """Return relative values of layers, (n, n_properties, n_layers), without interfaces that a property lacks."""
    values = [draw.uniform((n, _N_LAYERS), -1.0 if PROPERTIES[name][2] else 0.0, 1.0) for name in properties]
    values = torch.stack(values, dim=1)
    merged = partly[:, None, None] & ~draw.chance(values.shape, _TAKES_PART)
    for layer in range(1, _N_LAYERS):
        values[..., layer] = torch.where(merged[..., layer], values[..., layer - 1], values[..., layer])
    return values


def draw_body_values(draw: Draw, n: int, properties: tuple[str, ...], partly: Tensor) -> tuple[Tensor, Tensor]:
    """Return relative values of bodies, and whether a property has them, each (n, n_properties)."""
    values = [draw.uniform((n,), 0.4, 1.0) * (draw.sign((n,)) if PROPERTIES[name][2] else 1.0) for name in properties]
    shows = draw.chance((n, len(properties)), _TAKES_PART)
    # every body occurs in at least one property
    first = torch.floor(draw.uniform((n, 1), 0.0, float(len(properties))))
    shows = shows | (torch.arange(len(properties), device=shows.device) == first)
    return torch.stack(values, dim=1), shows | ~partly[:, None]
