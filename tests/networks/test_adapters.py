"""Adapters: initial output, low-rank changes of convolutions only, and merging into the weights."""

import pytest
import torch

from simpeg_jointdl import networks


def make_network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Conv2d(2, 6, 3, padding=1),
            torch.nn.SiLU(),
            torch.nn.ConvTranspose2d(6, 1, 2),
            torch.nn.Linear(9, 2),
        ).double()


INPUTS = torch.linspace(-1.0, 1.0, 2 * 8 * 8, dtype=torch.float64).view(1, 2, 8, 8)


def perturbed(network):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter += torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return network


def test_new_adapters_do_not_change_the_output():
    plain = make_network()
    adapted = networks.with_adapters(plain, rank=2)
    torch.testing.assert_close(adapted(INPUTS), plain(INPUTS), rtol=0, atol=1e-14)
    assert all(parameter.requires_grad for parameter in plain.parameters()), "the given network is not changed"


def test_only_convolutions_change_and_by_matrices_of_the_rank():
    plain, rank = make_network(), 2
    adapted = networks.without_adapters(perturbed(networks.with_adapters(plain, rank=rank)))
    for (name, before), (again, after) in zip(plain.named_parameters(), adapted.named_parameters(), strict=True):
        assert name == again
        change = (after - before).detach()
        if name in ("0.weight", "2.weight"):
            assert torch.linalg.matrix_rank(change.flatten(1), rtol=1e-10) == rank
        else:
            assert not change.any()


def test_adapters_are_merged_into_the_weights():
    adapted = perturbed(networks.with_adapters(make_network(), rank=3))
    plain = networks.without_adapters(adapted)
    torch.testing.assert_close(plain(INPUTS), adapted(INPUTS), rtol=0, atol=1e-12)
    assert set(plain.state_dict()) == set(make_network().state_dict())


def test_the_same_seed_gives_the_same_adapters():
    def right(seed):
        return dict(networks.with_adapters(make_network(), random_seed=seed).named_parameters())[
            "0.parametrizations.weight.0.right"
        ]

    assert torch.equal(right(0), right(0))
    assert not torch.equal(right(0), right(1))


@pytest.mark.parametrize("rank", [0, 1.5, "4"])
def test_bad_ranks_are_refused(rank):
    with pytest.raises((TypeError, ValueError), match="rank"):
        networks.with_adapters(make_network(), rank=rank)


def test_a_network_without_convolutions_is_refused():
    with pytest.raises(ValueError, match="a SiLU without convolutions"):
        networks.with_adapters(torch.nn.SiLU())
