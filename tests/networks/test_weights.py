"""Weights files: written and read unchanged, or refused with the reason."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from simpeg_jointdl import networks

CARD = {"architecture": "Sequential", "config": {"width": 4}, "random_seed": 3, "metrics": {"rms": 0.25}}


def make_module(width=4, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.BatchNorm1d(width))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.safetensors"
    networks.save_weights(path, make_module(), CARD)
    return path


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# writing and reading -----------------------------------------------------------------------------------------
def test_state_and_card_are_read_as_written(path):
    module = make_module(seed=1)
    state, card = networks.load_weights(path, module, architecture="Sequential")
    assert equal(state, make_module().state_dict())
    assert equal(module.state_dict(), state)
    assert card.items() >= CARD.items()
    assert card["n_parameters"] == sum(value.numel() for value in state.values())
    assert card == networks.read_card(path)


def test_card_beside_the_file_holds_its_sha256(path):
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_file_can_be_read_without_the_card_beside_it(path):
    path.with_suffix(".json").unlink()
    assert networks.read_card(path)["random_seed"] == 3


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_storage_dtype_applies_only_to_floating_point_tensors(tmp_path, name):
    module = make_module()
    networks.save_weights(tmp_path / "net.safetensors", module, CARD, storage_dtype=name)
    target = make_module(seed=1)
    state, _ = networks.load_weights(tmp_path / "net.safetensors", target)
    assert state["0.weight"].dtype == getattr(torch, name)
    assert state["1.num_batches_tracked"].dtype == torch.int64
    assert target[0].weight.dtype == torch.float32
    torch.testing.assert_close(target[0].weight, module[0].weight, atol=1e-3, rtol=1e-3)


def test_shared_memory_and_bfloat16_tensors_can_be_stored(tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    state = {"a": weight, "b": weight.T, "half": weight.bfloat16(), "scalar": torch.tensor(2.0)}
    networks.save_weights(tmp_path / "net.safetensors", state, CARD)
    assert equal(networks.load_weights(tmp_path / "net.safetensors")[0], state)


def test_a_header_length_that_starts_like_a_pickle_is_accepted(tmp_path):
    path = tmp_path / "net.safetensors"
    for n in range(400):  # lengths are multiples of 8, and one of 32 successive ones ends with 0x80
        networks.save_weights(path, {"a": torch.ones(1)}, CARD | {"data": "." * n})
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[0] == 0x80
    assert networks.read_card(path)["random_seed"] == 3


def test_saving_again_replaces_both_files(path):
    networks.save_weights(path, make_module(seed=5), CARD | {"random_seed": 5})
    assert networks.read_card(path)["random_seed"] == 5
    assert sorted(p.name for p in path.parent.iterdir()) == ["net.json", "net.safetensors"]


@pytest.mark.parametrize("n_writes", [0, 1])
def test_a_process_killed_between_writes_leaves_readable_weights(path, monkeypatch, n_writes):
    from simpeg_jointdl.networks import _weights

    write, done = _weights.write_whole, []

    def killed(*args):
        if len(done) == n_writes:
            raise KeyboardInterrupt
        done.append(write(*args))

    monkeypatch.setattr(_weights, "write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        networks.save_weights(path, make_module(), CARD | {"random_seed": 9})
    assert networks.read_card(path)["random_seed"] == (3, 9)[n_writes]


# refused ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl"])
def test_names_of_pickles_are_refused(tmp_path, suffix):
    with pytest.raises(ValueError, match=r"load_weights.*pickles, which run code"):
        networks.load_weights(tmp_path / f"net{suffix}")
    with pytest.raises(ValueError, match=r"save_weights.*pickles, which run code"):
        networks.save_weights(tmp_path / f"net{suffix}", make_module(), CARD)


@pytest.mark.parametrize("archive", [True, False])
def test_pickles_under_another_name_are_refused(path, archive):
    torch.save(make_module().state_dict(), path, _use_new_zipfile_serialization=archive)
    with pytest.raises(ValueError, match="it is a pickle"):
        networks.load_weights(path)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ends with '\.safetensors'"):
        networks.load_weights(tmp_path / "net.npz")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*net\.safetensors"):
        networks.load_weights(tmp_path / "net.safetensors")


@pytest.mark.parametrize("side_card", [True, False])
@pytest.mark.parametrize("place", [0.001, 0.2, 0.6, 0.999])
def test_any_flipped_bit_is_detected(path, place, side_card):
    if not side_card:
        path.with_suffix(".json").unlink()
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 4
    path.write_bytes(content)
    module = make_module(seed=1)
    with pytest.raises(ValueError, match=r"cannot be used: .*(damaged|no card)"):
        networks.load_weights(path, module)
    assert equal(module.state_dict(), make_module(seed=1).state_dict())


@pytest.mark.parametrize("n_bytes", [0, 5, 300])
def test_a_truncated_file_is_refused(path, n_bytes):
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(ValueError, match="not a safetensors file, or it is damaged"):
        networks.load_weights(path)


def test_a_card_of_another_run_is_refused(path):
    side = path.with_suffix(".json")
    old = side.read_text()
    networks.save_weights(path, make_module(seed=1), CARD)
    side.write_text(old)
    with pytest.raises(ValueError, match=r"sha256 is .* the card beside it, 'net\.json', says"):
        networks.load_weights(path)
    side.write_text("{}")
    with pytest.raises(ValueError, match="holds no 'sha256'"):
        networks.load_weights(path)


def test_safetensors_without_a_card_are_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match="holds no card"):
        networks.load_weights(tmp_path / "net.safetensors")


def test_another_architecture_is_refused_by_name(path):
    with pytest.raises(ValueError, match="weights of 'Sequential', wanted 'GeologyVAE'"):
        networks.load_weights(path, architecture="GeologyVAE")


def test_another_module_is_refused_with_the_differences(path):
    wide = make_module(width=5)
    before = {name: value.clone() for name, value in wide.state_dict().items()}
    with pytest.raises(ValueError, match=r"of another shape: 0\.weight \(4, 3\) in the file, \(5, 3\) in the module"):
        networks.load_weights(path, wide)
    assert equal(wide.state_dict(), before)
    with pytest.raises(ValueError, match=r"missing in the file: weight, bias; unknown to the module: 0\.bias"):
        networks.load_weights(path, torch.nn.LayerNorm(3))


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({}, ValueError, "got no tensors"),
        ([1.0], TypeError, "got list, wanted a torch.nn.Module"),
        ({"a": 1.0}, TypeError, "got dict, wanted a torch.nn.Module or a dict of names to tensors"),
    ],
)
def test_objects_without_a_state_are_refused(tmp_path, state, error, message):
    with pytest.raises(error, match=message):
        networks.save_weights(tmp_path / "net.safetensors", state, CARD)


def test_bad_cards_are_refused(tmp_path):
    with pytest.raises(ValueError, match="wanted a dict that names an 'architecture'"):
        networks.save_weights(tmp_path / "net.safetensors", make_module(), {"seed": 1})
    with pytest.raises(TypeError, match="wanted plain numbers"):
        networks.save_weights(tmp_path / "net.safetensors", make_module(), CARD | {"data": torch.zeros(2)})
    with pytest.raises(ValueError, match="storage_dtype: got 'int8'"):
        networks.save_weights(tmp_path / "net.safetensors", make_module(), CARD, storage_dtype="int8")
    assert list(tmp_path.iterdir()) == []
