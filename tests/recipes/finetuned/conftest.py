"""A network that predicts without having been trained."""

import pytest

from simpeg_jointdl import networks


@pytest.fixture(scope="module")
def network():
    """Untrained, it predicts the estimate in closed form that a trained one corrects."""
    return networks.GravMagUNet(widths=(8, 16), n_lifted=8, random_seed=3).eval().requires_grad_(False)
