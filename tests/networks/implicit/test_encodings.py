"""Encodings: values, prepared points, gradients and bad input."""

from itertools import product

import numpy as np
import pytest
import torch

from simpeg_jointdl.networks import FourierEncoding, HashEncoding, IdentityEncoding, PositionalEncoding

HASHED = {"n_levels": 3, "n_features": 2, "table_size": 40, "coarsest": 2, "finest": 9, "amplitude": 1.0}
KINDS = {
    "none": lambda n, **k: IdentityEncoding(n),
    "positional": lambda n, **k: PositionalEncoding(n),
    "fourier": lambda n, **k: FourierEncoding(n, n_features=5, **k),
    "hash": lambda n, **k: HashEncoding(n, **HASHED, **k),
}
on_every_kind = pytest.mark.parametrize("kind", KINDS)


def points(n=50, dim=3, seed=0, dtype=torch.float64):
    return torch.as_tensor(np.random.default_rng(seed).uniform(-1, 1, (n, dim)), dtype=dtype)


@on_every_kind
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_encoded_points_have_their_shape(kind, dim):
    encoding = KINDS[kind](dim)
    prepared = encoding.prepare(points(dim=dim))
    assert all(len(tensor) == 50 for tensor in prepared)
    assert encoding(*prepared).shape == (50, encoding.n_outputs)


@on_every_kind
def test_prepared_points_can_be_cut_into_batches(kind):
    encoding = KINDS[kind](3)
    prepared = encoding.prepare(points())
    parts = [encoding(*(tensor[a : a + 20] for tensor in prepared)) for a in range(0, 50, 20)]
    assert torch.equal(torch.cat(parts), encoding(*prepared))


@on_every_kind
def test_encoding_of_a_point_does_not_depend_on_other_points(kind):
    encoding = KINDS[kind](3)
    alone = encoding(*encoding.prepare(points()[7:8]))
    torch.testing.assert_close(alone[0], encoding(*encoding.prepare(points()))[7])


@on_every_kind
def test_float32_agrees_with_float64(kind):
    encoding = KINDS[kind](3, dtype="float32") if kind in ("fourier", "hash") else KINDS[kind](3)
    double = KINDS[kind](3)
    result = encoding(*encoding.prepare(points(dtype=torch.float32)))
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.double(), double(*double.prepare(points())), atol=1e-5, rtol=1e-5)


def test_none_is_the_identity():
    assert torch.equal(IdentityEncoding().prepare(points())[0], points())


@pytest.mark.parametrize("pi", [False, True])
def test_positional_encoding_has_its_values(pi):
    encoding = PositionalEncoding(2, n_frequencies=3, pi=pi)
    x = points(1, 2)
    c = np.pi if pi else 1.0
    expected = [x[0, 0], x[0, 1]]
    for k in range(3):
        expected += [torch.sin(2**k * c * x[0, i]) for i in (0, 1)] + [torch.cos(2**k * c * x[0, i]) for i in (0, 1)]
    torch.testing.assert_close(encoding.prepare(x)[0][0], torch.stack(expected))


def test_fourier_encoding_has_its_values_and_scales():
    encoding = FourierEncoding(n_features=4000, scale=[0.5, 1.0, 2.0], random_seed=1)
    torch.testing.assert_close(encoding.matrix.std(0), torch.tensor([0.5, 1.0, 2.0]).double(), rtol=0.05, atol=0)
    sine, cosine = encoding.prepare(points(3))[0].chunk(2, dim=1)
    torch.testing.assert_close(sine**2 + cosine**2, torch.ones(3, 4000).double())
    torch.testing.assert_close(torch.atan2(sine, cosine).tan(), (2 * np.pi * points(3) @ encoding.matrix.T).tan())


def test_fourier_directions_are_not_trained():
    encoding = FourierEncoding()
    assert list(encoding.parameters()) == []
    assert "matrix" in encoding.state_dict()


@pytest.mark.parametrize("kind", [FourierEncoding, HashEncoding])
def test_the_same_seed_gives_the_same_encoding(kind):
    a, b, c = (kind(random_seed=seed).state_dict() for seed in (3, 3, 4))
    (name,) = a
    assert torch.equal(a[name], b[name])
    assert not torch.equal(a[name], c[name])


# hash ---------------------------------------------------------------------------------------------------
def hash_by_loops(encoding, x):
    """Return the hash encoding, computed from its definition one point, level and corner at a time."""
    dim, start, rows = x.shape[1], 0, []
    features = torch.zeros(len(x), encoding.n_outputs, dtype=torch.float64)
    for level, n in enumerate(encoding.resolutions):
        size = min((n + 1) ** dim, encoding.table_size)
        for i, point in enumerate((x + 1) / 2 * n):
            low = [min(int(p), n - 1) for p in point]
            for up in product((0, 1), repeat=dim):
                corner = [a + b for a, b in zip(low, up, strict=True)]
                weight = np.prod([1 - abs(float(p) - c) for p, c in zip(point, corner, strict=True)])
                if (n + 1) ** dim <= encoding.table_size:
                    place = sum(c * (n + 1) ** axis for axis, c in enumerate(corner))
                else:
                    place = 0
                    for c, prime in zip(corner, (1, 2654435761, 805459861), strict=False):
                        place ^= c * prime
                    place %= encoding.table_size
                columns = slice(level * encoding.n_features, (level + 1) * encoding.n_features)
                features[i, columns] += weight * encoding.table.detach()[start + place]
        start += size
        rows.append(size)
    assert sum(rows) == len(encoding.table)
    return features


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_hash_equals_a_plain_loop(dim):
    encoding = HashEncoding(dim, **HASHED)
    corners = torch.tensor(list(product((-1.0, 0.0, 1.0), repeat=dim)), dtype=torch.float64)
    x = torch.cat([points(30, dim), corners])
    torch.testing.assert_close(encoding(*encoding.prepare(x)), hash_by_loops(encoding, x))


def test_hash_weights_sum_to_one_and_reproduce_linear_functions():
    encoding = HashEncoding(3, n_levels=1, n_features=1, table_size=1000, coarsest=5, finest=5)
    corners = torch.cartesian_prod(*[torch.linspace(-1, 1, 6, dtype=torch.float64)] * 3)
    with torch.no_grad():
        for corner in corners:
            entries, weights = encoding.prepare(corner[None])
            encoding.table[entries[weights > 0.5]] = corner @ torch.tensor([1.0, -2.0, 3.0]).double() + 4
    x = points()
    torch.testing.assert_close(encoding.prepare(x)[1].sum(-1), torch.ones(50, 1).double())
    expected = x @ torch.tensor([1.0, -2.0, 3.0]).double() + 4
    torch.testing.assert_close(encoding(*encoding.prepare(x))[:, 0], expected)


def test_hash_levels_have_their_resolutions():
    assert HashEncoding(n_levels=4, coarsest=4, finest=32).resolutions == [4, 8, 16, 32]
    assert HashEncoding(n_levels=2, coarsest=4, finest=128).resolutions == [4, 128]
    assert HashEncoding(n_levels=1, coarsest=4, finest=128).resolutions == [4]


def test_points_outside_the_domain_have_the_features_of_its_border():
    encoding = HashEncoding(**HASHED)
    x = 3.0 * points()
    torch.testing.assert_close(encoding(*encoding.prepare(x)), encoding(*encoding.prepare(x.clamp(-1, 1))))


def test_gradient_of_the_hash_encoding():
    torch.manual_seed(0)  # gradcheck draws from the global generator
    encoding = HashEncoding(2, n_levels=2, n_features=1, table_size=12, coarsest=2, finest=5)
    prepared = encoding.prepare(points(6, 2))

    def call(table):
        return torch.func.functional_call(encoding, {"table": table}, prepared).sin()

    table = encoding.table.detach().clone().requires_grad_(True)
    torch.autograd.gradcheck(call, table, check_forward_ad=True, check_batched_grad=True)
    torch.autograd.gradgradcheck(call, table)


# bad input ----------------------------------------------------------------------------------------------
@on_every_kind
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (np.zeros((4, 3)), TypeError, "points: got ndarray, wanted a torch.Tensor"),
        (torch.zeros(4, 2), ValueError, r"shape \(4, 2\), wanted \(n_points, 3\)"),
        (torch.zeros(3), ValueError, r"shape \(3,\)"),
        (torch.zeros(4, 3, dtype=torch.int64), TypeError, "floating-point"),
        (torch.full((4, 3), torch.nan), ValueError, "got NaN or infinite coordinates"),
    ],
)
def test_bad_points_are_refused(kind, bad, error, message):
    with pytest.raises(error, match=message):
        KINDS[kind](3).prepare(bad)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PositionalEncoding(n_frequencies=0), "n_frequencies: got 0, wanted a whole number of at least 1"),
        (
            lambda: FourierEncoding(scale=0.0),
            "scale: got 0.0, wanted a number above 0, or 3 of them",
        ),
        (lambda: FourierEncoding(scale=[1.0, 2.0]), r"scale: got shape \(2,\), wanted"),
        (lambda: HashEncoding(4), "n_inputs: got 4, wanted a whole number from 1 to 3"),
        (lambda: HashEncoding(coarsest=8, finest=4), "finest: got 4, wanted a whole number of at least 8"),
        (lambda: HashEncoding(table_size=2.5), "table_size: got 2.5"),
        (lambda: HashEncoding(amplitude=np.nan), "amplitude: got nan"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_bool_is_not_a_number():
    with pytest.raises(TypeError, match=r"PositionalEncoding\.n_inputs: got True"):
        PositionalEncoding(True)
