import numpy as np
import pytest

from training.synthetic import JITTER, LARGEST, SMALLEST, cut_paste

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def pictures():
    """Each of one grey of its own, 12 of them."""
    greys = np.arange(100, 220, 10, dtype=np.uint8)
    return np.broadcast_to(greys[:, None, None, None], (len(greys), HEIGHT, WIDTH, 3)).copy()


def test_a_defect_is_one_rectangle_of_another_picture_a_little_brighter_or_darker(pictures):
    made, rows = cut_paste(pictures, len(pictures), seed=0)

    for picture, own in zip(made, pictures[rows], strict=True):
        changed = (picture != own).any(axis=2)
        places = np.argwhere(changed)
        (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0) + 1
        assert changed[top:bottom, left:right].all()
        # Sides are whole pixels, so that the share may be off by a row and a column.
        assert SMALLEST - 0.02 < changed.mean() < LARGEST + 0.02
        (grey,) = np.unique(picture[changed])
        assert np.abs(int(grey) - np.unique(pictures).astype(int)).min() <= 255 * JITTER


def test_each_is_made_on_a_picture_of_its_own_and_the_pictures_stay_as_they_are(pictures):
    before = pictures.copy()

    made, rows = cut_paste(pictures, 8, seed=0)

    assert made.shape == (8, HEIGHT, WIDTH, 3)
    assert made.dtype == np.uint8
    assert len(set(rows.tolist())) == 8
    assert all((picture == pictures[row]).mean() > 0.5 for picture, row in zip(made, rows, strict=True))
    np.testing.assert_array_equal(pictures, before)


def test_the_seed_fixes_them(pictures):
    first, again, other = (cut_paste(pictures, 5, seed) for seed in (3, 3, 4))

    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(("asked", "given"), [(0, 0), (1, 1), (12, 12), (40, 12)])
def test_there_are_no_more_than_pictures_to_make_them_on(pictures, asked, given):
    made, rows = cut_paste(pictures, asked, seed=0)

    assert (len(made), len(rows)) == (given, given)


@pytest.mark.parametrize("size", [(2, 2), (3, 200), (200, 3)])
def test_narrow_pictures_are_pasted_on_too(size):
    pictures = np.random.default_rng(0).integers(0, 256, (20, *size, 3), dtype=np.uint8)

    made, rows = cut_paste(pictures, 20, seed=0)

    assert (made != pictures[rows]).any(axis=(1, 2, 3)).mean() > 0.9
