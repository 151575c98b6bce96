from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from inspector.errors import DataError
from inspector.heatmap import enlarge
from inspector.inspection import Outcome
from training.evaluate import Scored
from training.localise import PixelFigures, _keys, find_mask, localisation, read_mask


def pictures(seed, n=4, levels=None):
    """Heat maps with masks of several regions, the first of them all normal; of few levels, or continuous."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        size = tuple(rng.integers(12, 24, 2))
        mask = ndimage.binary_dilation(rng.random(size) < 0.02 * number, iterations=1)
        heat = rng.normal(0, 2, size) + 2 * mask
        yield (np.round(heat) if levels else heat).astype(np.float32), mask


def figures_of(pairs):
    figures = PixelFigures()
    for heat, mask in pairs:
        figures.add(heat, mask)
    return figures


def slow_pro(pairs, limit=0.3):
    """Threshold by threshold, region by region."""
    normal = np.concatenate([heat[~mask] for heat, mask in pairs])
    regions = []
    for heat, mask in pairs:
        labels, number = ndimage.label(mask, structure=np.ones((3, 3)))
        regions += [heat[labels == region] for region in range(1, number + 1)]
    curve = [(0.0, 0.0)]
    for threshold in sorted({float(value) for heat, _ in pairs for value in heat.flat}, reverse=True):
        overlap = np.mean([(region >= threshold).mean() for region in regions])
        curve.append((float((normal >= threshold).mean()), float(overlap)))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 < limit and x1 > x0:
            end = min(x1, limit)
            y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0)
            area += (end - x0) * (y0 + y_end) / 2
    return area / limit


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [True, False])
def test_pixel_auroc_is_sklearns(seed, levels):
    pairs = list(pictures(seed, levels=levels))

    truth = np.concatenate([mask.ravel() for _, mask in pairs])
    expected = roc_auc_score(truth, np.concatenate([heat.ravel() for heat, _ in pairs]))

    assert figures_of(pairs).auroc() == pytest.approx(expected, abs=1e-9 if levels else 1e-4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [True, False])
def test_pro_is_that_of_a_slow_loop(seed, levels):
    pairs = list(pictures(seed, levels=levels))

    assert figures_of(pairs).pro() == pytest.approx(slow_pro(pairs), abs=1e-9 if levels else 1e-3)


def test_a_small_region_weighs_as_much_as_a_large_one():
    mask = np.zeros((20, 20), np.bool_)
    mask[2:12, 2:12] = True
    mask[16, 16] = True

    found_large, found_small = np.zeros((2, 20, 20), np.float32)
    found_large[2:12, 2:12] = 1
    found_small[16, 16] = 1

    large, small = (figures_of([(heat, mask)]) for heat in (found_large, found_small))
    assert large.pro() == pytest.approx(small.pro())
    assert large.auroc() > small.auroc() + 0.4


def test_regions_that_touch_at_a_corner_are_one():
    """With the square of two pixels found, half of one region is; of two regions, one of two whole ones."""
    mask = np.zeros((20, 20), np.bool_)
    mask[5:7, 5:7] = mask[7:17, 7:17] = True
    heat = np.zeros((20, 20), np.float32)
    heat[5:7, 5:7] = 1

    found = 4 / 104
    assert figures_of([(heat, mask)]).pro() == pytest.approx(found + (1 - found) * 0.3 / 2)


def test_a_perfect_map_has_ones_and_its_opposite_zeros():
    mask = np.zeros((20, 20), np.bool_)
    mask[4:9, 4:9] = True
    heat = mask.astype(np.float32)

    assert (figures_of([(heat, mask)]).auroc(), figures_of([(heat, mask)]).pro()) == (1.0, 1.0)
    assert (figures_of([(-heat, mask)]).auroc(), figures_of([(-heat, mask)]).pro()) == (0.0, 0.0)


def test_without_a_defect_or_without_normal_pixels_there_is_no_figure():
    for mask in (np.zeros((5, 5), np.bool_), np.ones((5, 5), np.bool_)):
        figures = figures_of([(np.ones((5, 5), np.float32), mask)])
        assert (figures.auroc(), figures.pro()) == (None, None)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=20))
def test_keys_are_in_the_order_of_the_heat(values):
    heat = np.sort(np.array(values, np.float32))

    assert (np.diff(_keys(heat)) >= 0).all()
    assert np.unique(_keys(np.array([0.0, -0.0], np.float32))).size == 1


@given(st.floats(1e-30, 1e30), st.sampled_from([-1, 1]))
def test_keys_tell_heats_apart_that_differ_by_a_thousandth(heat, sign):
    low, high = _keys(np.array([heat, heat * 1.001], np.float32) * sign)

    assert low != high


class TestMasks:
    SIZE = (30, 40)

    @pytest.fixture
    def picture(self, tmp_path):
        path = tmp_path / "crack" / "part [7].1.jpg"
        path.parent.mkdir()
        return path

    def draw(self, picture, suffix=".png", size=SIZE, bright=255):
        mask = np.zeros(size, np.uint8)
        mask[5:15, 10:30] = bright
        file = picture.parents[1] / "_masks" / picture.parent.name / f"{picture.stem}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), mask)
        return file

    def test_is_found_by_the_pictures_name_whatever_its_ending(self, picture, tmp_path):
        self.draw(picture.with_name("part [7].jpg"))
        self.draw(picture.with_name("part [7].1.2.jpg"))
        assert find_mask(picture, tmp_path) is None

        file = self.draw(picture, ".bmp")
        file.with_suffix(".txt").write_text("drawn on Monday")
        assert find_mask(picture, tmp_path) == file

    def test_is_found_in_folders_below_its_class(self, tmp_path):
        picture = tmp_path / "crack" / "monday" / "1.png"
        file = tmp_path / "_masks" / "crack" / "monday" / "1.PNG"
        file.parent.mkdir(parents=True)
        file.touch()

        assert find_mask(picture, tmp_path) == file

    @pytest.mark.parametrize(("suffix", "bright"), [(".png", 255), (".png", 1), (".jpg", 255), (".bmp", 176)])
    def test_marks_what_is_bright_in_it(self, picture, tmp_path, suffix, bright):
        self.draw(picture, suffix, bright=bright)

        mask = read_mask(picture, tmp_path, self.SIZE)

        assert mask.shape == self.SIZE
        assert mask[5:15, 10:30].all()
        assert mask.sum() == 200

    def test_one_that_marks_nothing_is_none(self, picture, tmp_path):
        self.draw(picture, bright=0)

        assert read_mask(picture, tmp_path, self.SIZE) is None

    def test_of_another_size_is_refused_with_both_names(self, picture, tmp_path):
        file = self.draw(picture, size=(40, 30))

        with pytest.raises(DataError, match="this mask has 30 x 40 pixels") as caught:
            read_mask(picture, tmp_path, self.SIZE)

        assert str(file) in str(caught.value)
        assert f"{picture} 40 x 30" in str(caught.value)

    def test_that_is_no_picture_is_refused(self, picture, tmp_path):
        file = self.draw(picture)
        file.write_bytes(file.read_bytes()[:40])

        with pytest.raises(DataError, match=r"truncated\. Remove this mask") as caught:
            read_mask(picture, tmp_path, self.SIZE)

        assert str(file) in str(caught.value)

    def test_two_of_one_picture_are_refused(self, picture, tmp_path):
        files = [self.draw(picture, ".bmp"), self.draw(picture, ".png")]

        with pytest.raises(DataError, match="several masks") as caught:
            find_mask(picture, tmp_path)

        assert all(str(file) in str(caught.value) for file in files)


class TestLocalisation:
    """Two normals, an anomaly with a mask, one with an empty mask and one without any."""

    SIZE = (30, 40)

    def scored(self, root: Path, name, label="crack", hot=(1, 2)):
        heat = np.random.default_rng(len(name)).normal(0, 1, (3, 4)).astype(np.float32)
        heat[hot] += 9
        return Scored(root / label / f"{name}.png", label, 1.0, Outcome.FAIL, None, heat, self.SIZE)

    def draw(self, root: Path, name, bright):
        mask = np.zeros(self.SIZE, np.uint8)
        mask[10:20, 20:30] = bright
        (root / "_masks" / "crack").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / "_masks" / "crack" / f"{name}.png"), mask)
        return mask > 0

    def test_counts_normals_and_what_is_marked(self, tmp_path):
        normals = [self.scored(tmp_path, name, "normal", hot=(0, 0)) for name in ("a", "bb")]
        marked, empty, missing = (self.scored(tmp_path, name) for name in ("marked", "empty", "none"))
        mask = self.draw(tmp_path, "marked", 255)
        self.draw(tmp_path, "empty", 0)

        figures = localisation([*normals, empty, marked, missing], "normal", tmp_path)

        maps = [enlarge(each.heat, *self.SIZE) for each in (*normals, marked)]
        truth = np.stack([np.zeros_like(mask), np.zeros_like(mask), mask])
        assert figures["pictures"] == 1
        assert figures["auroc"] == pytest.approx(roc_auc_score(truth.ravel(), np.ravel(maps)), abs=1e-4)
        assert figures["pro"] == pytest.approx(slow_pro(list(zip(maps, truth, strict=True))), abs=1e-3)

    def test_without_masks_there_are_no_figures(self, tmp_path):
        assert (
            localisation([self.scored(tmp_path, "a", "normal"), self.scored(tmp_path, "b")], "normal", tmp_path) is None
        )

    def test_without_heat_maps_there_are_no_figures(self, tmp_path):
        self.draw(tmp_path, "b", 255)
        unmapped = Scored(tmp_path / "crack" / "b.png", "crack", 1.0, Outcome.FAIL, None, None, self.SIZE)

        assert localisation([unmapped], "normal", tmp_path) is None
