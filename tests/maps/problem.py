"""Small meshes and networks for tests of maps."""

import numpy as np
import torch
from discretize import TensorMesh

from simpeg_jointdl.networks import HashEncoding, ImplicitNetwork
from tests.registry import tree_mesh

MESHES = [
    ("2-D", TensorMesh([4, 3])),
    ("1-D", TensorMesh([7])),
    ("uneven", TensorMesh([[1, 2, 4], [3, 1], [2, 1]])),
    ("tree", tree_mesh(2)),
]


def network(n_outputs=1, n_inputs=3, *, encoding="positional", activation="sine", **options):
    """Few weights, outputs that fill a good part of their range."""
    if encoding == "hash":
        encoding = HashEncoding(n_inputs, n_levels=2, table_size=32, coarsest=2, finest=4, amplitude=0.5)
    options = {"width": 6, "depth": 2, "last_scale": 0.5, "random_seed": 1, **options}
    return ImplicitNetwork(n_inputs, n_outputs, encoding=encoding, activation=activation, **options)


def seeded(make, seed=0):
    """A module of torch's own layers, which draw from the global generator."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def random_model(n, seed=0, scale=0.3):
    """In general position."""
    return scale * np.random.default_rng(seed).standard_normal(n)


def some_active(mesh):
    """All cells but every fourth."""
    return np.arange(mesh.n_cells) % 4 != 1
