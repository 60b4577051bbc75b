"""Copies between numpy and a device: what is copied, what is kept, and in which form."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from discretize.utils import Identity

from simpeg_jointdl._tensor_path import Chain, Crossing


def test_equal_content_is_not_sent_again():
    crossing, owner = Crossing("cpu"), object()
    matrix = sp.random(20, 30, 0.2, random_state=np.random.default_rng(0), format="csr")
    first = crossing.operator(owner, "A", matrix)
    sent = crossing.uploads
    assert crossing.operator(owner, "A", matrix.copy()) is first
    assert crossing.uploads == sent
    assert crossing.operator(owner, "A", 2.0 * matrix) is not first
    assert crossing.uploads == 2 * sent


def test_arrays_are_counted_and_come_back_in_double(device):
    crossing, array = Crossing(device, "float32"), np.arange(4.0)
    tensor = crossing.send(array)
    assert (tensor.dtype, tensor.device.type) == (torch.float32, device.type)
    back = crossing.fetch(tensor)
    assert back.dtype == np.float64
    np.testing.assert_array_equal(back, array)
    assert (crossing.uploads, crossing.downloads, crossing.nbytes) == (1, 1, 2 * 4 * 4)
    crossing.start_count()
    assert (crossing.uploads, crossing.downloads, crossing.nbytes, crossing.seconds) == (0, 0, 0, 0.0)


def test_a_source_of_other_content_is_computed_again():
    crossing, owner, calls = Crossing("cpu"), object(), []
    for source in (np.ones(2), np.ones(2), np.zeros(2)):
        crossing.kept(owner, "name", source, lambda: calls.append(1))
    crossing.kept(object(), "name", np.zeros(2), lambda: calls.append(1))
    assert len(calls) == 3


RNG = np.random.default_rng(3)
MATRICES = {
    "diagonal": (sp.diags(RNG.standard_normal(5)), 1),
    "slice": (sp.identity(6, format="csr")[2:5], 0),
    "index": (sp.identity(6, format="csr")[[4, 0, 3]], 1),
    "index with weights": (sp.diags([2.0, 3.0, 4.0]) @ sp.identity(6, format="csr")[[4, 0, 3]], 2),
    "general": (sp.random(4, 6, 0.5, random_state=RNG, format="csc"), 2),
}


@pytest.mark.parametrize(("matrix", "uploads"), MATRICES.values(), ids=MATRICES)
def test_a_sparse_matrix_is_moved_in_its_cheapest_form(matrix, uploads):
    crossing = Crossing("cpu")
    operator = crossing.operator(object(), "A", matrix)
    assert crossing.uploads == uploads
    v, y = (torch.as_tensor(RNG.standard_normal(n)) for n in matrix.shape[::-1])
    np.testing.assert_allclose(operator.tangent(v), matrix @ v.numpy(), rtol=1e-12)
    np.testing.assert_allclose(operator.adjoint(y), matrix.T @ y.numpy(), rtol=1e-12)


def test_identity_needs_no_copy_and_other_kinds_are_left_to_numpy():
    crossing = Crossing("cpu")
    assert isinstance(crossing.operator(object(), "A", Identity()), Chain)
    assert crossing.operator(object(), "A", np.eye(2)) is None
    assert crossing.operator(object(), "A", 1j * sp.identity(2)) is None
    assert crossing.uploads == 0


def test_a_cast_goes_to_another_dtype_and_back():
    crossing = Crossing("cpu")
    cast = crossing.cast(torch.device("cpu"), torch.float32)
    v = torch.ones(2, dtype=torch.float64)
    assert cast.tangent(v).dtype == torch.float32
    assert cast.adjoint(cast.tangent(v)).dtype == torch.float64
    assert crossing.uploads == crossing.downloads == 0  # nothing leaves the CPU
