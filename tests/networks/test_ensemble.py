"""Ensembles of networks: members, training, types and bad input."""

import numpy as np
import pytest
import torch

from simpeg_jointdl.networks import ImplicitNetwork, NetworkEnsemble

ENCODINGS = ("none", "positional", "fourier", "hash")
on_every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)


def points(n=40, dim=3, dtype=torch.float64):
    return torch.as_tensor(np.random.default_rng(5).uniform(-1, 1, (n, dim)), dtype=dtype)


def small(**kwargs):
    return ImplicitNetwork(**{"width": 8, "depth": 2, "last_scale": 1.0, **kwargs})


def evaluate(network, x=None):
    return network(*network.prepare(points() if x is None else x))


@on_every_encoding
@pytest.mark.parametrize("activation", ["sine", "gelu"])
def test_members_equal_the_single_networks(encoding, activation):
    members = [small(encoding=encoding, activation=activation, n_outputs=2, random_seed=seed) for seed in range(3)]
    ensemble = NetworkEnsemble(members)
    output = evaluate(ensemble)
    assert ensemble.n_parameters == 3 * members[0].n_parameters
    for i, member in enumerate(members):
        torch.testing.assert_close(output[i], evaluate(member))
        torch.testing.assert_close(evaluate(ensemble.member(i)), evaluate(member))


@on_every_encoding
def test_members_train_like_single_networks(encoding):
    members = [small(encoding=encoding, activation="tanh", random_seed=seed) for seed in range(3)]
    ensemble = NetworkEnsemble(members)
    target = points().sum(1, keepdim=True)
    for network in [ensemble, *members]:
        optimizer, prepared = torch.optim.Adam(network.parameters(), lr=1e-2), network.prepare(points())
        for _ in range(20):
            optimizer.zero_grad()
            ((network(*prepared) - target) ** 2).mean((-1, -2)).sum().backward()
            optimizer.step()
    for i, member in enumerate(members):
        torch.testing.assert_close(evaluate(ensemble.member(i)), evaluate(member), rtol=1e-6, atol=1e-8)


def test_an_ensemble_does_not_change_the_given_networks():
    members = [small(random_seed=seed) for seed in range(2)]
    before = evaluate(members[0]).detach()
    ensemble = NetworkEnsemble(members)
    with torch.no_grad():
        for p in ensemble.parameters():
            p.zero_()
    assert torch.equal(evaluate(members[0]), before)
    assert all(p.requires_grad for p in members[0].parameters())
    assert all(p.requires_grad for p in ensemble.member(1).parameters())


def test_prepared_points_are_shared_unless_encodings_differ():
    x = points()
    shared = NetworkEnsemble([small(encoding="hash", random_seed=s) for s in range(3)]).prepare(x)
    assert all(tensor.shape == (40, 4, 8) for tensor in shared)
    (own,) = NetworkEnsemble([small(encoding="fourier", random_seed=s) for s in range(3)]).prepare(x)
    assert own.shape == (40, 3, 64)


def test_an_ensemble_can_change_its_type_and_be_saved():
    ensemble = NetworkEnsemble([small(encoding="fourier", random_seed=s) for s in range(2)])
    assert len(ensemble.state_dict()) == len(list(ensemble.parameters()))
    assert evaluate(ensemble.to(torch.float32), points(dtype=torch.float32)).dtype == torch.float32


def test_bad_members_are_refused():
    with pytest.raises(ValueError, match="got none"):
        NetworkEnsemble([])
    with pytest.raises(TypeError, match=r"members\[1\]: got a Identity"):
        NetworkEnsemble([small(), torch.nn.Identity()])
    with pytest.raises(ValueError, match=r"members\[1\]: its parameters differ"):
        NetworkEnsemble([small(), small(width=9)])
