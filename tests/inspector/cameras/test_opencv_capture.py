import numpy as np
import pytest

from inspector.cameras.opencv_capture import Captured
from inspector.cameras.pixel_formats import rgb_of
from inspector.errors import CameraError
from inspector.pictures import to_rgb


class FakeCapture:
    """Answers what ``cv2.VideoCapture`` does; its frame was taken at 1.5 s by the clock of the source."""

    def __init__(self, *answer):
        self._answer = answer
        self.released = 0

    def read(self):
        return self._answer

    def get(self, prop):
        return 1500.0

    def release(self):
        self.released += 1


def a_device(*answer, stamps=False):
    return Captured(FakeCapture(*answer), "s1", "cam://it", stamps=stamps)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((False, None), "s1: camera cam://it has stopped delivering"),
        ((True, None), "s1: camera cam://it has given an empty frame"),
        ((True, np.empty((0, 0, 3), np.uint8)), "s1: camera cam://it has given an empty frame"),
    ],
)
def test_a_source_that_fails_is_a_lost_camera(answer, message):
    with pytest.raises(CameraError, match=message):
        a_device(*answer).grab(1)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3)])
def test_the_pixels_go_along_as_they_are(shape):
    pixels = np.random.default_rng(0).integers(0, 255, shape, np.uint8)

    shot = a_device(True, pixels).grab(1)

    assert np.array_equal(rgb_of(shot.data, shot.grid), to_rgb(pixels))


def test_the_time_of_the_source_is_told_only_where_it_means_something():
    picture = np.zeros((4, 6, 3), np.uint8)

    assert a_device(True, picture).grab(1).device_time_s is None
    assert a_device(True, picture, stamps=True).grab(1).device_time_s == 1.5
