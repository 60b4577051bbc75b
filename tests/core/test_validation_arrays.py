"""Checks of arrays, meshes and active cells."""

import math

import numpy as np
import pytest
import torch
from discretize import TensorMesh

from simpeg_jointdl._core import validation as check

WHO = "make_model.values"
MESH = TensorMesh([2, 3])
N = MESH.n_cells
MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])

# check, arguments after who, what comes back
GOOD = {
    "finite": (check.finite_array, ([1, 2], (2,)), {}, [1.0, 2.0]),
    "finite, any length": (check.finite_array, ([[1, 2]], (None, 2)), {}, [[1.0, 2.0]]),
    "finite, scalar spread": (check.finite_array, (3, (2,)), {}, [3.0, 3.0]),
    "finite, none wanted": (check.finite_array, (np.ones((2, 0)), (2, 0)), {}, np.ones((2, 0))),
    "finite, tensor": (check.finite_array, (torch.tensor([1, 2]), (2,)), {}, [1.0, 2.0]),
    "finite, nothing masked": (check.finite_array, (np.ma.array([1.0, 2.0]), (2,)), {}, [1.0, 2.0]),
    "gappy": (check.gappy_array, ([1.0, np.nan], (2,)), {"above": 0.0}, [1.0, np.nan]),
    "gappy, complex": (check.gappy_array, ([1j, np.nan], (2,), complex), {}, [1j, np.nan]),
    "per item, one": (check.per_item, (2, 3, "misfit"), {"above": 0.0}, [2.0, 2.0, 2.0]),
    "per item, each": (check.per_item, ([1, 2], 2, "misfit"), {}, [1.0, 2.0]),
    "per item, infinite": (check.per_item, (math.inf, 1, "misfit"), {"infinite": True}, [math.inf]),
    "per cell, one": (check.per_cell, (2, 3), {}, [2.0, 2.0, 2.0]),
    "per cell, infinite": (check.per_cell, ([1, np.inf], 2), {"infinite": True}, [1.0, np.inf]),
    "per cell, blanks": (check.per_cell, ([1, np.nan], 2), {"blanks": True}, [1.0, np.nan]),
    "bounds": (check.bounds, ((0, 1),), {}, ([0.0], [1.0])),
    "bounds, None": (check.bounds, (None,), {}, ([-np.inf], [np.inf])),
    "bounds, one None": (check.bounds, ((0, None), 2), {}, ([0.0, 0.0], [np.inf, np.inf])),
    "bounds, arrays": (check.bounds, ((np.zeros(2), [1, 2]), 2), {}, ([0.0, 0.0], [1.0, 2.0])),
    "active, all": (check.active_cells, (MESH, None), {}, np.ones(N, dtype=bool)),
    "active, some": (check.active_cells, (MESH, np.arange(N) > 1), {}, np.arange(N) > 1),
    "active, list": (check.active_cells, (MESH, [True] * N), {}, np.ones(N, dtype=bool)),
    "active, indices": (check.active_cells, (MESH, [0, 5]), {"indices": True}, np.isin(np.arange(N), (0, 5))),
}


@pytest.mark.parametrize("case", GOOD)
def test_good_input_comes_back_as_an_array(case):
    function, arguments, options, wanted = GOOD[case]
    np.testing.assert_array_equal(function(WHO, *arguments, **options), wanted)


# check, arguments after who, error, what the message says after "make_model.values: got "
BAD = {
    "finite, shape": (check.finite_array, (np.ones(3), (2,)), {}, ValueError, "shape (3,), wanted (2,)."),
    "finite, dimensions": (check.finite_array, (np.ones(3), (None, 2)), {}, ValueError, "shape (3,), wanted (n, 2)."),
    "finite, empty": (check.finite_array, ([], (None,)), {}, ValueError, "shape (0,), wanted (n,)."),
    "finite, nan": (check.finite_array, ([1, np.nan], (2,)), {}, ValueError, "1 of 2 entries that are NaN or infinite"),
    "finite, low": (
        check.finite_array,
        ([0, -1, 1], (3,)),
        {"above": 0},
        ValueError,
        "0 (one of 2 such entries), want",
    ),
    "finite, range": (
        check.finite_array,
        ([2], (1,)),
        {"least": 0, "most": 1},
        ValueError,
        "2, wanted every entry from",
    ),
    "finite, str": (check.finite_array, ("3", (1,)), {}, TypeError, "str, wanted real numbers, (1,)."),
    "finite, strs": (check.finite_array, (["1", "2"], (2,)), {}, TypeError, "list, wanted real numbers, (2,)."),
    "finite, bools": (check.finite_array, ([True, False], (2,)), {}, TypeError, "bool numbers, wanted real numbers"),
    "finite, complex": (check.finite_array, (np.ones(2) * 1j, (2,)), {}, TypeError, "complex128 numbers, wanted real"),
    "finite, ragged": (check.finite_array, ([[1], [1, 2]], (2, None)), {}, TypeError, "list, wanted real numbers"),
    "finite, None": (check.finite_array, (None, (2,)), {}, TypeError, "NoneType, wanted real numbers"),
    "finite, holes": (check.finite_array, ([None, 1.0], (2,)), {}, TypeError, "list, wanted real numbers"),
    "finite, with gradient": (check.finite_array, (torch.ones(2, requires_grad=True), (2,)), {}, TypeError, "Tensor, "),
    "gappy, infinite": (check.gappy_array, ([np.inf, 1], (2,)), {}, ValueError, "1 of 2 entries that are infinite"),
    "gappy, low": (check.gappy_array, ([np.nan, -1], (2,)), {"above": 0}, ValueError, "-1 (one of 1 such entries)"),
    "gappy, complex": (check.gappy_array, ([1j, 1], (2,)), {}, TypeError, "complex128 numbers, wanted real numbers"),
    "per item, count": (
        check.per_item,
        ([1, 2, 3], 2, "misfit"),
        {},
        ValueError,
        "shape (3,), wanted a number, or 2 of",
    ),
    "per item, zero": (check.per_item, ([1, 0], 2, "term"), {"above": 0}, ValueError, "a number above 0, or 2 of them"),
    "per item, nan": (
        check.per_item,
        (np.nan, 2, "term"),
        {},
        ValueError,
        "nan, wanted a number, or 2 of them, one per",
    ),
    "per item, inf": (check.per_item, (np.inf, 2, "term"), {"above": 0}, ValueError, "inf, wanted a number above 0"),
    "per item, str": (check.per_item, ("a", 2, "term"), {}, TypeError, "str, wanted real numbers, a number, or 2"),
    "per cell, shape": (
        check.per_cell,
        (np.ones(2), 3),
        {},
        ValueError,
        "shape (2,), wanted a number or (3,), one per",
    ),
    "per cell, nan": (check.per_cell, ([np.nan, 1], 2), {"infinite": True}, ValueError, "1 of 2 entries that are NaN,"),
    "per cell, inf": (check.per_cell, ([np.inf, 1], 2), {"blanks": True}, ValueError, "entries that are infinite,"),
    "bounds, crossed": (check.bounds, ((1, 0),), {}, ValueError, "(1, 0), wanted a lower bound below the upper one."),
    "bounds, equal": (check.bounds, (([0, 1], 1), 2), {}, ValueError, "(1, 1) in 1 of 2 places, the first is number 1"),
    "bounds, one": (check.bounds, ((1,),), {}, ValueError, "(1,), wanted (lower, upper)."),
    "bounds, number": (check.bounds, (1,), {}, TypeError, "1, wanted (lower, upper)."),
    "bounds, nan": (check.bounds, ((np.nan, 1),), {}, ValueError, "nan, wanted a number"),
    "mesh": (check.discretize_mesh, ([1],), {}, TypeError, "list, wanted a discretize.TensorMesh or"),
    "mesh, dimension": (check.discretize_mesh, (MESH, (3,)), {}, ValueError, "a 2-D TensorMesh, wanted a 3-D mesh."),
    "active, none": (check.active_cells, (MESH, np.zeros(N, bool)), {}, ValueError, "bool of shape (6,) with 0 True"),
    "active, shape": (check.active_cells, (MESH, np.ones(2, bool)), {}, ValueError, "(6,) of bool, at least one True."),
    "active, 0 and 1": (check.active_cells, (MESH, [0, 1, 1, 1, 1, 1]), {"indices": True}, ValueError, "different ind"),
    "active, no indices": (check.active_cells, (MESH, [0, 5]), {}, ValueError, "int64 of shape (2,), wanted (6,) of"),
    "active, outside": (check.active_cells, (MESH, [0, 6]), {"indices": True}, ValueError, "indices from 0 to 5."),
    "active, str": (check.active_cells, (MESH, "all"), {}, ValueError, "wanted (6,) of bool"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_whole_name_of_the_argument(case):
    function, arguments, options, error, wanted = BAD[case]
    with pytest.raises(error) as caught:
        function(WHO, *arguments, **options)
    message = str(caught.value)
    assert message.startswith(f"{WHO}: got ")
    assert wanted in message


@pytest.mark.parametrize(
    "function",
    [
        lambda value: check.finite_array(WHO, value, (3,)),
        lambda value: check.gappy_array(WHO, value, (3,)),
        lambda value: check.per_item(WHO, value, 3, "misfit"),
        lambda value: check.per_cell(WHO, value, 3),
        lambda value: check.bounds(WHO, (value, 9.0), 3),
        lambda value: check.finite_array(WHO, [value, value], (2, 3)),
        lambda value: check.active_cells(WHO, TensorMesh([3, 1]), value > 0),
    ],
    ids=["finite_array", "gappy_array", "per_item", "per_cell", "bounds", "in a list", "active_cells"],
)
def test_masked_entries_are_never_unmasked(function):
    with pytest.raises(ValueError, match=r"make_model\.values: got a numpy masked array with \d masked entries"):
        function(MASKED)
    function(MASKED.filled(1.0))


@pytest.mark.parametrize("function", [check.finite_array, check.gappy_array])
def test_an_array_comes_back_as_a_read_only_copy(function):
    given = np.ones(3)
    got = function(WHO, given, (3,))
    assert got.dtype == np.float64
    assert not got.flags.writeable
    assert given.flags.writeable
    assert not np.shares_memory(got, given)


@pytest.mark.parametrize(
    "got",
    [
        check.per_item(WHO, 1.0, 3, "misfit"),
        check.per_cell(WHO, 1.0, 3),
        check.bounds(WHO, (0.0, 1.0), 3)[0],
        check.active_cells(WHO, MESH, None),
    ],
)
def test_what_is_one_per_item_may_be_written_to(got):
    got[0] = 0.0


def test_a_mesh_is_returned_as_it_is():
    assert check.discretize_mesh(WHO, MESH, (2, 3)) is MESH
