import numpy as np
import pytest

from inspector.heatmap import COLOURS, OPACITY, enlarge, overlay


def one_hot(rows=6, columns=8, at=(2, 5), heat=10.0):
    grid = np.zeros((rows, columns), np.float32)
    grid[at] = heat
    return grid


def grey(height=60, width=80):
    return np.full((height, width, 3), 100, np.uint8)


class TestEnlarge:
    @pytest.mark.parametrize("size", [(60, 80), (224, 224), (3, 4), (1, 1), (7, 200)])
    def test_any_size_is_made_within_the_grids_extremes(self, size):
        grid = np.random.default_rng(0).normal(0, 3, (5, 9)).astype(np.float32)

        heat = enlarge(grid, *size)

        assert heat.shape == size
        assert heat.dtype == np.float32
        assert grid.min() - 1e-5 <= heat.min() <= heat.max() <= grid.max() + 1e-5

    def test_a_hot_place_stays_where_it_is(self):
        heat = enlarge(one_hot(), 60, 80)

        centre = np.argwhere(heat > 0.9 * heat.max()).mean(axis=0)
        np.testing.assert_allclose(centre, [24.5, 54.5], atol=0.6)

    def test_an_even_grid_stays_even(self):
        np.testing.assert_allclose(enlarge(np.full((3, 3), 4.5, np.float32), 50, 20), 4.5, rtol=1e-6)

    def test_is_smoothed_by_four_pixels_of_224_as_in_the_paper(self):
        """The variance of a spot is that of the Gaussian and of the triangle that interpolates between places."""
        heat = enlarge(one_hot(14, 14, (7, 7)), 224, 224)

        profile = heat.sum(axis=0) / heat.sum()
        columns = np.arange(224)
        variance = (profile * (columns - profile @ columns) ** 2).sum()
        assert variance == pytest.approx(4**2 + 16**2 / 6, rel=0.03)
        assert heat.max() > 0.6 * 10, "a defect of a single place stands out"

    @pytest.mark.parametrize("unknown", [np.nan, np.inf])
    def test_a_place_that_is_not_a_number_is_the_hottest(self, unknown):
        heat = enlarge(one_hot(heat=unknown), 61, 83)

        assert np.isfinite(heat).all()
        expected = np.argwhere(enlarge(one_hot(), 61, 83) > 4).mean(axis=0)
        np.testing.assert_allclose(np.argwhere(heat > heat.max() / 2).mean(axis=0), expected, atol=1)

    def test_the_grid_is_left_as_it_was(self):
        grid = one_hot(heat=np.nan)

        enlarge(grid, 60, 80)

        assert np.isnan(grid[2, 5])


class TestOverlay:
    def test_is_clear_where_the_heat_is_normal_or_less(self):
        pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)

        np.testing.assert_array_equal(overlay(pixels, np.full((6, 8), -3, np.float32), 5), pixels)
        np.testing.assert_array_equal(overlay(pixels, np.zeros((6, 8), np.float32), 5), pixels)

    def test_shows_the_hottest_colour_from_the_ceiling_upwards(self):
        at, above = (overlay(grey(), np.full((6, 8), heat, np.float32), 5) for heat in (5, 500))

        np.testing.assert_array_equal(at, above)
        np.testing.assert_allclose(at[0, 0], (1 - OPACITY) * 100 + OPACITY * COLOURS[-1], atol=0.51)

    def test_the_same_heat_is_paler_under_a_higher_ceiling(self):
        near, far = (np.abs(overlay(grey(), one_hot(), ceiling).astype(int) - grey()).sum() for ceiling in (10.0, 50.0))

        assert 0 < far < near / 2

    def test_the_picture_shows_through_and_is_left_as_it_was(self):
        pixels = grey()
        pixels[::2] = 200
        before = pixels.copy()

        painted = overlay(pixels, np.full((6, 8), 9, np.float32), 5)

        assert (painted[::2].astype(int) - painted[1::2]).min() > 20
        np.testing.assert_array_equal(pixels, before)

    def test_colours_are_ordered_by_brightness(self):
        assert (np.diff(COLOURS @ [0.2126, 0.7152, 0.0722]) > -1).all()
        assert COLOURS[200][0] > COLOURS[200][2], "hot is red, not blue: OpenCV's order was turned round"

    @pytest.mark.parametrize("ceiling", [0.0, -1.0, np.nan])
    def test_refuses_a_ceiling_that_is_none(self, ceiling):
        with pytest.raises(ValueError, match="ceiling"):
            overlay(grey(), one_hot(), ceiling)
