"""A network that predicts without having been trained."""

import pytest

from simpeg_jointdl import networks


@pytest.fixture(scope="module")
def network():
    """Untrained, it predicts the estimate in closed form that a trained one corrects."""
    return networks.GravMagUNet(widths=(4, 8), n_lifted=4, random_seed=3).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def wider_network():
    """The same with more weights, to learn with."""
    return networks.GravMagUNet(widths=(8, 16), n_lifted=8, random_seed=3).eval().requires_grad_(False)
