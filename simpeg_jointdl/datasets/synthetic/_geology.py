"""Random geology: models of several properties from layers, folds, faults, dykes and bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, DTypeLike

from ..._core import validation as check
from ..._core.tensors import as_numpy, as_tensor, resolve_device, resolve_dtype, seeded_generator
from ._checks import checked_kinds, checked_properties, checked_sharing, grid_points, mesh_points
from ._scenes import (
    Draw,
    draw_amplitudes,
    draw_bodies,
    draw_body_values,
    draw_faults,
    draw_layer_values,
    draw_layers,
    draw_presence,
)
from ._shapes import inside_ellipsoid, inside_intrusion, inside_slab, layer_values, unfault, unfold

if TYPE_CHECKING:
    from discretize import TensorMesh, TreeMesh

Tensor = torch.Tensor

_INSIDE = {
    "blocks": inside_slab,
    "dykes": inside_slab,
    "ellipsoids": inside_ellipsoid,
    "intrusions": inside_intrusion,
}


def sample_geology(
    points: tuple[int, int, int] | ArrayLike | Tensor,
    n_samples: int,
    *,
    kinds: dict[str, float] | None = None,
    properties: str | Sequence[str] = ("density", "susceptibility"),
    sharing: Literal["mixed", "whole", "partly", "none"] = "mixed",
    random_seed: int | torch.Generator = 0,
    device: str | torch.device | None = None,
    dtype: torch.dtype | DTypeLike | None = None,
) -> Tensor:
    r"""Return many random geological models as a tensor on a device.

    Every sample has its own history. Layers are deposited, tilted and folded. Faults displace layers and older bodies.
    Younger bodies follow, dykes last, and replace older rock. All shapes are functions of the coordinates, so that any
    points can be used and finer points show the same geology.

    Parameters
    ----------
    points : tuple of 3 int, or (n_points, 3) array_like or torch.Tensor
        Shape (nz, ny, nx) of a grid of cell centres in the domain, with the first layer at the top; or coordinates in
        the domain, x and y from -1 to 1 and depth from 0 to 1.
    n_samples : int
        Number of models.
    kinds : dict of str to float, optional
        Probabilities of ``"layers"``, ``"folds"`` (of the layers), ``"faults"``, ``"blocks"``, ``"ellipsoids"``,
        ``"intrusions"`` and ``"dykes"`` in a sample. Kinds that are not named do not occur. By default all kinds occur,
        bodies more often than layers. A sample that would be empty gets one of the named kinds.
    properties : sequence of str
        Some of ``"density"`` (contrast in g/cc; the largest contrast of a sample is log-normal with median 0.3) and
        ``"susceptibility"`` (SI, not negative; median 0.03).
    sharing : {"mixed", "whole", "partly", "none"}
        How properties share structure. ``"whole"``: all boundaries are common. ``"partly"``: some boundaries and bodies
        occur in one property only. ``"none"``: each property has its own geology. ``"mixed"``: each of these in a third
        of the samples.
    random_seed : int or torch.Generator
        Seed, which gives the same models on every device, or a generator, which continues from its state.
    device : str or torch.device, optional
        Device of the computation; by default torch's default device.
    dtype : torch.dtype, numpy dtype or str, optional
        Precision, float64 by default.

    Returns
    -------
    (n_samples, n_properties, nz, ny, nx) or (n_samples, n_properties, n_points) torch.Tensor
        Values of the properties.

    Raises
    ------
    ValueError
        If a kind, property or sharing is unknown, a probability is outside [0, 1], there are neither layers nor bodies,
        or points are not (n_points, 3).

    Examples
    --------
    >>> from simpeg_jointdl.datasets import synthetic
    >>> synthetic.sample_geology((8, 16, 16), 4, kinds={"blocks": 1.0, "faults": 0.5}, random_seed=7).shape
    torch.Size([4, 2, 8, 16, 16])
    """
    device, dtype = resolve_device(device), resolve_dtype(dtype)
    n = check.whole("sample_geology.n_samples", n_samples, least=1)
    kinds, properties, sharing = checked_kinds(kinds), checked_properties(properties), checked_sharing(sharing)
    draw = Draw(seeded_generator("sample_geology.random_seed", random_seed), device, dtype)
    coordinates, shape = grid_points(points, device, dtype)
    own, partly = _sharing(draw, n, "whole" if len(properties) == 1 else sharing)
    values = _scenes(draw, coordinates, n, kinds, properties, partly)  # (n_samples, n_properties, n_points)
    rows = torch.nonzero(own).flatten()
    for i in range(1, len(properties)):
        if len(rows):  # these samples have an independent geology for each further property
            values[rows, i] = _scenes(draw, coordinates, len(rows), kinds, properties, partly[rows])[:, i]
    return values.reshape(n, len(properties), *shape)


def make_geology(
    mesh: TensorMesh | TreeMesh,
    active_cells: ArrayLike | None = None,
    *,
    n_samples: int = 1,
    kinds: dict[str, float] | None = None,
    properties: str | Sequence[str] = ("density", "susceptibility"),
    sharing: Literal["mixed", "whole", "partly", "none"] = "mixed",
    random_seed: int | torch.Generator = 0,
) -> dict[str, np.ndarray]:
    """Return random geological models on a mesh.

    Values are those of `sample_geology` at the cell centres, with the bounding box of the mesh as its domain. The same
    seed therefore gives the same geology on coarse and fine meshes of the same box.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        Mesh in 3-D.
    active_cells : (n_cells,) array_like of bool, optional
        Active cells; by default all cells are active.
    n_samples : int
        Number of models.
    kinds : dict of str to float, optional
        Probabilities of layers, folds, faults and bodies, as for `sample_geology`.
    properties : sequence of str
        Some of ``"density"`` and ``"susceptibility"``.
    sharing : {"mixed", "whole", "partly", "none"}
        How properties share structure, as for `sample_geology`.
    random_seed : int or torch.Generator
        Seed, or a generator, which continues from its state.

    Returns
    -------
    dict of str to numpy.ndarray
        Density contrast in g/cc and susceptibility in SI, each (n_active,) if `n_samples` is 1, otherwise
        (n_samples, n_active).

    Raises
    ------
    ValueError
        If the mesh is not in 3-D or active cells do not fit it, and as for `sample_geology`.

    Examples
    --------
    >>> from discretize import TensorMesh
    >>> from simpeg_jointdl import datasets
    >>> mesh = TensorMesh([[(50.0, 16)], [(50.0, 16)], [(50.0, 8)]], origin="CCN")
    >>> models = datasets.make_geology(mesh, kinds={"layers": 1.0, "faults": 1.0}, sharing="whole", random_seed=1)
    >>> sorted(models), models["density"].shape
    (['density', 'susceptibility'], (2048,))
    """
    points = as_tensor(mesh_points(mesh, active_cells), torch.device("cpu"), torch.float64)
    sampled = sample_geology(
        points,
        n_samples,
        kinds=kinds,
        properties=properties,
        sharing=sharing,
        random_seed=random_seed,
        device="cpu",
    )
    values = as_numpy(sampled)
    values = values[0] if n_samples == 1 else values.swapaxes(0, 1)
    return dict(zip(properties, values, strict=True))


def _sharing(draw: Draw, n: int, sharing: str) -> tuple[Tensor, Tensor]:
    """Return which samples have independent geologies for each property, and which share partly, each (n,) of bool."""
    if sharing == "mixed":
        third = torch.floor(draw.uniform((n,), 0.0, 3.0))
        return third == 2, third == 1
    everywhere = torch.ones(n, dtype=torch.bool, device=draw.uniform((1,)).device)
    return everywhere & (sharing == "none"), everywhere & (sharing == "partly")


def _scenes(draw: Draw, points: Tensor, n: int, kinds, properties, partly: Tensor) -> Tensor:
    """Return the values of n scenes at points, (n, n_properties, n_points)."""
    presence = draw_presence(draw, n, kinds)
    points = points[None]  # (1, n_points, 3)
    restored, place = _unfaulted(draw, points, presence["faults"])
    values = torch.zeros((n, len(properties), points.shape[1]), dtype=points.dtype, device=points.device)
    rows = torch.nonzero(presence["layers"]).flatten()
    if len(rows):
        layers = draw_layers(draw, len(rows), presence["folds"][rows])
        relative = draw_layer_values(draw, len(rows), properties, partly[rows])
        depth = unfold(restored[place[rows]], layers)
        values[rows] = layer_values(depth, layers["interfaces"], relative)
    for kind, rows, shape, is_old in draw_bodies(draw, presence):
        relative, shows = draw_body_values(draw, len(rows), properties, partly[rows])
        inside = _INSIDE[kind](restored[torch.where(is_old, place[rows], 0)], shape)
        inside = inside[:, None, :] & shows[..., None]
        values[rows] = torch.where(inside, relative[..., None], values[rows])
    return values * draw_amplitudes(draw, n, properties)[..., None]


def _unfaulted(draw: Draw, points: Tensor, has_fault: Tensor) -> tuple[Tensor, Tensor]:
    """Return the points, then the restored points of every faulted scene, and the index of each scene among these."""
    rows = torch.nonzero(has_fault).flatten()
    place = torch.zeros(len(has_fault), dtype=torch.long, device=points.device)
    if not len(rows):
        return points, place
    place[rows] = torch.arange(1, len(rows) + 1, device=points.device)
    return torch.cat([points, unfault(points, draw_faults(draw, len(rows)))]), place
