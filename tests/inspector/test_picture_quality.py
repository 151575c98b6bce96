import cv2
import numpy as np
import pytest

from inspector.picture_quality import brightness, sharpness
from tests.parts import good_parts, scratched_parts


def grey(level, size=(20, 30)):
    return np.full((*size, 3), level, np.uint8)


@pytest.mark.parametrize("level", [0, 7, 128, 255])
def test_a_picture_of_one_grey_is_as_bright_as_it_is_and_has_no_edge(level):
    assert brightness(grey(level)) == pytest.approx(level)
    assert sharpness(grey(level)) == 0


def test_brightness_weighs_colours_as_the_eye_does():
    red, green, blue = (brightness(np.full((4, 4, 3), np.eye(3)[c] * 255, np.uint8)) for c in range(3))

    assert (red, green, blue) == pytest.approx((0.299 * 255, 0.587 * 255, 0.114 * 255), abs=0.5)


def test_sharpness_is_the_variance_of_the_laplacian():
    picture = scratched_parts(1)[0]
    plain = np.pad(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(int), 1, mode="reflect")
    laplacian = plain[:-2, 1:-1] + plain[2:, 1:-1] + plain[1:-1, :-2] + plain[1:-1, 2:] - 4 * plain[1:-1, 1:-1]

    assert sharpness(picture) == pytest.approx(laplacian.var())


def test_a_blurred_picture_is_less_sharp_and_as_bright():
    sharp = good_parts(1)[0]
    blurred = cv2.GaussianBlur(sharp, (5, 5), 2)

    assert sharpness(blurred) < 0.1 * sharpness(sharp)
    assert brightness(blurred) == pytest.approx(brightness(sharp), abs=1.5)
