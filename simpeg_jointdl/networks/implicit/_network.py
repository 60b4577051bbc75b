"""Networks from points to properties."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from ..._core.checks import check_count, check_positive
from ..._core.tensors import resolve_device, resolve_dtype
from .._checks import uniform
from ._activations import make_activation
from ._encodings import BaseEncoding, FourierEncoding, HashEncoding, IdentityEncoding, PositionalEncoding

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from ._activations import BaseActivation


class Dense(nn.Module):
    """Affine layer with weights drawn from a generator, on the CPU in float64: the same for every device and type."""

    def __init__(self, n_inputs, n_outputs, weight_limit, bias_limit, generator, device, dtype):
        super().__init__()
        self.limits = (weight_limit, bias_limit)
        self.weight = nn.Parameter(torch.empty((n_outputs, n_inputs), device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(n_outputs, device=device, dtype=dtype))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None):
        """Draw the weights afresh, from torch's global generator unless another is given."""
        with torch.no_grad():
            for parameter, limit in zip((self.weight, self.bias), self.limits, strict=True):
                parameter.copy_(uniform(parameter.shape, limit, generator))

    def forward(self, x):
        """(n, n_inputs) to (n, n_outputs)."""
        return functional.linear(x, self.weight, self.bias)


class ImplicitNetwork(nn.Module):
    r"""Implicit neural representation: a network from a point to one or several properties there.

    An encoding, a trunk of `depth` layers that all outputs share, and a head per output. What comes out is raw:
    bounds and units belong to whoever evaluates it.

    Points are handed over prepared, ``network(*network.prepare(points))``: what the encoding needs of them is computed
    once, and the call, made in every step, only does what depends on the weights. Every operation can be
    differentiated twice, forward and backward, and batched by :func:`torch.func.vmap`.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Coordinates of a point, scaled to [-1, 1] by the domain; properties.
    width, depth : int
        Neurons of a layer, and layers of the trunk.
    encoding : {"none", "positional", "fourier", "hash"} or encoding
    activation : {"sine", "finer", "gauss", "gabor", "leaky_relu", "tanh", "gelu"} or activation
        Of the trunk and the heads.
    head_depth : int
        Hidden layers of each head, half as wide as the trunk; with 0 a head is one affine layer.
    last_scale : float
        Factor on the weights of the last layer at the start; small, so that the outputs start near zero and whatever
        bounds them does not start saturated.
    random_seed : int
        Of all weights, and of the encoding if it is given by name.
    device, dtype
        Of the weights; by default torch's default device, and float64.

    Raises
    ------
    ValueError
        For counts that are no ints of at least 1 (`head_depth`: 0), a `last_scale` that is not above zero, an unknown
        encoding, activation, device or type, or an encoding of another number of coordinates.

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import ImplicitNetwork
    >>> network = ImplicitNetwork(n_outputs=2, width=16, depth=2, encoding="positional")
    >>> network(*network.prepare(torch.zeros(5, 3, dtype=torch.float64))).shape, network.n_parameters
    (torch.Size([5, 2]), 562)
    """

    activation: BaseActivation
    encoding: BaseEncoding

    def __init__(
        self,
        n_inputs: int = 3,
        n_outputs: int = 1,
        *,
        width: int = 64,
        depth: int = 4,
        encoding: str | BaseEncoding = "none",
        activation: str | BaseActivation = "sine",
        head_depth: int = 0,
        last_scale: float = 0.01,
        random_seed: int = 0,
        device: str | torch.device | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        super().__init__()
        self.n_inputs: int = check_count("ImplicitNetwork.n_inputs", n_inputs)
        self.n_outputs: int = check_count("ImplicitNetwork.n_outputs", n_outputs)
        self.width: int = check_count("ImplicitNetwork.width", width)
        self.depth: int = check_count("ImplicitNetwork.depth", depth)
        self.head_depth: int = check_count("ImplicitNetwork.head_depth", head_depth, least=0)
        self.last_scale: float = check_positive("ImplicitNetwork.last_scale", last_scale)
        place = {"device": resolve_device(device), "dtype": resolve_dtype(dtype)}
        self.encoding: BaseEncoding = _make_encoding(encoding, self.n_inputs, random_seed=int(random_seed), **place)
        self.activation: BaseActivation = make_activation(activation)
        generator = torch.Generator("cpu").manual_seed(int(random_seed))
        widths = [self.encoding.n_outputs] + [self.width] * self.depth
        self.trunk: nn.ModuleList = nn.ModuleList(self._dense(widths, generator, place, first=True))
        self.heads: nn.ModuleList = nn.ModuleList(self._head(generator, place) for _ in range(self.n_outputs))

    def _dense(self, widths, generator, place, first):
        for k, (a, b) in enumerate(pairwise(widths)):
            limits = [
                limit(a, first and k == 0) for limit in (self.activation.weight_limit, self.activation.bias_limit)
            ]
            yield Dense(a, b, *limits, generator, **place)

    def _head(self, generator, place):
        widths = [self.width] + [max(self.width // 2, 1)] * self.head_depth
        limit = self.activation.weight_limit(widths[-1], False) * self.last_scale
        hidden = self._dense(widths, generator, place, first=False)
        return nn.ModuleList([*hidden, Dense(widths[-1], 1, limit, limit, generator, **place)])

    @property
    def n_parameters(self) -> int:
        """Weights that are learned."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments of the call for a set of points, (n_points, n_inputs), scaled to [-1, 1] by the domain.

        Raises
        ------
        TypeError, ValueError
            If the points are no tensor of floating-point numbers, have another shape or are not finite.
        """
        with torch.no_grad():
            return self.encoding.prepare(points)

    def forward(self, *prepared: torch.Tensor) -> torch.Tensor:
        """Raw outputs, (n_points, n_outputs)."""
        x = self.encoding(*prepared)
        for k, layer in enumerate(self.trunk):
            x = self.activation(layer(x), first=k == 0)
        return torch.cat([self._through(head, x) for head in self.heads], dim=-1)

    def _through(self, head, x):
        *hidden, last = head
        for layer in hidden:
            x = self.activation(layer(x))
        return last(x)


_PLAIN = {"none": IdentityEncoding, "positional": PositionalEncoding}
_ENCODINGS = _PLAIN | {"fourier": FourierEncoding, "hash": HashEncoding}


def _make_encoding(encoding, n_inputs: int, **seeded) -> BaseEncoding:
    """Encoding by its name, with its own defaults, or the object itself if it fits."""
    if isinstance(encoding, str) and encoding in _ENCODINGS:
        kind = _ENCODINGS[encoding]
        return kind(n_inputs) if encoding in _PLAIN else kind(n_inputs, **seeded)
    if isinstance(encoding, BaseEncoding):
        if encoding.n_inputs != n_inputs:
            msg = (
                f"ImplicitNetwork.encoding: {type(encoding).__name__} takes {encoding.n_inputs} coordinates, wanted "
                f"{n_inputs}. Build it with n_inputs={n_inputs}."
            )
            raise ValueError(msg)
        return encoding
    names = ", ".join(repr(name) for name in _ENCODINGS)
    msg = f"ImplicitNetwork.encoding: got {encoding!r}, wanted one of {names}, or an encoding of networks."
    raise ValueError(msg)
