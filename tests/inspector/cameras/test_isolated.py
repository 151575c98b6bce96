import gc
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from inspector.cameras import wire
from inspector.cameras.isolated import IsolatedDevice
from inspector.cameras.live import LiveCamera
from inspector.cameras.opencv import OpenCVSettings
from inspector.cameras.pixel_formats import rgb_of
from inspector.errors import CameraError, FrameError
from tests.broker import wait_until
from tests.inspector.cameras import odd_helper
from tests.network_cameras import HttpCamera, next_frame

COMMAND = [sys.executable, "-S", odd_helper.__file__]
GRAB_S = 20


def a_device(oddity, *, silence_s=20.0, open_timeout_s=20.0):
    return IsolatedDevice(
        COMMAND,
        {"station": "s1", "settings": oddity},
        station="s1",
        source="cam://it",
        open_timeout_s=open_timeout_s,
        silence_s=silence_s,
    )


def next_shot(device, grab_s=GRAB_S):
    return next(shot for shot in iter(lambda: device.grab(grab_s), "never") if shot)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(wire, "ALIVE_S", 0.05)


def read_until_lost(camera):
    while True:
        camera.read(timeout_s=0.1)


def is_gone(process):
    return process.poll() is not None


def test_a_picture_and_what_is_known_of_it_come_through_memory():
    with closing(a_device("deliver")) as device:
        shot = next_shot(device)

        pixels = rgb_of(shot.data, shot.grid)
        assert pixels.shape == (odd_helper.HEIGHT, odd_helper.WIDTH, 3)
        assert set(pixels.ravel()) == {shot.device_frame}
        assert (shot.exposed, shot.part_id) == (True, f"p{shot.device_frame}")
        assert shot.device_time_s == shot.device_frame / 10
        assert 0 <= time.monotonic() - shot.monotonic_s < GRAB_S
        assert device.free_running


def test_pictures_go_on_through_the_same_slots_and_none_changes_while_it_is_read():
    with closing(a_device("deliver")) as device:
        for _ in range(5 * wire.SLOTS):
            shot = next_shot(device)
            assert set(shot.data) == {shot.device_frame & 0xFF}
            shot.release()


def test_a_station_that_keeps_all_slots_costs_pictures_which_are_counted():
    with closing(a_device("deliver")) as device:
        kept = [next_shot(device) for _ in range(wire.SLOTS)]
        while not device.counts().get("buffers_dropped"):
            assert device.grab(GRAB_S) is None

        assert [set(shot.data) for shot in kept] == [{shot.device_frame} for shot in kept]
        assert device.counts()["packets_lost"] == 2


def test_a_trigger_takes_a_picture():
    with closing(a_device("when_fired")) as device:
        assert not device.free_running
        assert not any(device.grab(0.05) for _ in range(3))

        device.fire()

        assert next_shot(device).device_frame == 0


def test_a_picture_that_is_no_good_is_told_with_its_reason():
    with closing(a_device("spoil")) as device, pytest.raises(FrameError, match="half of it") as caught:
        next_shot(device)
    assert caught.value.reason == "incomplete_frame"


def test_a_helper_that_crashes_is_a_lost_camera_that_says_how():
    with closing(a_device("crash")) as device:
        with pytest.raises(CameraError, match=r"s1: camera cam://it has lost its helper process, .* by signal 11"):
            next_shot(device)
        with pytest.raises(CameraError):
            device.fire()


def test_a_driver_that_hangs_is_a_lost_camera_and_closing_kills_it(impatient):
    device = a_device("hang", silence_s=0.1)
    with pytest.raises(CameraError, match="hangs: its driver has not come round"):
        next_shot(device, 0.01)

    device.close()

    assert is_gone(device._process)


def test_a_driver_that_hangs_on_opening_is_given_up_and_killed(impatient):
    before = set(psutil.Process().children())

    with pytest.raises(CameraError, match=r"is not open after 0\.5 s"):
        a_device("hang_on_opening", open_timeout_s=0.5)

    assert set(psutil.Process().children()) <= before


def test_a_camera_that_does_not_open_says_what_the_helper_says():
    with pytest.raises(CameraError, match="there is no such camera"):
        a_device("lose")


def test_a_program_that_is_not_there_is_a_lost_camera():
    with pytest.raises(CameraError, match="s1: camera cam://it cannot start its helper process"):
        IsolatedDevice(["/nowhere"], {}, station="s1", source="cam://it", open_timeout_s=1, silence_s=1)


def test_nothing_is_left_of_many_sessions():
    def open_and_close():
        with closing(a_device("deliver")) as device:
            next_shot(device).release()

    open_and_close()
    process = psutil.Process()
    before = process.num_fds(), process.children()

    for _ in range(5):
        open_and_close()

    assert (process.num_fds(), process.children()) == before


def test_no_helper_outlives_a_station_that_is_killed(tmp_path):
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from tests.inspector.cameras.test_isolated import a_device
device = a_device("hang")
print(device._process.pid, flush=True)
time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as station:
        helper = psutil.Process(int(station.stdout.readline()))
        station.kill()

    wait_until(lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE, "the helper's end")


def test_a_loss_leaves_no_memory_to_the_garbage_collector():
    before = psutil.Process().num_fds()
    gc.disable()
    try:
        for _ in range(3):
            camera = LiveCamera("s1", "cam://it", lambda: a_device("deliver"), read_timeout_s=20, max_age_s=20)
            with closing(camera):
                camera.start(20)
                next_frame(camera)
                camera._device._process.kill()
                with pytest.raises(CameraError):
                    read_until_lost(camera)
        assert psutil.Process().num_fds() == before
    finally:
        gc.enable()


class TestOpenCV:
    """The program that all kinds of this package share, with a real stream."""

    @pytest.fixture
    def server(self):
        with HttpCamera() as server:
            yield server

    @pytest.fixture
    def settings(self, server):
        return OpenCVSettings(source=server.url, isolate=True, open_timeout_s=20)

    def test_frames_come_and_a_killed_helper_is_a_loss_from_which_it_returns(self, settings):
        with closing(settings.open("s1")) as camera:
            assert next_frame(camera).pixels.shape == (48, 64, 3)
            os.kill(camera._device._process.pid, signal.SIGKILL)

            with pytest.raises(CameraError, match="by signal 9"):
                read_until_lost(camera)

        with closing(settings.open("s1")) as camera:
            assert next_frame(camera).sequence == 0

    def test_a_camera_that_is_not_there_is_named_by_the_station(self):
        with pytest.raises(CameraError, match=r"station s1: camera http://.*/nobody cannot be opened"):
            OpenCVSettings(source="http://127.0.0.1:9/nobody", isolate=True).open("s1")
