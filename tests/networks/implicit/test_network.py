"""Implicit networks: derivatives, initial weights, seeds, and bad input."""

import numpy as np
import pytest
import torch
from torch.func import functional_call, jvp, vjp, vmap

from simpeg_jointdl.networks import (
    GELU,
    Finer,
    FourierEncoding,
    Gabor,
    Gauss,
    HashEncoding,
    IdentityEncoding,
    ImplicitNetwork,
    LeakyReLU,
    PositionalEncoding,
    Sine,
    Tanh,
)

ENCODINGS = ("none", "positional", "fourier", "hash")
ACTIVATIONS = ("sine", "finer", "gauss", "gabor", "leaky_relu", "tanh", "gelu")
on_every_encoding = pytest.mark.parametrize("encoding", ENCODINGS)
on_every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def points(n=40, dim=3, dtype=torch.float64):
    return torch.as_tensor(np.random.default_rng(5).uniform(-1, 1, (n, dim)), dtype=dtype)


def small(**kwargs):
    return ImplicitNetwork(**{"width": 8, "depth": 2, "last_scale": 1.0, **kwargs})


def evaluate(network, x=None):
    return network(*network.prepare(points() if x is None else x))


# one network --------------------------------------------------------------------------------------------
@on_every_encoding
@on_every_activation
def test_derivatives_of_every_combination(encoding, activation):
    """Forward and reverse mode agree, also in batches, and forward mode agrees with finite differences."""
    network = small(encoding=encoding, activation=activation, n_outputs=2, head_depth=1)
    prepared = network.prepare(points(9))
    weights = {name: p.detach() for name, p in network.named_parameters()}
    generator = torch.Generator().manual_seed(0)
    directions = {name: torch.randn((3, *p.shape), generator=generator).double() for name, p in weights.items()}

    def call(w):
        return functional_call(network, w, prepared)

    _, tangents = vmap(lambda v: jvp(call, (weights,), (v,)), out_dims=(None, 0))(directions)
    value, pull = vjp(call, weights)
    cotangent = torch.randn(value.shape, generator=generator).double()
    gradient = pull(cotangent)[0]
    for i in range(3):
        v = {name: d[i] for name, d in directions.items()}
        dot = sum((gradient[name] * v[name]).sum() for name in v)
        torch.testing.assert_close((tangents[i] * cotangent).sum(), dot)
        step = 1e-7  # short, so that no kink of a leaky rectifier lies in between
        ends = [call({name: w + s * step * v[name] for name, w in weights.items()}) for s in (1, -1)]
        torch.testing.assert_close((ends[0] - ends[1]) / (2 * step), tangents[i], rtol=2e-4, atol=2e-4)


@on_every_encoding
def test_second_derivatives(encoding):
    torch.manual_seed(0)  # gradgradcheck draws from the global generator
    network = small(encoding=encoding, activation="sine", width=3, depth=1)
    prepared = network.prepare(points(4))
    weights = dict(network.named_parameters())

    def call(*w):
        return functional_call(network, dict(zip(weights, w, strict=True)), prepared)

    if encoding == "hash":
        weights.pop("encoding.table")  # it has its own test, and gradgradcheck is dense
    torch.autograd.gradgradcheck(call, tuple(w.detach().clone().requires_grad_(True) for w in weights.values()))


@on_every_encoding
@on_every_activation
def test_initial_outputs_are_small_but_not_constant(encoding, activation):
    """Initial outputs are near zero, where a tanh is not saturated, and differ from point to point."""
    network = ImplicitNetwork(encoding=encoding, activation=activation, n_outputs=2)
    output = evaluate(network, points(500))
    assert output.shape == (500, 2)
    assert output.abs().max() < 0.1
    if encoding != "hash":  # whose initial features are near zero everywhere
        assert output.std(0).min() > 1e-6


def test_initial_siren_has_the_statistics_of_the_paper():
    """The arguments of hidden sines have unit variance, and the sines keep an arcsine distribution, at every depth."""
    network = ImplicitNetwork(width=256, depth=5, activation="sine")
    x = points(2000)
    for k, layer in enumerate(network.trunk):
        argument = 30.0 * layer(x)
        if k:
            assert 0.75 < argument.std() < 1.25
        x = torch.sin(argument)
        assert 0.6 < x.std() < 0.8


def test_the_first_layer_has_its_own_frequency():
    x = points()
    torch.testing.assert_close(Sine(30.0, 5.0)(x, first=True), torch.sin(5.0 * x))
    torch.testing.assert_close(Sine(30.0, 5.0)(x), torch.sin(30.0 * x))
    torch.testing.assert_close(Finer(3.0)(x), torch.sin(3.0 * (x.abs() + 1) * x))


def test_values_of_the_other_activations():
    x = points()
    torch.testing.assert_close(Gauss(2.0)(x), torch.exp(-4.0 * x**2))
    torch.testing.assert_close(Gabor(3.0, 2.0)(x), torch.cos(3.0 * x) * torch.exp(-4.0 * x**2))
    torch.testing.assert_close(LeakyReLU(0.1)(x), torch.where(x > 0, x, 0.1 * x))
    torch.testing.assert_close(Tanh()(x), torch.tanh(x))
    torch.testing.assert_close(GELU()(x), 0.5 * x * (1 + torch.erf(x / 2**0.5)))


@on_every_encoding
def test_the_same_seed_gives_the_same_network(encoding):
    a, b, c = (evaluate(small(encoding=encoding, random_seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@on_every_encoding
def test_float32_has_the_same_weights(encoding):
    network = small(encoding=encoding, activation="tanh", dtype="float32")
    output = evaluate(network, points(dtype=torch.float32))
    assert output.dtype == torch.float32
    torch.testing.assert_close(
        output.double(), evaluate(small(encoding=encoding, activation="tanh")), rtol=1e-4, atol=1e-5
    )


def test_number_of_parameters_is_the_published_one():
    positional = ImplicitNetwork(width=256, depth=4, encoding="positional", activation="leaky_relu")
    assert positional.n_parameters == 201_729
    hashed = HashEncoding(n_levels=2, n_features=2, table_size=2**17, coarsest=4, finest=128)
    # the coarse level has one entry per corner here, 125, where the published one has all 2^17
    n = ImplicitNetwork(width=256, depth=4, encoding=hashed, activation="leaky_relu").n_parameters
    assert n == 723_201 - 2 * (2**17 - 125)


@pytest.mark.parametrize("head_depth", [0, 1, 2])
def test_heads_share_only_the_trunk(head_depth):
    network = small(n_outputs=2, head_depth=head_depth)
    evaluate(network)[:, 0].sum().backward()
    own, other = network.heads
    assert all(p.grad.abs().sum() > 0 for p in [*network.trunk.parameters(), *own.parameters()])
    assert all(p.grad is None or not p.grad.any() for p in other.parameters())


def test_an_encoding_may_be_an_object():
    assert small(encoding=PositionalEncoding(2, n_frequencies=5), n_inputs=2).trunk[0].weight.shape == (8, 22)
    assert isinstance(small().encoding, IdentityEncoding)


def test_prepared_points_have_no_graph():
    network = small(encoding="hash")
    assert not any(tensor.requires_grad for tensor in network.prepare(points().requires_grad_(True)))


# bad input ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"encoding": "triplane"}, "encoding: got 'triplane', wanted one of 'none', 'positional'"),
        ({"encoding": FourierEncoding(2)}, "got a FourierEncoding of 2 coordinates, wanted 3"),
        ({"activation": "swish"}, "activation: got 'swish', wanted one of 'sine'"),
        ({"activation": Sine}, "activation: got <class"),
        ({"width": 0}, "width: got 0"),
        ({"depth": 1.5}, "depth: got 1.5"),
        ({"head_depth": -1}, "head_depth: got -1, wanted a whole number of at least 0"),
        ({"last_scale": 0.0}, "last_scale: got 0.0"),
        ({"dtype": "float16"}, "dtype: got 'float16'"),
    ],
)
def test_bad_settings_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ImplicitNetwork(**kwargs)


@pytest.mark.parametrize("make", [lambda: Sine(0.0), lambda: Finer(first_bias=-1.0), lambda: Gabor(scale=np.inf)])
def test_bad_activations_are_refused(make):
    with pytest.raises(ValueError, match="wanted a finite number above 0"):
        make()
