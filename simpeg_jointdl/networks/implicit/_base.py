"""Base classes of the encodings and activations of implicit networks."""

from __future__ import annotations

import math

import torch
from torch import nn

from ..._core import validation as check


class BaseActivation(nn.Module):
    """Base class of activations, which know the range of the initial weights that they need.

    The call takes ``first=True`` in the first layer, whose inputs are the encoded coordinates, and False in all others.
    """

    def weight_limit(self, fan_in: int, first: bool) -> float:
        """Return the limit of the initial weights, which are uniform between its negative and itself.

        Parameters
        ----------
        fan_in : int
            Number of inputs of the layer.
        first : bool
            Whether it is the first layer.

        Returns
        -------
        float
            Largest absolute value of a weight.
        """
        raise NotImplementedError

    def bias_limit(self, fan_in: int, first: bool) -> float:
        """Return the limit of the initial biases, which are uniform between its negative and itself.

        Parameters
        ----------
        fan_in : int
            Number of inputs of the layer.
        first : bool
            Whether it is the first layer.

        Returns
        -------
        float
            Largest absolute value of a bias.
        """
        return 1.0 / math.sqrt(fan_in)

    def forward(self, x: torch.Tensor, first: bool = False) -> torch.Tensor:
        """Return the activated values.

        Parameters
        ----------
        x : torch.Tensor
            Outputs of a layer, of any shape.
        first : bool
            Whether it is the first layer.

        Returns
        -------
        torch.Tensor
            Values of the same shape.
        """
        raise NotImplementedError


class BaseEncoding(nn.Module):
    """Base class of encodings, which work in two steps: `prepare` once per set of points, then the call.

    The coordinates are scaled to [-1, 1] along every axis of the domain, so that a network does not depend on the mesh.

    Attributes
    ----------
    n_inputs : int
        Number of coordinates of a point.
    n_outputs : int
        Number of encoded values of a point, which are the inputs of the network.
    """

    n_inputs: int
    n_outputs: int

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return what the call needs of the points.

        Parameters
        ----------
        points : (n_points, n_inputs) torch.Tensor
            Coordinates scaled to [-1, 1] over the domain.

        Returns
        -------
        tuple of torch.Tensor
            Arguments of the call. The first axis of each is that of the points, so that they can be cut into batches.

        Raises
        ------
        TypeError, ValueError
            If the points are not a tensor of finite floating-point numbers of this shape.
        """
        raise NotImplementedError

    def forward(self, *prepared: torch.Tensor) -> torch.Tensor:
        """Return the encoded points.

        Parameters
        ----------
        *prepared : torch.Tensor
            Tensors returned by `prepare`.

        Returns
        -------
        (n_points, n_outputs) torch.Tensor
            Encoded coordinates.
        """
        return prepared[0]

    def _check_points(self, points: torch.Tensor) -> None:
        who = f"{type(self).__name__}.prepare.points"
        check.instance(who, points, torch.Tensor, "a torch.Tensor")
        if points.ndim != 2 or points.shape[1] != self.n_inputs:
            msg = f"{who}: got shape {tuple(points.shape)}, wanted (n_points, {self.n_inputs})."
            raise ValueError(msg)
        if not points.is_floating_point():
            msg = f"{who}: got a tensor of {points.dtype}, wanted the floating-point type of the network."
            raise TypeError(msg)
        if not bool(torch.isfinite(points).all()):
            msg = f"{who}: got NaN or infinite coordinates, wanted coordinates scaled to [-1, 1] over the domain."
            raise ValueError(msg)
