"""Products of many rows with a derivative whose cells depend on their own inputs only."""

from __future__ import annotations

import torch
from torch.func import functional_call, jacrev, vmap

_NUMBERS = 2**23  # entries of a derivative in memory at a time


def rows_by_cells(module, parameters, pieces, vector, rows: torch.Tensor, n_points: int) -> torch.Tensor:
    r"""Return products of rows with the derivative of all cells, which is computed in chunks and never stored.

    One backward pass per cell and property, each through that cell alone, costs as much as one pass through all cells.
    A pass for every row would cost this times the number of rows.

    Parameters
    ----------
    module, parameters, pieces, vector
        As in :class:`Linearization`; the outputs are (n_properties, n_cells).
    rows : (k, n_properties, n_cells) torch.Tensor
        Rows to multiply by the derivative.
    n_points : int
        Number of rows of the inputs that belong to one cell.

    Returns
    -------
    (k, nP) torch.Tensor
    """

    def cell(vector, *inputs):
        return functional_call(module, parameters.split(vector), inputs)[:, 0]

    derivative = vmap(jacrev(cell), in_dims=(None, *[0] * len(pieces[0])))
    total = rows.new_zeros(len(rows), len(vector))
    chunk, start = max(_NUMBERS // (rows.shape[1] * len(vector)), 1), 0
    for inputs in pieces:
        cells = [one.view(-1, n_points, *one.shape[1:]) for one in inputs]
        for part in zip(*(one.split(chunk) for one in cells), strict=True):
            n = len(part[0])
            block = derivative(vector, *part)  # (n, n_properties, nP)
            total.addmm_(rows[..., start : start + n].flatten(1), block.transpose(0, 1).flatten(0, 1))
            start += n
    return total
