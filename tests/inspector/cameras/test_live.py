import queue
import threading

import cv2
import numpy as np
import pytest
from prometheus_client import REGISTRY

from inspector.cameras.live import Backlog, LiveCamera
from inspector.errors import CameraError
from tests.network_cameras import next_frame

DEADLINE_S = 20


class FakeCapture:
    """Delivers what the test gives; ``is_waiting`` once everything given has been kept by the reader."""

    def __init__(self):
        self.given = queue.Queue()
        self.is_waiting = threading.Event()
        self.is_released = threading.Event()

    def grab(self):
        if self.given.empty():
            self.is_waiting.set()
        self.pixels = self.given.get()
        return self.pixels is not False

    def retrieve(self):
        if isinstance(self.pixels, Exception):
            raise self.pixels
        return self.pixels is not None, self.pixels

    def release(self):
        self.is_released.set()

    def give(self, *pictures):
        self.is_waiting.clear()
        for picture in pictures:
            self.given.put(picture)

    def give_and_wait(self, *pictures):
        assert self.is_waiting.wait(DEADLINE_S)
        self.give(*pictures)
        assert self.is_waiting.wait(DEADLINE_S)


def picture(value):
    return np.full((4, 6, 3), value, np.uint8)


def dropped(station, reason):
    return REGISTRY.get_sample_value("inspector_frames_dropped_total", {"station": station, "reason": reason})


@pytest.fixture
def station(request):
    return request.node.name


@pytest.fixture
def capture():
    capture = FakeCapture()
    yield capture
    capture.give(False)


@pytest.fixture
def start(station, capture):
    cameras = []

    def start(connect=lambda: capture, open_timeout_s=DEADLINE_S, read_timeout_s=DEADLINE_S, max_age_s=DEADLINE_S):
        camera = LiveCamera(station, "cam://it", connect, read_timeout_s=read_timeout_s, max_age_s=max_age_s)
        cameras.append(camera)
        camera.start(open_timeout_s)
        return camera

    yield start
    capture.give(False)
    for camera in cameras:
        camera.close()


def test_the_newest_frame_is_handed_out_and_the_others_are_counted(start, capture, station):
    camera = start()
    capture.give_and_wait(picture(1), picture(2), picture(3))

    frame = camera.read(timeout_s=0)

    assert frame.pixels.max() == 3
    assert frame.sequence == 0
    assert dropped(station, "superseded") == 2
    assert camera.read(timeout_s=0) is None


def test_a_frame_that_waited_too_long_is_dropped_and_counted(start, capture, station):
    camera = start(max_age_s=1e-9)
    capture.give_and_wait(picture(1))

    assert camera.read(timeout_s=0) is None
    assert dropped(station, "stale") == 1


def test_grey_becomes_three_channels_and_blue_becomes_red(start, capture):
    camera = start()

    capture.give(np.full((4, 6), 9, np.uint8))
    assert next_frame(camera).pixels.tolist() == np.full((4, 6, 3), 9).tolist()
    capture.give(np.full((4, 6, 1), 9, np.uint8))
    assert next_frame(camera).pixels.shape == (4, 6, 3)
    capture.give(np.full((4, 6, 3), (1, 2, 3), np.uint8))
    assert next_frame(camera).pixels[0, 0].tolist() == [3, 2, 1]


def test_a_read_that_waits_is_woken_by_the_frame(start, capture):
    camera = start()
    giver = threading.Timer(0.05, capture.give, [picture(1)])
    giver.start()

    assert camera.read(timeout_s=DEADLINE_S) is not None
    giver.join()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (False, "has stopped delivering"),
        (None, "empty frame"),
        (np.empty((0, 0, 3), np.uint8), "empty frame"),
        (cv2.error("bad"), "failed in OpenCV"),
    ],
    ids=["ended", "none", "empty", "opencv"],
)
def test_a_source_that_fails_is_a_lost_camera(start, capture, station, given, message):
    camera = start()
    capture.give(given)

    for _ in range(2):
        with pytest.raises(CameraError, match=message) as caught:
            camera.read(timeout_s=DEADLINE_S)
        assert station in str(caught.value)
        assert "cam://it" in str(caught.value)
    assert capture.is_released.wait(DEADLINE_S)


def test_the_last_good_frame_comes_before_the_failure(start, capture):
    camera = start()
    assert capture.is_waiting.wait(DEADLINE_S)
    capture.give(picture(1), False)
    assert capture.is_released.wait(DEADLINE_S)

    assert camera.read(timeout_s=0) is not None
    with pytest.raises(CameraError):
        camera.read(timeout_s=0)


def test_silence_is_a_lost_camera(start):
    camera = start(read_timeout_s=0.05)

    with pytest.raises(CameraError, match=r"no fresh frame for 0\.05 s"):
        camera.read(timeout_s=DEADLINE_S)


def test_a_bug_in_the_reader_is_not_taken_for_a_lost_camera(start, capture):
    camera = start()
    capture.give(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        camera.read(timeout_s=DEADLINE_S)


def test_what_cannot_be_opened_says_why(start):
    def connect():
        raise CameraError("unplugged")

    with pytest.raises(CameraError, match="unplugged"):
        start(connect)


def test_opening_that_hangs_is_given_up_and_what_opens_too_late_is_released(start, capture, station):
    opens = threading.Event()

    def connect():
        opens.wait()
        return capture

    with pytest.raises(CameraError, match=r"did not open within 0\.01 s") as caught:
        start(connect, open_timeout_s=0.01)
    assert station in str(caught.value)

    opens.set()
    assert capture.is_released.wait(DEADLINE_S)


def test_closing_lets_the_source_go_before_it_returns(start, capture):
    camera = start()
    assert capture.is_waiting.wait(DEADLINE_S)
    threading.Timer(0.05, capture.give, [picture(1)]).start()

    camera.close()

    assert capture.is_released.is_set()


def test_closing_does_not_wait_for_a_call_that_hangs(start, capture):
    camera = start()
    assert capture.is_waiting.wait(DEADLINE_S)

    camera.close()
    camera.close()

    assert not capture.is_released.is_set()
    capture.give(picture(1))
    assert capture.is_released.wait(DEADLINE_S)


class TestBacklog:
    """Frames each second; what counts as held back is more than half a second late."""

    def held(self, *frames):
        backlog = Backlog(max_age_s=0.5)
        return [backlog.holds(stamped_s, arrived_s) for stamped_s, arrived_s in frames]

    def test_frames_in_time_pass(self):
        assert self.held((0, 100), (1, 101), (2, 102.4), (3, 103)) == [False] * 4

    def test_after_a_stall_everything_old_is_held_until_one_is_in_time(self):
        assert self.held((0, 100), (1, 105), (2, 105.1), (4, 105.2), (5, 105.3)) == [False, True, True, True, False]

    def test_a_pause_of_the_source_itself_is_no_stall(self):
        assert self.held((0, 100), (5, 105), (6, 106)) == [False] * 3

    def test_a_clock_that_is_somewhat_slow_does_not_add_up(self):
        assert not any(self.held(*((0.8 * second, second) for second in range(50))))

    @pytest.mark.parametrize("stamped_s", [0, -3])
    def test_a_clock_that_stands_or_was_set_back_tells_nothing(self, stamped_s):
        assert self.held((0, 100), (stamped_s, 109), (stamped_s + 1, 110)) == [False] * 3
