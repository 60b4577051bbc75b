"""Maps from SimPEG's model vector to the coupled properties, and their derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from discretize.utils import Identity
from simpeg.maps import IdentityMap, Projection, Wires

from .._core.operators import JacobianOperator


class PropertyMaps:
    """The maps from the whole model to each coupled property on the active cells.

    Parameters
    ----------
    wire_map : simpeg.maps.Wires or sequence of simpeg.maps.IdentityMap
        All parts of the wires, or one map per property.
    n_cells : int
        Number of active cells; every property has one value in each.
    name : str
        Name of the coupling, for error messages.
    """

    def __init__(self, wire_map: Wires | Sequence[IdentityMap], n_cells: int, name: str):
        self._name = name
        maps = _as_sequence(wire_map, name)
        for i, one in enumerate(maps):
            if one.shape[0] not in (n_cells, "*"):
                msg = (
                    f"{name}.wire_map: property {i} ({one}) has {one.shape[0]} values, but there are {n_cells} "
                    "active cells. Every map must take the whole model and return one property on the active cells."
                )
                raise ValueError(msg)
        lengths = [one.nP for one in maps]
        if "*" in lengths or len(set(lengths)) > 1:
            msg = (
                f"{name}.wire_map: the maps take models of length {lengths}; every map must take the whole model, "
                "for instance [maps.LogMap(nP=n) * wires.rho, wires.velocity]."
            )
            raise ValueError(msg)
        self.maps = tuple(maps)
        self.nP = int(lengths[0])
        self._indices = tuple(_projection_index(one) for one in maps)

    def __len__(self) -> int:
        return len(self.maps)

    def __call__(self, model: np.ndarray) -> np.ndarray:
        """Return the properties, (n_properties, n_cells); raise ValueError if one is not finite."""
        model = np.asarray(model)
        if np.iscomplexobj(model):
            msg = f"{self._name}: got a complex model; a coupling takes real ones, such as a magnitude or a phase."
            raise TypeError(msg)
        model = model.astype(float, copy=False)
        if model.shape != (self.nP,):
            msg = f"{self._name}: got a model of shape {model.shape}, wanted ({self.nP},), the whole model."
            raise ValueError(msg)
        values = np.stack(
            [
                one * model if index is None else model[index]
                for one, index in zip(self.maps, self._indices, strict=True)
            ]
        )
        if not np.isfinite(values).all():
            which = [i for i, row in enumerate(values) if not np.isfinite(row).all()]
            source = "the model" if not np.isfinite(model).all() else f"the result of wire_map (property {which})"
            msg = f"{self._name}: {source} holds NaN or infinite values; a coupling needs finite properties."
            raise ValueError(msg)
        return values

    def jacobian(self, model: np.ndarray) -> PropertyJacobian:
        """Return the derivatives of all properties with respect to the model."""
        parts = []
        for one, index in zip(self.maps, self._indices, strict=True):
            part = one.deriv(model) if index is None else index
            parts.append(slice(None) if isinstance(part, Identity) else part)
        return PropertyJacobian(self.nP, tuple(parts))


@dataclass(frozen=True)
class PropertyJacobian:
    """Derivative of the properties; a plain projection is stored as its index."""

    nP: int
    parts: tuple

    def forward(self, v: np.ndarray) -> np.ndarray:
        """Return the product with a vector, (nP,) -> (n_properties, n_cells)."""
        v = np.asarray(v, dtype=float)
        if v.shape != (self.nP,):
            msg = f"coupling Hessian: got a vector of shape {v.shape}, wanted ({self.nP},)."
            raise ValueError(msg)
        return np.stack([v[part] if _is_index(part) else part @ v for part in self.parts])

    def adjoint(self, values: np.ndarray) -> np.ndarray:
        """Return the product of the transpose with values, (n_properties, n_cells) -> (nP,)."""
        total = np.zeros(self.nP)
        for part, row in zip(self.parts, values, strict=True):
            if isinstance(part, slice):
                total[part] += row
            elif _is_index(part):
                np.add.at(total, part, row)
            else:
                total += part.T @ row
        return total

    @property
    def is_separable(self) -> bool:
        """Whether each model parameter changes at most one property in one cell, as with Wires.

        Only then does the diagonal of the Hessian in the properties give the diagonal in the model.
        """
        count = np.zeros(self.nP, dtype=int)
        for part in self.parts:
            if isinstance(part, slice):
                count[part] += 1
            elif _is_index(part):
                np.add.at(count, part, 1)
            elif sp.issparse(part):
                count += np.bincount(part.tocoo().col, minlength=self.nP)
            else:
                return False
        return bool(count.max(initial=0) <= 1)

    def squared_adjoint(self, values: np.ndarray) -> np.ndarray:
        """Return the diagonal of Dᵀ diag(values) D for a separable derivative D."""
        squared = tuple(part if _is_index(part) else part.power(2) for part in self.parts)
        return PropertyJacobian(self.nP, squared).adjoint(values)

    def support(self, i: int) -> np.ndarray:
        """Return which parameters change property `i`, (nP,) of bool; all of them where that is not known."""
        part = self.parts[i]
        mask = np.zeros(self.nP, dtype=bool)
        if isinstance(part, JacobianOperator) or not (_is_index(part) or sp.issparse(part)):
            return ~mask
        mask[part if _is_index(part) else part.tocoo().col] = True
        return mask


def _projection_index(one: IdentityMap) -> slice | np.ndarray | None:
    """Return the index of a projection, as a slice where possible, which copies faster than SimPEG's list."""
    if not isinstance(one, Projection):
        return None
    index = np.asarray(one.index, dtype=np.int64)
    if len(index) and np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        return slice(int(index[0]), int(index[0]) + len(index))
    return index


def _is_index(part) -> bool:
    return isinstance(part, slice) or (isinstance(part, np.ndarray) and part.ndim == 1)


def _as_sequence(wire_map, name) -> list[IdentityMap]:
    if isinstance(wire_map, Wires):
        maps = [one for _, one in wire_map.maps]
    elif isinstance(wire_map, Sequence) and all(isinstance(one, IdentityMap) for one in wire_map):
        maps = list(wire_map)
    else:
        msg = (
            f"{name}.wire_map: got {type(wire_map).__name__}, wanted simpeg.maps.Wires, or a sequence of maps from "
            "the whole model to one property each, such as [wires.density, wires.susceptibility]."
        )
        raise TypeError(msg)
    if len(maps) < 2:
        msg = f"{name}.wire_map: got {len(maps)} properties, wanted two or more."
        raise ValueError(msg)
    return maps


@dataclass(frozen=True)
class _PlainWires:
    """Names and lengths of the parts of a Wires, which cannot be pickled itself: it holds a class made at run time."""

    parts: tuple[tuple[str, int], ...]


def without_wires(wire_map):
    """Return maps that can be pickled: a Wires becomes the names and lengths of its parts."""
    if isinstance(wire_map, Wires):
        return _PlainWires(tuple((name, one.shape[0]) for name, one in wire_map.maps))
    return wire_map


def with_wires(wire_map):
    """Return the maps that :func:`without_wires` was given."""
    return Wires(*wire_map.parts) if isinstance(wire_map, _PlainWires) else wire_map
