"""Sums of squares of the columns of a Toeplitz matrix, from products of pairs of its kernels."""

from __future__ import annotations

from torch import Tensor, stack

from ._convolution import Convolution

Pairs = list[tuple[int, int]]


def component_pairs(weights: Tensor, k: int) -> tuple[Pairs, Tensor]:
    """Return the pairs of components in the square of a sum of components, and the products of their weights.

    Parameters
    ----------
    weights : (n_receivers, n_components) torch.Tensor
        Weights of the components.
    k : int
        Number of consecutive components that are added.

    Returns
    -------
    pairs : list of (int, int)
        Pairs of components, each once.
    products : (n_receivers * n_pairs,) torch.Tensor
        Products of their weights, doubled where a pair occurs in both orders.
    """
    n = weights.shape[1]
    pairs = [(a, b) for a in range(n) for b in range(a, n) if a // k == b // k]
    products = [(1 if a == b else 2) * weights[:, a] * weights[:, b] for a, b in pairs]
    return pairs, stack(products, dim=1).reshape(-1)


def add_squares(
    total: Tensor, convolution: Convolution, kernels: Tensor, pairs: Pairs, spectra: Tensor, magnets: Tensor | None
) -> None:
    """Add the adjoint products of squared kernels of some layers to a total.

    Parameters
    ----------
    total : (n_blocks, n_layers, n_y, n_x) torch.Tensor
        Sums of squares, written in place; one block if there are `magnets`.
    convolution : Convolution
        Grids and transforms.
    kernels : (n_components, n_blocks, n_layers, ...) torch.Tensor
        Kernels of these layers.
    pairs : list of (int, int)
        Pairs of components.
    spectra : (n_pairs, ...) torch.Tensor
        Transforms of the weights of the receivers.
    magnets : (n_blocks, n_layers, n_y, n_x) torch.Tensor, optional
        Factors with which the blocks are added before they are squared.
    """
    n_blocks = kernels.shape[1]
    for b in range(n_blocks):
        for other in (b,) if magnets is None else range(b, n_blocks):
            product = 0
            for (a, c), spectrum in zip(pairs, spectra, strict=True):
                square = kernels[a, b] * kernels[c, other]
                if a != c and b != other:  # use the mean of both orders
                    square.addcmul_(kernels[c, b], kernels[a, other]).mul_(0.5)
                product = convolution.spectra(square).mul_(spectrum).add_(product)
            cells = convolution.at_cells(product)
            if magnets is None:
                total[b] += cells
            else:
                total[0] += cells.mul_(magnets[b] * magnets[other]).mul_(1 if b == other else 2)
