"""Implicit neural representations: networks from coordinates to physical properties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import torch
from numpy.typing import DTypeLike
from torch import nn
from torch.nn import functional

from ..._core import validation as check
from ..._core.tensors import resolve_device, resolve_dtype, seeded_generator
from ._activations import ActivationName, make_activation
from ._base import BaseActivation, BaseEncoding
from ._encodings import FourierEncoding, IdentityEncoding, PositionalEncoding
from ._hash import HashEncoding
from ._initial import uniform

EncodingName: TypeAlias = Literal["none", "positional", "fourier", "hash"]

_FIXED = {"none": IdentityEncoding, "positional": PositionalEncoding}
_RANDOM = {"fourier": FourierEncoding, "hash": HashEncoding}


class ImplicitNetwork(nn.Module):
    r"""Implicit neural representation: physical properties as a function of the coordinates.

    The network consists of an encoding, a trunk of `depth` layers that all properties share, and one head per property.
    Its outputs have no bounds and no units; these are applied by the map that evaluates the network.

    Points must be prepared first, ``network(*network.prepare(points))``. What the encoding needs of the points is
    computed once, and the call, which is repeated in every iteration, only computes what depends on the weights. Every
    operation can be differentiated twice, in forward and reverse mode, and batched by :func:`torch.func.vmap`.

    Parameters
    ----------
    n_inputs : int
        Number of coordinates of a point, which are scaled to [-1, 1] over the domain.
    n_outputs : int
        Number of properties.
    width : int
        Number of neurons per layer of the trunk.
    depth : int
        Number of layers of the trunk.
    encoding : {"none", "positional", "fourier", "hash"} or encoding
        Name of an encoding, which then has its default options, or an encoding of this package.
    activation : {"sine", "finer", "gauss", "gabor", "leaky_relu", "tanh", "gelu"} or activation
        Name of the activation of trunk and heads, which then has its default options, or an activation of this package.
    head_depth : int
        Number of hidden layers of each head, half as wide as the trunk; with 0 a head is one affine layer.
    last_scale : float
        Factor on the initial weights of the last layer. A small factor makes the initial outputs small, so that a
        bounded transformation of them is not saturated.
    random_seed : int
        Seed of all initial weights, and of the encoding if it is given by name.
    device : str or torch.device, optional
        Device of the weights; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Type of the weights, float64 (default) or float32.

    Attributes
    ----------
    encoding : torch.nn.Module
        Encoding of the coordinates.
    activation : torch.nn.Module
        Activation of trunk and heads.
    trunk : torch.nn.ModuleList
        Layers that all properties share.
    heads : torch.nn.ModuleList
        Layers of each property.

    Raises
    ------
    TypeError, ValueError
        If a number is not a whole number of at least 1 (`head_depth`: 0), `last_scale` is not above zero, the encoding,
        activation, device or type is unknown, or the encoding has another number of coordinates.

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import ImplicitNetwork
    >>> network = ImplicitNetwork(n_outputs=2, width=16, depth=2, encoding="positional")
    >>> network(*network.prepare(torch.zeros(5, 3, dtype=torch.float64))).shape, network.n_parameters
    (torch.Size([5, 2]), 562)
    """

    def __init__(
        self,
        n_inputs: int = 3,
        n_outputs: int = 1,
        *,
        width: int = 64,
        depth: int = 4,
        encoding: EncodingName | BaseEncoding = "none",
        activation: ActivationName | BaseActivation = "sine",
        head_depth: int = 0,
        last_scale: float = 0.01,
        random_seed: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | DTypeLike | None = None,
    ):
        super().__init__()
        self.n_inputs: int = check.whole("ImplicitNetwork.n_inputs", n_inputs)
        self.n_outputs: int = check.whole("ImplicitNetwork.n_outputs", n_outputs)
        self.width: int = check.whole("ImplicitNetwork.width", width)
        self.depth: int = check.whole("ImplicitNetwork.depth", depth)
        self.head_depth: int = check.whole("ImplicitNetwork.head_depth", head_depth, least=0)
        self.last_scale: float = check.positive("ImplicitNetwork.last_scale", last_scale)
        place = {"device": resolve_device(device, "ImplicitNetwork"), "dtype": resolve_dtype(dtype, "ImplicitNetwork")}
        generator = seeded_generator("ImplicitNetwork.random_seed", random_seed)
        self.encoding: BaseEncoding = _make_encoding(encoding, self.n_inputs, random_seed=random_seed, **place)
        self.activation: BaseActivation = make_activation("ImplicitNetwork.activation", activation)
        widths = [self.encoding.n_outputs] + [self.width] * self.depth
        self.trunk: nn.ModuleList = nn.ModuleList(self._dense(widths, generator, place, first=True))
        self.heads: nn.ModuleList = nn.ModuleList(self._head(generator, place) for _ in range(self.n_outputs))

    def _dense(
        self, widths: Sequence[int], generator: torch.Generator, place: dict[str, Any], first: bool
    ) -> Iterator[Dense]:
        for k, (a, b) in enumerate(pairwise(widths)):
            limits = [
                limit(a, first and k == 0) for limit in (self.activation.weight_limit, self.activation.bias_limit)
            ]
            yield Dense(a, b, *limits, generator, **place)

    def _head(self, generator: torch.Generator, place: dict[str, Any]) -> nn.ModuleList:
        widths = [self.width] + [max(self.width // 2, 1)] * self.head_depth
        limit = self.activation.weight_limit(widths[-1], False) * self.last_scale
        hidden = self._dense(widths, generator, place, first=False)
        return nn.ModuleList([*hidden, Dense(widths[-1], 1, limit, limit, generator, **place)])

    @property
    def n_parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the arguments of the call for a set of points.

        Parameters
        ----------
        points : (n_points, n_inputs) torch.Tensor
            Coordinates scaled to [-1, 1] over the domain.

        Returns
        -------
        tuple of torch.Tensor
            Tensors whose first axis is that of the points, without gradients.

        Raises
        ------
        TypeError, ValueError
            If the points are not a tensor of finite floating-point numbers of this shape.
        """
        with torch.no_grad():
            return self.encoding.prepare(points)

    def forward(self, *prepared: torch.Tensor) -> torch.Tensor:
        """Return the outputs at prepared points.

        Parameters
        ----------
        *prepared : torch.Tensor
            Tensors returned by `prepare`.

        Returns
        -------
        (n_points, n_outputs) torch.Tensor
            Outputs without bounds and units.
        """
        x = self.encoding(*prepared)
        for k, layer in enumerate(self.trunk):
            x = self.activation(layer(x), first=k == 0)
        return torch.cat([self._evaluate_head(head, x) for head in self.heads], dim=-1)

    def _evaluate_head(self, head: nn.Module, x: torch.Tensor) -> torch.Tensor:
        *hidden, last = head
        for layer in hidden:
            x = self.activation(layer(x))
        return last(x)


class Dense(nn.Module):
    """Affine layer whose initial weights are the same for every device and floating-point type."""

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        weight_limit: float,
        bias_limit: float,
        generator: torch.Generator,
        device: torch.device,
        dtype: torch.dtype,
    ):
        super().__init__()
        self.limits = (weight_limit, bias_limit)
        self.weight = nn.Parameter(torch.empty((n_outputs, n_inputs), device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(n_outputs, device=device, dtype=dtype))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights and biases, from torch's global generator unless another is given."""
        with torch.no_grad():
            for parameter, limit in zip((self.weight, self.bias), self.limits, strict=True):
                parameter.copy_(uniform(parameter.shape, limit, generator))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, n_outputs) values of (n, n_inputs) inputs."""
        return functional.linear(x, self.weight, self.bias)


def _make_encoding(encoding: EncodingName | BaseEncoding, n_inputs: int, **random_options: Any) -> BaseEncoding:
    """Return the encoding of a name with its default options, or the given encoding itself if it fits."""
    who = "ImplicitNetwork.encoding"
    if isinstance(encoding, BaseEncoding):
        if encoding.n_inputs != n_inputs:
            msg = (
                f"{who}: got a {type(encoding).__name__} of {encoding.n_inputs} coordinates, wanted {n_inputs}. Build "
                f"it with n_inputs={n_inputs}."
            )
            raise ValueError(msg)
        return encoding
    name = check.one_of(who, encoding, _FIXED | _RANDOM, mend="Or pass an encoding of simpeg_jointdl.networks.")
    return _FIXED[name](n_inputs) if name in _FIXED else _RANDOM[name](n_inputs, **random_options)
