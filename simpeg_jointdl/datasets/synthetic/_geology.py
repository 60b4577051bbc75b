"""Synthetic geology: models of several properties from layers, folds, faults, dykes and bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ..._core.checks import seeded_generator, whole_number
from ..._core.tensors import as_numpy, as_tensor, resolve_device, resolve_dtype
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
    from collections.abc import Sequence

    from discretize import TensorMesh, TreeMesh
    from numpy.typing import ArrayLike, DTypeLike

Tensor = torch.Tensor

_INSIDE = {
    "blocks": inside_slab,
    "dykes": inside_slab,
    "ellipsoids": inside_ellipsoid,
    "intrusions": inside_intrusion,
}


def sample_geology(
    points: tuple[int, int, int] | ArrayLike | torch.Tensor,
    n_samples: int,
    *,
    kinds: dict[str, float] | None = None,
    properties: Sequence[str] = ("density", "susceptibility"),
    sharing: str = "mixed",
    random_seed: int | torch.Generator = 0,
    device: str | torch.device | None = None,
    dtype: torch.dtype | DTypeLike | None = None,
) -> Tensor:
    r"""Random geological models, many at once, as a tensor on a device.

    Every sample is a history of its own. Layers are laid down, tilted, and folded; faults move what lies above
    them, layers and every other body alike; younger bodies come after, dykes last. What is younger takes the place
    of what is older. All shapes are functions of coordinates, so any points do, and finer points show the same geology.

    Parameters
    ----------
    points : tuple of 3 int, or (n_points, 3) array or tensor
        A grid's shape (nz, ny, nx), first row of z at the top: the cell centres of the unit domain. Or coordinates in
        the domain: x and y from -1 to 1, depth from 0 to 1.
    n_samples : int
        Models to draw.
    kinds : dict of str to float, optional
        Probability that a sample has ``"layers"``, ``"folds"`` (of its layers), ``"faults"``, ``"blocks"``,
        ``"ellipsoids"``, ``"intrusions"`` or ``"dykes"``; kinds that are not named do not occur. All of them if not
        given, bodies more often than layers. A sample that would be empty gets one of the kinds that are named.
    properties : sequence of str
        Of ``"density"`` (contrast in g/cc; largest contrast of a sample log-normal, median 0.3) and
        ``"susceptibility"`` (SI, never negative; median 0.03).
    sharing : {"mixed", "whole", "partly", "none"}
        Whether properties share structure: ``"whole"``, every boundary is one of all properties; ``"partly"``, some
        boundaries and bodies show in one of them alone; ``"none"``, each has a geology of its own; ``"mixed"``,
        each of the three in a third of the samples.
    random_seed : int or torch.Generator
        The same seed gives the same scenes, on every device. A generator goes on from its state.
    device : None, str or torch.device
        Where to compute; torch's current default device if None.
    dtype : None, torch.dtype or str
        float64 if None.

    Returns
    -------
    (n_samples, n_properties, nz, ny, nx) or (n_samples, n_properties, n_points) torch.Tensor

    Raises
    ------
    ValueError
        For an unknown kind, property or sharing, a probability outside [0, 1], no layers or bodies at all, or points
        that are not (n_points, 3).

    Examples
    --------
    >>> from simpeg_jointdl.datasets import synthetic
    >>> synthetic.sample_geology((8, 16, 16), 4, kinds={"blocks": 1.0, "faults": 0.5}, random_seed=7).shape
    torch.Size([4, 2, 8, 16, 16])
    """
    device, dtype = resolve_device(device), resolve_dtype(dtype)
    n = whole_number("sample_geology.n_samples", n_samples, minimum=1)
    kinds, properties, sharing = checked_kinds(kinds), checked_properties(properties), checked_sharing(sharing)
    draw = Draw(seeded_generator("sample_geology.random_seed", random_seed), device, dtype)
    coordinates, shape = grid_points(points, device, dtype)
    own, partly = _sharing(draw, n, "whole" if len(properties) == 1 else sharing)
    values = _scenes(draw, coordinates, n, kinds, properties, partly)  # (n_samples, n_properties, n_points)
    rows = torch.nonzero(own).flatten()
    for i in range(1, len(properties)):
        if len(rows):  # from here on scenes that share nothing with those before
            values[rows, i] = _scenes(draw, coordinates, len(rows), kinds, properties, partly[rows])[:, i]
    return values.reshape(n, len(properties), *shape)


def make_geology(
    mesh: TensorMesh | TreeMesh,
    active_cells: ArrayLike | None = None,
    *,
    n_samples: int = 1,
    kinds: dict[str, float] | None = None,
    properties: Sequence[str] = ("density", "susceptibility"),
    sharing: str = "mixed",
    random_seed: int | torch.Generator = 0,
) -> dict[str, np.ndarray]:
    """Random geological models on a mesh.

    Values are those at the cell centres of `sample_geology` over the bounding box of the mesh. So the same seed gives
    the same geology on a coarse mesh, a fine one, and a TreeMesh of the same box.

    Parameters
    ----------
    mesh : discretize.TensorMesh or discretize.TreeMesh
        In three dimensions.
    active_cells : (n_cells,) numpy.ndarray of bool, optional
        Cells to give values of; all if not given.
    n_samples : int
        Models to draw.
    kinds, properties, sharing, random_seed
        As of `sample_geology`.

    Returns
    -------
    dict of str to numpy.ndarray
        Per property (n_active_cells,) if `n_samples` is 1, else (n_samples, n_active_cells): density contrast in g/cc
        and susceptibility in SI.

    Raises
    ------
    ValueError
        As `sample_geology` does, and for a mesh that is not three-dimensional or active cells of another length.

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
    """Samples whose properties have geologies of their own, and those that share partly; each (n,) of bool."""
    if sharing == "mixed":
        third = torch.floor(draw.uniform((n,), 0.0, 3.0))
        return third == 2, third == 1
    everywhere = torch.ones(n, dtype=torch.bool, device=draw.uniform((1,)).device)
    return everywhere & (sharing == "none"), everywhere & (sharing == "partly")


def _scenes(draw: Draw, points: Tensor, n: int, kinds, properties, partly: Tensor) -> Tensor:
    """Values at points, (n, n_properties, n_points), of n scenes."""
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
    """Points as they are, then as they were in every faulted scene, and which of these is a scene's."""
    rows = torch.nonzero(has_fault).flatten()
    place = torch.zeros(len(has_fault), dtype=torch.long, device=points.device)
    if not len(rows):
        return points, place
    place[rows] = torch.arange(1, len(rows) + 1, device=points.device)
    return torch.cat([points, unfault(points, draw_faults(draw, len(rows)))]), place
