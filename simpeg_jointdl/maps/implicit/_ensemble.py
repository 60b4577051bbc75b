"""Several networks of one kind as one model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, jacrev, vmap

from ..._core.tensors import as_tensor
from .._base import TorchMap
from ._inr import INRMap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_NUMBERS = 2**23  # of derivatives held at once


class EnsembleMap(TorchMap):
    r"""Members of an :class:`INRMap` that differ in their weights, evaluated in one batch.

    .. math::
        \mathbf m = \begin{pmatrix} \mathbf m_1 \\ \vdots \\ \mathbf m_K \end{pmatrix} \mapsto
        \begin{pmatrix} \mathbf u(\mathbf m_1) \\ \vdots \\ \mathbf u(\mathbf m_K) \end{pmatrix}, \qquad
        \frac{\partial \mathbf u(\mathbf m_k)}{\partial \mathbf m_l} = \mathbf 0 \quad (k \neq l)

    with :math:`\mathbf u` the :class:`INRMap`. The model vector holds the weights of member 1, then those of member 2,
    and so on; the output all properties of member 1 on the active cells, then those of member 2.

    Parameters
    ----------
    inr : INRMap
        What all members have in common.
    random_seeds : sequence of int
        Of the members' weights, one each.

    Attributes
    ----------
    n_members : int
        :math:`K`.
    n_properties : int
        Of each member.
    inr : INRMap

    Raises
    ------
    ValueError
        For no seeds, or equal ones, and a network with parameters that no seed can draw, as no module around them has
        ``reset_parameters``. Later, for a model of another length.
    FloatingPointError, MemoryError
        At a model, as of :class:`TorchMap`.
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
        """Properties of all members, (n_members, n_properties, n_active)."""
        return (self * np.asarray(m, dtype=float)).reshape(self.n_members, self.n_properties, -1)

    def member_model(self, m: ArrayLike, index: int) -> np.ndarray:
        """The model of one member, for :class:`INRMap`, (nP / n_members,)."""
        return np.asarray(m, dtype=float).reshape(self.n_members, -1)[index].copy()

    def member_rows(self, m: ArrayLike, rows: torch.Tensor, members: Sequence[int]) -> torch.Tensor:
        """Rows times the derivative of some members, each with respect to its own weights.

        Parameters
        ----------
        m : (nP,) array_like
        rows : (k, n_properties * n_active) or (len(members), k, n_properties * n_active) torch.Tensor
        members : sequence of int

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
    """One module with the parameters of many, (n_members, n) numbers."""

    def __init__(self, module, parameters, vectors):
        super().__init__()
        self._template, self._split = [module], parameters.split  # a list hides the template's own parameters
        self.vectors = nn.Parameter(vectors)

    def forward(self, *inputs):
        """-> (n_members, n_properties, n_cells)."""

        def one(vector):
            return functional_call(self._template[0], self._split(vector), inputs)

        return vmap(one)(self.vectors)


def coverage(members: np.ndarray, truth: np.ndarray, level: float) -> float:
    """Part of the cells whose truth lies within the band that holds `level` of the members.

    Parameters
    ----------
    members : (n_members, n) numpy.ndarray
    truth : (n,) numpy.ndarray
    level : float
    """
    low, high = np.quantile(members, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
    return float(np.mean((truth >= low) & (truth <= high)))
