"""Several networks of one architecture as one module."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from .._core.protocols import HasResetParameters, PreparesPoints


class NetworkEnsemble(nn.Module):
    """Networks of one architecture, evaluated and trained together in one batch.

    The parameters of the members are stacked along a new first axis, so that every layer is one batched product.

    Parameters
    ----------
    members : sequence of torch.nn.Module
        Networks of equal architecture that have a method ``prepare(points)``, for example :class:`ImplicitNetwork`
        with different seeds. They are copied.

    Attributes
    ----------
    n_members : int
        Number of members.

    Raises
    ------
    TypeError
        If a member is not a torch module with a method ``prepare``.
    ValueError
        If there is no member, or the parameters of the members differ in name, shape or type.

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import ImplicitNetwork, NetworkEnsemble
    >>> ensemble = NetworkEnsemble([ImplicitNetwork(width=8, depth=2, random_seed=seed) for seed in range(3)])
    >>> ensemble(*ensemble.prepare(torch.zeros(5, 3, dtype=torch.float64))).shape
    torch.Size([3, 5, 1])
    """

    def __init__(self, members: Iterable[nn.Module]):
        super().__init__()
        members = list(members)
        _check_members(members)
        self.n_members: int = len(members)
        parameters, buffers = stack_module_state(members)
        self._names = list(parameters)
        self.stacked: nn.ParameterList = nn.ParameterList(nn.Parameter(p.detach().clone()) for p in parameters.values())
        # the prepared points are the same for all members unless their encodings drew different random numbers
        self._is_shared = all(bool((b == b[:1]).all()) for b in buffers.values())
        self._templates = [copy.deepcopy(m).requires_grad_(False) for m in members]

    @property
    def n_parameters(self) -> int:
        """Number of trainable parameters of all members together."""
        return sum(p.numel() for p in self.parameters())

    def reset_parameters(self) -> None:
        """Draw new weights for all members, one after the other, from torch's global generator."""
        for i, template in enumerate(self._templates):
            for module in template.modules():
                if isinstance(module, HasResetParameters):
                    module.reset_parameters()
            with torch.no_grad():
                for stacked, own in zip(self.stacked, template.parameters(), strict=True):
                    stacked[i].copy_(own)

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> NetworkEnsemble:
        for template in self._templates:
            template._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the arguments of the call for a set of points.

        Parameters
        ----------
        points : (n_points, n_inputs) torch.Tensor
            Coordinates scaled to [-1, 1] over the domain.

        Returns
        -------
        tuple of torch.Tensor
            Tensors whose first axis is that of the points. If the encodings of the members differ, their second axis
            is that of the members.
        """
        if self._is_shared:
            return self._templates[0].prepare(points)
        prepared = [template.prepare(points) for template in self._templates]
        return tuple(torch.stack(tensors, dim=1) for tensors in zip(*prepared, strict=True))

    def forward(self, *prepared: torch.Tensor) -> torch.Tensor:
        """Return the outputs of all members.

        Parameters
        ----------
        *prepared : torch.Tensor
            Tensors returned by `prepare`.

        Returns
        -------
        (n_members, n_points, n_outputs) torch.Tensor
            Outputs of each member.
        """
        template = self._templates[0]

        def call(parameters: tuple[torch.Tensor, ...], *prepared: torch.Tensor) -> Any:
            return functional_call(template, dict(zip(self._names, parameters, strict=True)), prepared)

        in_dims = (0, *[None if self._is_shared else 1] * len(prepared))
        return vmap(call, in_dims)(tuple(self.stacked), *prepared)

    def member(self, index: int) -> nn.Module:
        """Return a copy of one member with its current weights.

        Parameters
        ----------
        index : int
            Number of the member, 0 to `n_members` - 1.

        Returns
        -------
        torch.nn.Module
            Module of the class of the member, whose parameters require gradients.
        """
        module = copy.deepcopy(self._templates[index])
        values = [p[index].detach().clone() for p in self.stacked]
        with torch.no_grad():
            for (_, parameter), value in zip(module.named_parameters(), values, strict=True):
                parameter.copy_(value)
        return module.requires_grad_(True)


def _check_members(members: list[nn.Module]) -> None:
    if not members:
        msg = "NetworkEnsemble.members: got none, wanted at least one network."
        raise ValueError(msg)
    for i, member in enumerate(members):
        if not isinstance(member, nn.Module) or not isinstance(member, PreparesPoints):
            kind = type(member).__name__
            msg = f"NetworkEnsemble.members[{i}]: got a {kind}, wanted a module with prepare(points)."
            raise TypeError(msg)
    shapes = [[(name, tuple(p.shape), p.dtype) for name, p in m.named_parameters()] for m in members]
    for i, other in enumerate(shapes):
        if other != shapes[0]:
            msg = (
                f"NetworkEnsemble.members[{i}]: its parameters differ in name, shape or type from those of member "
                f"0. Build all members with the same arguments, except for random_seed."
            )
            raise ValueError(msg)
