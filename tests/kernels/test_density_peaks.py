"""Clusters of a cross-plot: density peaks, the background, and clusters before and after."""

import numpy as np

from simpeg_jointdl.kernels import density_peaks, find_clusters, have_moved, match_clusters


def test_peaks_lie_at_the_end_of_the_rays_of_the_cross_plot():
    rng = np.random.default_rng(0)
    along = rng.uniform(0.0, 1.0, (2, 300))
    cells = np.concatenate([along[0] * [[0.4], [0.02]], along[1] * [[-0.2], [0.05]], np.zeros((2, 500))], axis=1)
    peaks = density_peaks(cells, np.ones(cells.shape[1]), 3)
    peaks = peaks[np.argsort(peaks[:, 0])]
    np.testing.assert_allclose(peaks, [[-0.2, 0.05], [0.4, 0.02]], rtol=0.15)
    assert len(density_peaks(np.zeros((2, 5)), np.ones(5), 2)) == 0


def test_a_small_body_is_not_lost_among_many_cells():
    """Peaks are sought in a sample of the cells, which the largest body must not fill."""
    large, small = np.repeat([[-0.1], [0.15]], 2500, axis=1), np.repeat([[0.05], [0.05]], 300, axis=1)
    cells = np.concatenate([large, small, np.zeros((2, 50))], axis=1)
    peaks = density_peaks(cells, np.ones(cells.shape[1]), 3)
    np.testing.assert_allclose(peaks, [[-0.1, 0.15], [0.05, 0.05]], rtol=1e-6)


def test_clusters_of_a_background_that_is_not_zero():
    """Directions count from the background, as of velocities."""
    rng = np.random.default_rng(0)
    along = rng.uniform(0.3, 1.0, (2, 200))
    off = np.concatenate([np.zeros((2, 900)), along[0] * [[1.0], [0.0]], along[1] * [[-0.5], [0.4]]], axis=1)
    background = np.array([5.0, 2.0])
    found = find_clusters(off + background[:, None], np.ones(1300), 6)
    np.testing.assert_allclose(found[0], background)
    np.testing.assert_allclose(sorted(found[1:].tolist()), [[4.5, 2.4], [6.0, 2.0]], atol=0.1)
    np.testing.assert_array_equal(match_clusters(found, found[::-1]), [2, 1, 0])
    weights = np.r_[np.ones(1100), np.zeros(200)]  # cells without weight
    assert len(find_clusters(off + background[:, None], weights, 6)) == 2


def test_known_clusters_are_not_found_again():
    rng = np.random.default_rng(0)
    along = rng.uniform(0.3, 1.0, (2, 200))
    off = np.concatenate([np.zeros((2, 900)), along[0] * [[1.0], [0.0]], along[1] * [[-0.5], [0.4]]], axis=1)
    found = find_clusters(off, np.ones(1300), 6)
    again = find_clusters(off, np.ones(1300), 6, fixed=found[1:2])
    np.testing.assert_array_equal(again, found[[0, 2]])
    assert len(find_clusters(off, np.ones(1300), 2, fixed=found[1:2])) == 1


def test_a_model_without_structure_has_no_clusters():
    assert find_clusters(np.full((2, 10), 3.0) + 1e-12, np.ones(10), 4).shape == (0, 2)


def test_matches_are_the_nearest_pairs_and_clusters_without_one_are_marked():
    old = np.array([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]])
    new = np.array([[1.1, 1.0], [0.0, 0.1]])
    np.testing.assert_array_equal(match_clusters(old, new), [1, 0, -1])


def test_clusters_have_moved_by_a_fraction_of_the_range_of_all():
    old = np.array([[0.0, 0.0], [10.0, 1.0]])
    new = old + np.array([[0.5, 0.0], [2.0, 0.0]])
    np.testing.assert_array_equal(have_moved(old, new, 0.1), [False, True])
