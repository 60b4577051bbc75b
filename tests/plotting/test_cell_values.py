"""Values per cell on the planes of models."""

import numpy as np
import pytest

from simpeg_jointdl.plotting import (
    plot_cell_values,
)
from tests.plotting.figures import assert_readable, bars_of, colored_of, panels_of


def test_cell_values_on_the_same_planes(ground):
    mesh, active, values = ground
    amount = values * mesh.cell_volumes[active]
    names = {"title": "Cross-gradient", "unit": "(g/cc)²/m⁴", "active_cells": active}
    fig = plot_cell_values(mesh, amount, per_volume=True, true_models=[values], **names)
    assert len(panels_of(fig)) == 3
    assert bars_of(fig)[0].get_ylabel() in ("Cross-gradient ((g/cc)²/m⁴)", "(g/cc)²/m⁴")
    assert colored_of(fig.axes[0]).get_clim() == pytest.approx((0, 0.4))
    assert_readable(fig)
    assert colored_of(plot_cell_values(mesh, amount + 1, log=True, **names).axes[0]).norm.vmin > 0
    blank = colored_of(plot_cell_values(mesh, amount, log=True, center=[0, 0, -200], **names).axes[0]).get_array()
    assert np.ma.count_masked(blank) > 0
    with pytest.raises(ValueError, match=r"plot_cell_values.values: got shape"):
        plot_cell_values(mesh, amount[1:], **names)
