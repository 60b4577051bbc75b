"""Bodies with soft edges in a box, to which latent vectors are decoded."""

from __future__ import annotations

import torch

Tensor = torch.Tensor

#: Number of parameters of the shape of a body: centre 3, axes 9, squareness, sharpness, bend 3.
N_SHAPE: int = 17
#: Change of each of these parameters per unit of its offset; the last entry is that of the value of a property.
OFFSET_SCALES = (*(0.1,) * 3, *(0.4,) * 9, 1.0, 0.3, *(0.15,) * 3, 0.15)
#: Probabilities of the kinds of geology in the training set; bodies are more frequent than layers, and mostly alone.
KINDS: dict[str, float] = {
    "layers": 0.25,
    "folds": 0.5,
    "faults": 0.25,
    "blocks": 0.5,
    "ellipsoids": 0.25,
    "intrusions": 0.15,
    "dykes": 0.15,
}
_SHARPEST = 4.0  # largest natural logarithm of the sharpness
_TINY = 1e-6  # keeps square roots differentiable at zero


def occupancy(parameters: Tensor, points: Tensor, sharper: float = 1.0) -> Tensor:
    r"""Return how far each point lies inside each body, from 0 outside to 1 inside.

    A body is a superellipsoid under an affine map and a bend. With :math:`\mathbf q = \mathbf A (\mathbf x -
    \mathbf c)`, to whose third entry a quadratic form of x and y is added, the occupancy is

    .. math::
        o = \mathrm{sigmoid}\left( \beta \left[ 1 - (1 - t) \lVert \mathbf q \rVert_2 -
        t \lVert \mathbf q \rVert_8 \right] \right)

    It describes an ellipsoid for t = 0 and almost a parallelepiped for t = 1: blocks, slabs, dykes, layers and, with a
    bend, folds.

    Parameters
    ----------
    parameters : (n_samples, n_bodies, 17) torch.Tensor
        Centre, rows of A, logit of t, logarithm of :math:`\beta`, and bend.
    points : (n_points, 3) torch.Tensor
        Coordinates from -1 to 1 over the box, the third positive downward.
    sharper : float
        Factor on :math:`\beta`.

    Returns
    -------
    (n_samples, n_bodies, n_points) torch.Tensor
        Occupancies between 0 and 1.
    """
    n_samples, n_bodies = parameters.shape[:2]
    center, axes = parameters[..., :3], parameters[..., 3:12].reshape(n_samples, n_bodies, 3, 3)
    squareness = torch.sigmoid(parameters[..., 12:13])
    sharpness = sharper * torch.exp(parameters[..., 13:14].clamp(0.0, _SHARPEST))
    x, y = points[:, 0], points[:, 1]
    local = (axes.reshape(n_samples, n_bodies * 3, 3) @ points.T).reshape(n_samples, n_bodies, 3, -1)
    local = local - axes @ center[..., None]
    first, second, third = local.unbind(2)
    third = third + parameters[..., 14:17] @ torch.stack([x * x, x * y, y * y])
    first, second, third = first * first, second * second, third * third
    round_norm = torch.sqrt(first + second + third + _TINY)
    square_norm = torch.sqrt(torch.sqrt(torch.sqrt(first**4 + second**4 + third**4 + _TINY**2)))
    return torch.sigmoid(sharpness * (1.0 - round_norm - squareness * (square_norm - round_norm)))


def scattered(n_bodies: int, n_properties: int, generator: torch.Generator) -> Tensor:
    """Return initial parameters, (n_bodies, 17 + n_properties): scattered balls with weak contrasts."""
    parameters = torch.zeros(n_bodies, N_SHAPE + n_properties)
    parameters[:, :3] = 0.7 * (2.0 * torch.rand(n_bodies, 3, generator=generator) - 1.0)
    parameters[:, 3:12] = 2.5 * torch.eye(3).flatten()
    parameters[:, 13] = 2.0
    parameters[:, N_SHAPE:] = 0.2 * torch.randn(n_bodies, n_properties, generator=generator)
    return parameters
