"""Squared columns of a Toeplitz matrix: products of pairs of its kernels."""

from __future__ import annotations

from torch import Tensor, stack

from ._convolution import Convolution

Pairs = list[tuple[int, int]]


def component_pairs(weights: Tensor, k: int) -> tuple[Pairs, Tensor]:
    """Pairs of components that squaring the joined ones makes, and their weights.

    Parameters
    ----------
    weights : (n_receivers, n_components) torch.Tensor
    k : int
        Components that are joined, of those that follow one another.

    Returns
    -------
    pairs : list of (int, int)
        Each once.
    products : (n_receivers * n_pairs,) torch.Tensor
        Of their weights; twice, where a pair occurs in both orders.
    """
    n = weights.shape[1]
    pairs = [(a, b) for a in range(n) for b in range(a, n) if a // k == b // k]
    products = [(1 if a == b else 2) * weights[:, a] * weights[:, b] for a, b in pairs]
    return pairs, stack(products, dim=1).reshape(-1)


def add_squares(
    total: Tensor, convolution: Convolution, kernels: Tensor, pairs: Pairs, spectra: Tensor, magnets: Tensor | None
) -> None:
    """Add adjoint products of squared kernels of a few layers.

    Parameters
    ----------
    total : (n_blocks, n_layers, n_y, n_x) torch.Tensor
        Is written to; one block if there are magnets.
    convolution : Convolution
    kernels : (n_components, n_blocks, n_layers, ...) torch.Tensor
    pairs : list of (int, int)
        Components.
    spectra : (n_pairs, ...) torch.Tensor
        Of the receivers' weights.
    magnets : (n_blocks, n_layers, n_y, n_x) torch.Tensor, optional
        Factors that the blocks are summed up with, before they are squared.
    """
    n_blocks = kernels.shape[1]
    for b in range(n_blocks):
        for other in (b,) if magnets is None else range(b, n_blocks):
            product = 0
            for (a, c), spectrum in zip(pairs, spectra, strict=True):
                square = kernels[a, b] * kernels[c, other]
                if a != c and b != other:  # the mean of both orders
                    square.addcmul_(kernels[c, b], kernels[a, other]).mul_(0.5)
                product = convolution.spectra(square).mul_(spectrum).add_(product)
            cells = convolution.at_cells(product)
            if magnets is None:
                total[b] += cells
            else:
                total[0] += cells.mul_(magnets[b] * magnets[other]).mul_(1 if b == other else 2)
