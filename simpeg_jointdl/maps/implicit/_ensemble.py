"""Many networks of the same kind as one model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.func import functional_call, jacrev, vmap

from ..._core.tensors import as_tensor
from .._base import TorchMap
from ._inr import INRMap

_NUMBERS = 2**23  # entries of derivatives in memory at a time


class EnsembleMap(TorchMap):
    r"""Ensemble of networks of an :class:`INRMap` with different weights, evaluated in one batch.

    .. math::
        \mathbf m = \begin{pmatrix} \mathbf m_1 \\ \vdots \\ \mathbf m_K \end{pmatrix} \mapsto
        \begin{pmatrix} \mathbf u(\mathbf m_1) \\ \vdots \\ \mathbf u(\mathbf m_K) \end{pmatrix}, \qquad
        \frac{\partial \mathbf u(\mathbf m_k)}{\partial \mathbf m_l} = \mathbf 0 \quad (k \neq l)

    where :math:`\mathbf u` is the :class:`INRMap`. The model vector contains the weights of member 1, then those of
    member 2, and so on. The output contains all properties of member 1 on the active cells, then those of member 2.

    Parameters
    ----------
    inr : INRMap
        Map that all members share.
    random_seeds : sequence of int
        One seed per member for its initial weights, all different.

    Attributes
    ----------
    n_members : int
        Number of members :math:`K`.
    n_properties : int
        Number of properties of each member.
    inr : INRMap
        Map that all members share.

    Raises
    ------
    ValueError
        If there are no seeds or equal seeds, or the network has parameters that cannot be initialized from a seed. Also
        raised at a model of another length.
    FloatingPointError, MemoryError
        At a model, as for :class:`TorchMap`.
    """

    inr: INRMap
    n_members: int
    n_properties: int

    def __init__(self, inr: INRMap, random_seeds: Sequence[int]):
        seeds = [int(seed) for seed in random_seeds]
        if not seeds or len(set(seeds)) != len(seeds):
            msg = f"EnsembleMap.random_seeds: got {seeds}, wanted one or more, all different."
            raise ValueError(msg)
        self.inr, self.n_members, self.n_properties = inr, len(seeds), inr.n_properties
        vectors = np.stack([inr.initial_model(random_seed=seed) for seed in seeds])
        members = _Members(inr._module, inr._parameters, as_tensor(vectors, inr.device, inr.dtype))
        inputs = tuple(torch.cat(parts) for parts in zip(*inr._pieces, strict=True))
        n_values = inr.shape[0] * self.n_members
        super().__init__(members, inputs, n_values=n_values, device=inr.device, dtype=inr.dtype)

    def members(self, m: ArrayLike) -> np.ndarray:
        """Return the properties of all members at a model, (nP,) -> (n_members, n_properties, n_active)."""
        return (self * np.asarray(m, dtype=float)).reshape(self.n_members, self.n_properties, -1)

    def member_model(self, m: ArrayLike, index: int) -> np.ndarray:
        """Return the model of one member, for :class:`INRMap`, (nP / n_members,)."""
        return np.asarray(m, dtype=float).reshape(self.n_members, -1)[index].copy()

    def member_rows(self, m: ArrayLike, rows: torch.Tensor, members: Sequence[int]) -> torch.Tensor:
        """Return rows times the derivatives of some members with respect to their own weights.

        Parameters
        ----------
        m : (nP,) array_like
            Model.
        rows : (k, n_properties * n_active) or (len(members), k, n_properties * n_active) torch.Tensor
            Rows, for all of these members or for each.
        members : sequence of int
            Indices of the members.

        Returns
        -------
        (len(members), k, nP / n_members) torch.Tensor
        """
        inr = self.inr
        module, parameters = inr._module, inr._parameters
        vectors = as_tensor(m, self.device, self.dtype).view(self.n_members, -1)[list(members)]
        rows = rows.to(self.device, self.dtype).unflatten(-1, (self.n_properties, -1))

        def cell(vector, *inputs):
            return functional_call(module, parameters.split(vector), inputs)[:, 0]

        of_cells = vmap(jacrev(cell), in_dims=(None, *[0] * len(inr._pieces[0])))
        derivative = vmap(of_cells, in_dims=(0, *[None] * len(inr._pieces[0])))
        total, start = 0.0, 0
        chunk = max(_NUMBERS // (self.n_properties * vectors.numel()), 1)
        for inputs in inr._pieces:
            cells = [one.view(-1, inr.n_points, *one.shape[1:]) for one in inputs]
            for part in zip(*(one.split(chunk) for one in cells), strict=True):
                n = len(part[0])
                block = derivative(vectors, *part).transpose(1, 2).flatten(1, 2)  # (members, n_properties n, nP)
                total = total + rows[..., start : start + n].flatten(-2) @ block
                start += n
        return total

    def _split(self, inputs):
        n = self.inr.n_points
        rows = max(self.inr.max_points // (n * self.n_members), 1) * n
        return list(zip(*(one.split(rows) for one in inputs), strict=True))


class _Members(nn.Module):
    """A module with the parameters of all members, (n_members, n)."""

    def __init__(self, module, parameters, vectors):
        super().__init__()
        self._template, self._split = [module], parameters.split  # a list hides the parameters of the template
        self.vectors = nn.Parameter(vectors)

    def forward(self, *inputs):
        """Return the properties of all members, (n_members, n_properties, n_cells)."""

        def one(vector):
            return functional_call(self._template[0], self._split(vector), inputs)

        return vmap(one)(self.vectors)
