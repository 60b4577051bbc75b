"""Between numpy and torch: devices, dtypes, copies, memory errors and seeds."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from simpeg_jointdl._core.tensors import (
    as_numpy,
    as_tensor,
    csr_as_tensor,
    explain_out_of_memory,
    resolve_device,
    resolve_dtype,
    seeded,
    seeded_generator,
)

CPU = torch.device("cpu")


@pytest.fixture
def default_device():
    """Sets torch's default device and puts it back."""
    before = torch.get_default_device()
    yield torch.set_default_device
    torch.set_default_device(before)


# devices ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "meta"])
def test_device_by_name_or_object(device):
    assert resolve_device(device) == torch.device(device)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_none_is_the_default_device_of_torch(device, default_device):
    default_device(device)
    assert resolve_device(None) == torch.device(device)


@pytest.mark.parametrize("device", ["cuda:7", "nonsense", "cpu:x", "", 1.5, [0]])
def test_an_absent_device_is_refused_with_advice(device):
    with pytest.raises(ValueError, match=r"device: got .*cannot use on this machine.*Use 'cpu', or install"):
        resolve_device(device)


def test_a_present_device_is_used(device):
    assert resolve_device(str(device)) == device


# dtypes -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "dtype", [None, "float64", "double", "f8", float, np.float64, np.dtype("float64"), torch.float64]
)
def test_double_precision_in_any_spelling(dtype):
    assert resolve_dtype(dtype) is torch.float64


@pytest.mark.parametrize("dtype", ["float32", "single", "f4", np.float32, np.dtype("float32"), torch.float32])
def test_single_precision_in_any_spelling(dtype):
    assert resolve_dtype(dtype) is torch.float32


@pytest.mark.parametrize(
    "dtype", ["float16", int, "int32", torch.float16, torch.int64, complex, "nonsense", 3, [1], "torch.float32"]
)
def test_other_types_are_refused(dtype):
    with pytest.raises(ValueError, match=r"dtype: got .*, wanted 'float64' or 'float32'"):
        resolve_dtype(dtype)


# arrays -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("array", [np.arange(6.0), np.arange(6), np.arange(6, dtype=np.float32), list(range(6))])
def test_as_tensor(array, dtype):
    tensor = as_tensor(array, CPU, dtype)
    assert (tensor.dtype, tensor.device) == (dtype, CPU)
    np.testing.assert_array_equal(tensor.numpy(), np.arange(6.0))


def test_as_tensor_keeps_the_dtype_unless_one_is_given():
    assert as_tensor(np.arange(3), CPU).dtype is torch.int64
    assert as_tensor(np.array([True, False]), CPU).dtype is torch.bool


@pytest.mark.parametrize("view", [lambda a: a[::-1], lambda a: a[::2], lambda a: a.reshape(2, 3).T, lambda a: a[:0]])
@pytest.mark.parametrize("order", ["<f8", ">f8"])
def test_as_tensor_accepts_views_and_both_byte_orders(view, order):
    array = view(np.arange(6.0).astype(order))
    np.testing.assert_array_equal(as_tensor(array, CPU).numpy(), array)


@pytest.mark.parametrize("make", [lambda a: a, lambda a: np.broadcast_to(a[:1], 6)])
def test_as_tensor_copies_read_only_arrays(make):
    array = make(np.arange(1.0, 7.0))
    array.flags.writeable = False
    before = array.copy()
    tensor = as_tensor(array, CPU, torch.float64)  # torch would warn here, and warnings are errors
    tensor.add_(1.0)
    np.testing.assert_array_equal(array, before)


def test_as_tensor_uses_the_given_device_not_the_default_one(default_device):
    default_device("meta")
    assert as_tensor(np.arange(3.0), CPU).device == CPU


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.bool])
def test_as_numpy_returns_float64(dtype):
    array = as_numpy(torch.tensor([0, 1]).to(dtype))
    assert type(array) is np.ndarray
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, [0.0, 1.0])


def test_as_numpy_detaches_from_autograd():
    tensor = torch.ones(3, requires_grad=True) * 2
    np.testing.assert_array_equal(as_numpy(tensor), 2.0)


def test_to_torch_and_back_changes_nothing(device, dtype):
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(as_numpy(as_tensor(array, device, dtype)), array)


# sparse matrices ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_csr_as_tensor(form, device, dtype):
    matrix = sp.random(5, 4, 0.5, format=form, random_state=np.random.default_rng(0))
    tensor = csr_as_tensor(matrix, device, dtype)
    assert (tensor.layout, tensor.dtype, tensor.device.type) == (torch.sparse_csr, dtype, device.type)
    np.testing.assert_allclose(as_numpy(tensor.to_dense()), matrix.toarray(), rtol=1e-6)


def test_csr_as_tensor_sorts_a_copy_of_the_matrix():
    matrix = sp.csr_matrix((np.array([1.0, 2.0]), np.array([2, 0]), np.array([0, 2])), shape=(1, 3))
    tensor = csr_as_tensor(matrix, CPU, torch.float64)
    assert tensor.col_indices().tolist() == [0, 2]
    np.testing.assert_array_equal(matrix.indices, [2, 0])
    np.testing.assert_array_equal(matrix.data, [1.0, 2.0])


def test_csr_as_tensor_shares_no_memory_with_the_matrix():
    matrix = sp.csr_matrix(np.eye(3))
    tensor = csr_as_tensor(matrix, CPU, torch.float64)
    matrix.data[:] = 5.0
    np.testing.assert_array_equal(tensor.to_dense().numpy(), np.eye(3))


# out of memory ------------------------------------------------------------------------------------------
def test_an_out_of_memory_error_of_the_cpu_names_the_caller_and_the_device():
    with (
        pytest.raises(MemoryError, match=r"CrossGradient: out of memory on device 'cpu'.*dtype='float32'") as caught,
        explain_out_of_memory("CrossGradient", CPU),
    ):
        torch.empty(2**60, dtype=torch.uint8)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_out_of_memory_error_of_a_gpu_names_the_caller_and_the_device():
    cuda = torch.device("cuda:1")
    with (
        pytest.raises(MemoryError, match="Gramian: out of memory on device 'cuda:1'"),
        explain_out_of_memory("Gramian", cuda),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.mark.parametrize("error", [RuntimeError("something else"), ValueError("not enough memory"), KeyError("k")])
def test_other_errors_pass_unchanged(error):
    with pytest.raises(type(error)) as caught, explain_out_of_memory("CrossGradient", CPU):
        raise error
    assert caught.value is error


def test_without_an_error_nothing_happens():
    with explain_out_of_memory("CrossGradient", CPU):
        value = torch.ones(3).sum()
    assert value == 3


# seeds ----------------------------------------------------------------------------------------------------
def test_a_seed_gives_the_same_numbers_and_generators_are_restored(monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("another device was seeded"))
    torch.default_generator.manual_seed(5)
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with seeded(3, [CPU]):
            drawn.append(torch.randn(4))
    assert torch.equal(*drawn)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_generator_of_a_gpu_is_seeded_and_restored_too():
    state = torch.cuda.get_rng_state()
    with seeded(3, ["cuda"]):
        first = torch.randn(4, device="cuda")
    with seeded(3, ["cuda"]):
        assert torch.equal(torch.randn(4, device="cuda"), first)
    assert torch.equal(torch.cuda.get_rng_state(), state)


def test_a_generator_of_a_seed_and_a_generator_as_it_is():
    first, again = seeded_generator("f.random_seed", 3), seeded_generator("f.random_seed", 3)
    assert torch.equal(torch.rand(2, generator=first), torch.rand(2, generator=again))
    assert seeded_generator("f.random_seed", first) is first
    with pytest.raises(TypeError, match=r"f\.random_seed: got None, wanted a whole number of at least 0"):
        seeded_generator("f.random_seed", None)


def test_errors_name_the_caller_where_it_is_known():
    with pytest.raises(ValueError, match=r"Gramian\.device: got 'nonsense'"):
        resolve_device("nonsense", "Gramian")
    with pytest.raises(ValueError, match=r"Gramian\.dtype: got 'float16'"):
        resolve_dtype("float16", "Gramian")
