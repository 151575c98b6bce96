import numpy as np
import pytest

from inspector.picture_quality import brightness, sharpness
from training.camera_changes import KNOWN, defocused, dusty, exposed, turned


@pytest.fixture
def picture():
    """A bright stripe on rough grey, 60 x 80."""
    pixels = np.random.default_rng(0).integers(70, 90, (60, 80, 3), dtype=np.uint8)
    pixels[:, 36:44] = 180
    return pixels


def test_exposure_is_so_many_times_the_light_up_to_white(picture):
    assert brightness(exposed(1.2)(picture)) == pytest.approx(1.2 * brightness(picture), abs=0.5)
    assert exposed(2.0)(picture).max() == 255


def test_defocus_takes_edges_and_leaves_the_light(picture):
    blurred = defocused(0.08)(picture)

    assert sharpness(blurred) < 0.2 * sharpness(picture)
    assert brightness(blurred) == pytest.approx(brightness(picture), abs=1)


def test_a_turn_is_about_the_middle_and_can_be_turned_back(picture):
    flat = np.full_like(picture, 90)
    flat[:, 36:44] = 180
    there = turned(5)(flat)

    assert not np.array_equal(there, flat)
    assert np.array_equal(there[29:31, 39:41], flat[29:31, 39:41])
    assert np.abs(turned(-5)(there).astype(int) - flat)[15:45, 20:60].mean() < 3


def test_dust_lies_where_it_lay_and_takes_light(picture):
    dust = dusty(5, 0.03, seed=1)
    lost = picture.astype(int) - dust(picture)

    assert lost.min() >= 0
    assert lost.max() > 30
    assert np.array_equal(lost > 5, picture.astype(int) - dust(picture.copy()) > 5)
    assert not np.array_equal(dust(picture), dusty(5, 0.03, seed=2)(picture))


@pytest.mark.parametrize("change", KNOWN)
def test_every_known_change_keeps_size_and_kind_and_the_picture_it_was_given(change, picture):
    before = picture.copy()

    changed = change(picture)

    assert changed.shape == picture.shape
    assert changed.dtype == np.uint8
    assert not np.array_equal(changed, picture)
    assert np.array_equal(picture, before)
