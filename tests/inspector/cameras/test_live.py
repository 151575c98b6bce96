import queue
import threading
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
from prometheus_client import REGISTRY

from inspector.cameras.device import shot_of
from inspector.cameras.live import Backlog, LiveCamera
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason
from tests.network_cameras import next_frame

DEADLINE_S = 20


class FakeDevice:
    """Delivers what the test gives; ``is_waiting`` once everything given has been kept by the reader."""

    def __init__(self):
        self.free_running = True
        self.given = queue.Queue()
        self.is_waiting = threading.Event()
        self.is_closed = threading.Event()
        self.troubles = {}
        self.fired_s = []

    def grab(self, timeout_s):
        if self.given.empty():
            self.is_waiting.set()
        given = self.given.get()
        if isinstance(given, Exception):
            raise given
        return shot_of(given) if isinstance(given, np.ndarray) else given

    def fire(self):
        self.fired_s.append(time.monotonic())

    def counts(self):
        return dict(self.troubles)

    def close(self):
        self.is_closed.set()

    def give(self, *given):
        self.is_waiting.clear()
        for each in given:
            self.given.put(each)

    def give_and_wait(self, *given):
        assert self.is_waiting.wait(DEADLINE_S)
        self.give(*given)
        assert self.is_waiting.wait(DEADLINE_S)


def picture(value):
    return np.full((4, 6, 3), value, np.uint8)


def dropped(station, reason):
    return REGISTRY.get_sample_value("inspector_frames_dropped_total", {"station": station, "reason": reason})


@pytest.fixture
def station(request):
    return request.node.name


@pytest.fixture
def device():
    return FakeDevice()


@pytest.fixture
def start(station, device):
    cameras = []

    def start(connect=lambda: device, open_timeout_s=DEADLINE_S, read_timeout_s=DEADLINE_S, max_age_s=DEADLINE_S):
        camera = LiveCamera(station, "cam://it", connect, read_timeout_s=read_timeout_s, max_age_s=max_age_s)
        cameras.append(camera)
        camera.start(open_timeout_s)
        return camera

    yield start
    device.give(CameraError("the test is over"))
    for camera in cameras:
        camera.close()


def test_the_newest_frame_is_handed_out_and_the_others_are_counted(start, device, station):
    camera = start()
    device.give_and_wait(picture(1), picture(2), picture(3))

    frame = camera.read(timeout_s=0)

    assert frame.pixels.max() == 3
    assert frame.sequence == 0
    assert dropped(station, "superseded") == 2
    assert camera.read(timeout_s=0) is None


def test_a_frame_that_waited_too_long_is_dropped_and_counted(start, device, station):
    camera = start(max_age_s=1e-9)
    device.give_and_wait(picture(1))

    assert camera.read(timeout_s=0) is None
    assert dropped(station, "stale") == 1


def test_grey_becomes_three_channels_and_blue_becomes_red(start, device):
    camera = start()

    device.give(np.full((4, 6), 9, np.uint8))
    assert next_frame(camera).pixels.tolist() == np.full((4, 6, 3), 9).tolist()
    device.give(np.full((4, 6, 1), 9, np.uint8))
    assert next_frame(camera).pixels.shape == (4, 6, 3)
    device.give(np.full((4, 6, 3), (1, 2, 3), np.uint8))
    assert next_frame(camera).pixels[0, 0].tolist() == [3, 2, 1]


def test_a_read_that_waits_is_woken_by_the_frame(start, device):
    camera = start()
    giver = threading.Timer(0.05, device.give, [picture(1)])
    giver.start()

    assert camera.read(timeout_s=DEADLINE_S) is not None
    giver.join()


@pytest.mark.parametrize(
    ("given", "message"),
    [(CameraError("unplugged"), "unplugged"), (cv2.error("bad"), "cam://it failed in OpenCV")],
    ids=["driver", "opencv"],
)
def test_a_driver_that_fails_is_a_lost_camera(start, device, given, message):
    camera = start()
    device.give(given)

    for lost in (lambda: camera.read(timeout_s=DEADLINE_S), camera.check):
        with pytest.raises(CameraError, match=message):
            lost()
    assert device.is_closed.wait(DEADLINE_S)


def test_the_last_good_frame_comes_before_the_failure(start, device):
    camera = start()
    assert device.is_waiting.wait(DEADLINE_S)
    device.give(picture(1), CameraError("unplugged"))
    assert device.is_closed.wait(DEADLINE_S)

    assert camera.read(timeout_s=0) is not None
    with pytest.raises(CameraError):
        camera.read(timeout_s=0)


def test_silence_is_a_lost_camera(start):
    camera = start(read_timeout_s=0.05)

    for _ in range(2):
        with pytest.raises(CameraError, match=r"no fresh frame for 0\.05 s"):
            camera.read(timeout_s=DEADLINE_S)
    with pytest.raises(CameraError, match=r"no fresh frame"):
        camera.check()


def test_frames_that_are_always_too_old_are_silence(start, device):
    camera = start(read_timeout_s=0.05, max_age_s=0.5)
    stop = threading.Event()

    def lag():
        while not stop.is_set():
            device.give_and_wait(shot_of(picture(1), monotonic_s=time.monotonic() - 1))

    giver = threading.Thread(target=lag)
    giver.start()
    with pytest.raises(CameraError, match="no fresh frame"):
        camera.read(timeout_s=DEADLINE_S)
    stop.set()
    giver.join()


def test_a_camera_that_waits_for_triggers_is_not_lost_by_silence(start, device):
    device.free_running = False
    camera = start(read_timeout_s=0.05)
    for _ in range(3):
        device.give_and_wait(None)
        assert camera.check()


def test_a_camera_delivers_once_it_has_given_a_frame(start, device):
    camera = start()
    assert not camera.check()

    device.give_and_wait(picture(1))

    assert camera.check()


def test_only_a_camera_that_waits_for_triggers_is_fired_and_not_before_its_time(start, device):
    camera = start()
    camera.fire(time.monotonic())
    device.free_running = False
    due_s = time.monotonic() + 0.05
    camera.fire(due_s)

    (fired_s,) = device.fired_s
    assert fired_s >= due_s


def test_a_picture_that_is_no_good_is_told_and_the_next_one_comes(start, device):
    camera = start()
    device.give_and_wait(FrameError("half of it is missing", reason=Reason.INCOMPLETE_FRAME))

    with pytest.raises(FrameError, match="half of it"):
        camera.read(timeout_s=0)

    device.give(picture(2))
    assert next_frame(camera).sequence == 0


def test_what_the_camera_tells_of_a_frame_goes_along(start, device):
    camera = start()
    taken_s = time.monotonic()
    device.give(shot_of(picture(1), monotonic_s=taken_s, exposed=True, device_frame=7, device_time_s=3.5, part_id="p"))

    frame = next_frame(camera)

    assert (frame.monotonic_s, frame.exposed, frame.device_frame) == (taken_s, True, 7)
    assert (frame.device_time_s, frame.part_id) == (3.5, "p")


def test_every_shot_is_released_once_whatever_becomes_of_it(start, device):
    released = queue.Queue()
    shots = [shot_of(picture(level), release=lambda level=level: released.put(level)) for level in range(3)]
    camera = start()
    device.give_and_wait(*shots)

    camera.read(timeout_s=0)

    assert [released.get(timeout=DEADLINE_S) for _ in shots] == [0, 1, 2]
    assert released.empty()


def test_the_trouble_that_a_driver_counts_becomes_a_metric(start, device, station):
    def metric(trouble):
        return REGISTRY.get_sample_value("inspector_camera_troubles_total", {"station": station, "trouble": trouble})

    start()
    assert metric("packets_resent") == metric("buffers_incomplete") == 0
    for troubles in ({"packets_resent": 3}, {"packets_resent": 5, "buffers_incomplete": 1}):
        device.troubles = troubles
        device.give_and_wait(None)

    assert (metric("packets_resent"), metric("buffers_incomplete"), metric("packets_lost")) == (5, 1, 0)


def test_frames_that_never_arrived_are_counted_by_the_cameras_numbers(start, device, station):
    start()
    device.give_and_wait(*(shot_of(picture(number), device_frame=number) for number in (1, 2, 5, 6, 1, 2)))

    assert dropped(station, "never_arrived") == 2


def test_they_are_counted_where_the_numbers_of_16_bits_begin_again_too(start, device, station):
    start()
    device.give_and_wait(*(shot_of(picture(number % 256), device_frame=number) for number in (65534, 65535, 1, 2)))
    assert dropped(station, "never_arrived") == 0

    device.give_and_wait(*(shot_of(picture(number % 256), device_frame=number) for number in (65533, 3)))
    assert dropped(station, "never_arrived") == 4


def test_a_frame_that_was_no_good_has_arrived(start, device, station):
    start()
    no_good = FrameError("torn", reason=Reason.INCOMPLETE_FRAME)
    device.give_and_wait(shot_of(picture(1), device_frame=1), no_good, shot_of(picture(4), device_frame=4))

    assert dropped(station, "never_arrived") == 1


def test_a_bug_in_the_reader_is_not_taken_for_a_lost_camera(start, device):
    camera = start()
    device.give(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        camera.read(timeout_s=DEADLINE_S)


def test_what_cannot_be_opened_says_why(start):
    def connect():
        raise CameraError("unplugged")

    with pytest.raises(CameraError, match="unplugged"):
        start(connect)


def test_opening_that_hangs_is_given_up_and_what_opens_too_late_is_closed(start, device, station):
    opens = threading.Event()

    def connect():
        opens.wait()
        return device

    with pytest.raises(CameraError, match=r"did not open within 0\.01 s") as caught:
        start(connect, open_timeout_s=0.01)
    assert station in str(caught.value)

    opens.set()
    assert device.is_closed.wait(DEADLINE_S)


def test_closing_lets_the_source_go_before_it_returns(start, device):
    camera = start()
    assert device.is_waiting.wait(DEADLINE_S)
    threading.Timer(0.05, device.give, [picture(1)]).start()

    camera.close()

    assert device.is_closed.is_set()


def test_closing_gives_the_memory_of_a_picture_back_that_nobody_took(start, device):
    camera, released = start(), threading.Event()
    device.give_and_wait(replace(shot_of(picture(1)), release=released.set))

    camera.close()

    assert released.is_set()


def test_closing_does_not_wait_for_a_call_that_hangs(start, device):
    camera = start()
    assert device.is_waiting.wait(DEADLINE_S)

    camera.close()
    camera.close()

    assert not device.is_closed.is_set()
    device.give(picture(1))
    assert device.is_closed.wait(DEADLINE_S)


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
