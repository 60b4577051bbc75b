"""Maps of data and residuals."""

import numpy as np
import pytest

from simpeg_jointdl.plotting import (
    plot_data_fit,
)
from tests.plotting.figures import assert_readable, bars_of, colored_of, make_fit, panels_of


def test_chi_is_the_mean_squared_normalised_residual():
    assert make_fit().chi == pytest.approx(1.0)
    assert make_fit(predicted=make_fit().observed).chi == 0


def test_data_fit_rows_columns_units_and_colors():
    spiked = make_fit(n=20, name="TMI")
    predicted = spiked.observed.copy()
    predicted[7] += 40.0
    fig = plot_data_fit([make_fit(), make_fit(n=20, name="TMI", predicted=predicted)])
    panels = panels_of(fig)
    assert len(panels) == 6
    assert panels[2].get_title() == "gz, residual, χ = 1.00"
    assert [bar.get_ylabel() for bar in bars_of(fig)[:2]] == ["gz (mGal)", "(predicted − observed) / σ"]
    assert all(ax.get_aspect() == 1 for ax in panels)
    assert all((ax.get_xlabel(), ax.get_ylabel()) == ("Easting (m)", "Northing (m)") for ax in panels[:3])
    assert panels[3].get_ylabel() == "Northing (km)"
    assert colored_of(panels[0]).get_clim() == colored_of(panels[1]).get_clim()
    assert sum(colored_of(panels[0]).get_clim()) == pytest.approx(0)
    assert colored_of(panels[2]).get_clim() == colored_of(panels[5]).get_clim() == (-3, 3)
    assert [bar._colorbar.extend for bar in bars_of(fig)] == ["neither", "neither", "max", "max"]
    assert_readable(fig)


def test_stations_on_a_grid_fill_the_map():
    fig = plot_data_fit(make_fit())
    tiles = colored_of(fig.axes[0]).get_paths()
    np.testing.assert_allclose(np.ptp(tiles[0].vertices, axis=0), [200, 300])
    assert fig.axes[0].get_xlim() == (-100, 1100)
    assert fig.axes[0].get_ylim() == (-150, 1650)


@pytest.mark.parametrize("direction", [(1.0, 0.0), (1.0, 0.7)])
def test_stations_on_a_line_and_a_single_one(direction):
    locations = np.column_stack([np.outer(np.arange(36) * 50.0, direction), np.zeros(36)])
    assert_readable(plot_data_fit(make_fit(locations=locations)))
    assert_readable(plot_data_fit(make_fit(n=1)))


def test_data_of_one_sign_have_sequential_colors():
    fit = make_fit()
    fig = plot_data_fit(make_fit(observed=fit.observed + 30, predicted=fit.predicted + 30))
    assert colored_of(fig.axes[0]).get_cmap().name == "viridis"
    assert colored_of(fig.axes[0]).get_clim()[0] > 28


@pytest.mark.parametrize("part", ["locations", "predicted", "uncertainty"])
def test_data_of_wrong_length(part):
    with pytest.raises(ValueError, match=rf"DataFit.{part}: got shape"):
        make_fit(**{part: getattr(make_fit(), part)[1:]})


def test_data_refuse_zero_uncertainty_nan_and_nothing():
    with pytest.raises(ValueError, match="Set a floor"):
        make_fit(uncertainty=np.zeros(36))
    with pytest.raises(ValueError, match=r"DataFit.observed: got 36 of 36 entries that are NaN"):
        make_fit(observed=np.full(36, np.nan))
    with pytest.raises(ValueError, match="at least one DataFit"):
        plot_data_fit([])
