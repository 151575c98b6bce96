import cv2
import numpy as np
import pytest

from inspector.bundle import NormalsRecord
from inspector.bundle.normals import Spread
from inspector.checks import CheckSettings, PictureCheck
from inspector.picture_quality import brightness, sharpness


def scenes(count=20):
    """Grey plates with lit, sharp-edged holes, and some noise; mean grey near 80."""
    rng = np.random.default_rng(5)
    pictures = []
    for _ in range(count):
        picture = np.full((64, 96, 3), 60, np.uint8)
        for x, y in rng.integers(8, 56, (6, 2)).tolist():
            cv2.circle(picture, (x + 20, y), 6, (230, 230, 230), -1)
        pictures.append((picture + rng.normal(0, 3, picture.shape)).clip(0, 255).astype(np.uint8))
    return pictures


NORMALS = NormalsRecord(
    pictures=20,
    picture_size=(64, 96),
    score=Spread.of(np.zeros(20, np.float32)),
    brightness=Spread.of(np.array([brightness(each) for each in scenes()], np.float32)),
    sharpness=Spread.of(np.array([sharpness(each) for each in scenes()], np.float32)),
)
SCENE = scenes(1)[0]


def fault(pixels, normals=NORMALS, **settings):
    return PictureCheck(CheckSettings(**settings), normals).fault(pixels, pixels)


def dimmed(factor):
    return (SCENE * factor).clip(0, 255).astype(np.uint8)


def noise(level, deviation=3.0):
    rng = np.random.default_rng(1)
    return (level + rng.normal(0, deviation, SCENE.shape)).clip(0, 255).astype(np.uint8)


def test_pictures_like_those_of_training_are_judged():
    assert [fault(each) for each in scenes()] == [None] * 20


def test_another_size_is_refused_unless_those_of_training_differed_or_nobody_minds():
    other = SCENE[:-1]

    assert fault(other) == "wrong_size"
    assert fault(other, size=False) is None
    assert fault(other, NORMALS.model_copy(update={"picture_size": None})) is None


@pytest.mark.parametrize("normals", [NORMALS, None], ids=["compared", "alone"])
@pytest.mark.parametrize(
    ("picture", "reason"),
    [(noise(3), "black_frame"), (noise(0, 0), "black_frame"), (noise(254, 1), "overexposed_frame")],
    ids=["cap on", "dead", "blown out"],
)
def test_all_black_and_all_white_are_refused_by_any_bundle(picture, reason, normals):
    assert fault(picture, normals) == reason
    assert fault(picture, normals, exposure=False, least_sharpness=None) is None


@pytest.mark.parametrize(
    ("picture", "reason"),
    [(dimmed(0.1), "black_frame"), (dimmed(0.5), None), (dimmed(1.5), None), (dimmed(3.7), "overexposed_frame")],
)
def test_exposure_far_from_that_of_training_is_refused(picture, reason):
    assert fault(picture) == reason


def test_a_dark_scene_is_judged_where_training_was_as_dark_or_nobody_knows():
    dark = np.full((64, 96, 3), 5, np.uint8)
    dark[20:30, 20:30] = 200

    assert fault(dark, None) is None


@pytest.mark.parametrize(("sigma", "reason"), [(0.5, None), (4.0, "blurred_frame")])
def test_blur_beyond_that_of_training_is_refused(sigma, reason):
    blurred = cv2.GaussianBlur(SCENE, (0, 0), sigma)

    assert fault(blurred) == reason
    assert fault(blurred, None) is None
    assert fault(blurred, least_sharpness=None) is None


def test_what_is_only_darker_is_not_called_blurred():
    assert fault(dimmed(0.35)) is None
    assert fault(cv2.GaussianBlur(dimmed(0.35), (0, 0), 4.0)) == "blurred_frame"
