"""Several networks of one architecture as one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

if TYPE_CHECKING:
    from collections.abc import Sequence


class NetworkEnsemble(nn.Module):
    """Networks of one architecture, evaluated and trained together in one batch.

    Parameters of the members are stacked along a new first axis, and every layer becomes one batched product.

    Parameters
    ----------
    members : sequence of torch.nn.Module
        With equal architecture and `prepare`, for example :class:`ImplicitNetwork` with different seeds. They are
        copied.

    Attributes
    ----------
    n_members : int

    Raises
    ------
    ValueError
        If there is no member, or their parameters do not match.

    Examples
    --------
    >>> import torch
    >>> from simpeg_jointdl.networks import ImplicitNetwork, NetworkEnsemble
    >>> ensemble = NetworkEnsemble([ImplicitNetwork(width=8, depth=2, random_seed=seed) for seed in range(3)])
    >>> ensemble(*ensemble.prepare(torch.zeros(5, 3, dtype=torch.float64))).shape
    torch.Size([3, 5, 1])
    """

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        members = list(members)
        _check_members(members)
        self.n_members: int = len(members)
        parameters, buffers = stack_module_state(members)
        self._names = list(parameters)
        self.stacked: nn.ParameterList = nn.ParameterList(nn.Parameter(p.detach().clone()) for p in parameters.values())
        # what prepare() hands over is common unless encodings have drawn different numbers
        self._is_shared = all(bool((b == b[:1]).all()) for b in buffers.values())
        self._templates = [copy.deepcopy(m).requires_grad_(False) for m in members]

    @property
    def n_parameters(self) -> int:
        """Weights that are learned, of all members together."""
        return sum(p.numel() for p in self.parameters())

    def reset_parameters(self) -> None:
        """Draw the weights of all members afresh, one after the other, from torch's global generator."""
        for i, template in enumerate(self._templates):
            for module in template.modules():
                if hasattr(module, "reset_parameters"):
                    module.reset_parameters()
            with torch.no_grad():
                for stacked, own in zip(self.stacked, template.parameters(), strict=True):
                    stacked[i].copy_(own)

    def _apply(self, fn, recurse=True):
        for template in self._templates:
            template._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def prepare(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Arguments of the call; the first axis of each is the points', a second one the members' if they differ."""
        if self._is_shared:
            return self._templates[0].prepare(points)
        prepared = [template.prepare(points) for template in self._templates]
        return tuple(torch.stack(tensors, dim=1) for tensors in zip(*prepared, strict=True))

    def forward(self, *prepared: torch.Tensor) -> torch.Tensor:
        """Outputs of all members, (n_members, n_points, n_outputs)."""
        template = self._templates[0]

        def call(parameters, *prepared):
            return functional_call(template, dict(zip(self._names, parameters, strict=True)), prepared)

        in_dims = (0, *[None if self._is_shared else 1] * len(prepared))
        return vmap(call, in_dims)(tuple(self.stacked), *prepared)

    def member(self, index: int) -> nn.Module:
        """A member with its present weights, as a module of its own.

        Parameters
        ----------
        index : int
            Up to `n_members` - 1.
        """
        module = copy.deepcopy(self._templates[index])
        values = [p[index].detach().clone() for p in self.stacked]
        with torch.no_grad():
            for (_, parameter), value in zip(module.named_parameters(), values, strict=True):
                parameter.copy_(value)
        return module.requires_grad_(True)


def _check_members(members):
    if not members:
        msg = "NetworkEnsemble.members: got none, wanted at least one network."
        raise ValueError(msg)
    for i, member in enumerate(members):
        if not isinstance(member, nn.Module) or not callable(getattr(member, "prepare", None)):
            kind = type(member).__name__
            msg = f"NetworkEnsemble.members: number {i} is a {kind}, wanted a module with prepare(points)."
            raise TypeError(msg)
    shapes = [[(name, tuple(p.shape), p.dtype) for name, p in m.named_parameters()] for m in members]
    for i, other in enumerate(shapes):
        if other != shapes[0]:
            msg = (
                f"NetworkEnsemble.members: parameters of number {i} differ in name, shape or type from those of "
                f"number 0. Build all members with the same arguments, except for random_seed."
            )
            raise ValueError(msg)
