"""Basler's cameras, as pylon emulates them."""

import time

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from inspector.cameras.basler import BaslerSettings, connected
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason
from tests.industrial import FIRST_BASLER, SECOND_BASLER, basler_settings
from tests.network_cameras import next_frame


@pytest.fixture
def opened(request):
    def opened(**settings):
        camera = basler_settings(**settings).open("s1")
        request.addfinalizer(camera.close)
        return camera

    return opened


def refusal(**settings):
    with pytest.raises(CameraError) as caught:
        basler_settings(**settings).connect("s1")
    return str(caught.value)


@pytest.mark.parametrize("pixel_format", ["Mono8", "Mono12", "BayerRG8", "BayerGR12", "RGB8Packed", "BGR8Packed"])
def test_pictures_of_the_region_and_format_that_were_asked_for(opened, pixel_format):
    camera = opened(features={"PixelFormat": pixel_format}, region={"x": 16, "y": 8, "width": 320, "height": 200})

    frame = next_frame(camera)

    assert frame.pixels.shape == (200, 320, 3)
    assert np.ptp(frame.pixels) > 50


@pytest.mark.parametrize("isolate", [False, True])
def test_own_pictures_come_as_they_are(opened, tmp_path, isolate):
    picture = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)
    cv2.imwrite(str(tmp_path / "part.png"), picture)

    camera = opened(
        features={"TestImageSelector": False, "ImageFilename": str(tmp_path / "part.png"), "ImageFileMode": True},
        region={"width": 64, "height": 48},
        isolate=isolate,
    )

    assert next_frame(camera).pixels.tolist() == np.stack([picture] * 3, axis=-1).tolist()


def test_each_software_trigger_gives_one_picture(opened):
    camera = opened(trigger={"source": "Software"})
    assert camera.read(timeout_s=0.1) is None

    for number in range(3):
        fired_s = time.monotonic()
        camera.fire(fired_s)
        frame = next_frame(camera)
        assert (frame.device_frame, frame.monotonic_s >= fired_s) == (number, True)

    assert camera.read(timeout_s=0.2) is None


def test_a_camera_that_is_open_heeds_its_first_trigger():
    """One of forty did not, and on a busy machine one of nine, as long as opening did not wait for that."""
    settings = basler_settings(trigger={"source": "Software"})
    for _ in range(10):
        device = settings.connect("s1")
        try:
            device.fire()
            shot = device.grab(timeout_s=10.0)
            assert shot is not None
            shot.release()
        finally:
            device.close()


def test_a_trigger_that_was_left_on_in_the_camera_does_not_keep_it_from_running_free():
    device = basler_settings(trigger={"source": "Line1", "activation": "FallingEdge"}).connect("s1")
    nodes = device._camera.GetNodeMap()
    assert nodes.GetNode("TriggerActivation").Value == "FallingEdge"

    basler_settings().configure(device._trigger._nodes)

    assert nodes.GetNode("TriggerMode").Value == "Off"
    device.close()


def test_failed_buffers_are_incomplete_frames_and_are_counted():
    device = basler_settings(features={"ForceFailedBufferCount": 2, "ForceFailedBuffer": True}).connect("s1")

    for _ in range(2):
        with pytest.raises(FrameError, match="incompletely grabbed") as caught:
            device.grab(2)
        assert caught.value.reason == Reason.INCOMPLETE_FRAME

    assert device.counts()["buffers_incomplete"] == 2
    shot = device.grab(2)
    assert shot.device_frame == 2
    shot.release()
    device.close()


@pytest.mark.parametrize("function", ["IsCameraDeviceRemoved", "RetrieveResult"])
def test_a_camera_that_is_unplugged_is_lost(function):
    """Nobody can pull an emulated camera out, so pylon is made to say it."""
    device = basler_settings(trigger={}).connect("s1")
    camera = device._camera
    from pypylon import genicam  # noqa: PLC0415 - an extra

    class Unplugged:
        def __getattr__(self, name):
            return getattr(camera, name) if name != function else self.unplugged

        def unplugged(self, *_):
            if function == "RetrieveResult":
                raise genicam.RuntimeException("gone", "file", 1)
            return True

    device._camera = Unplugged()
    with pytest.raises(CameraError, match=f"station s1: camera {FIRST_BASLER} "):
        device.grab(0.01)
    device._camera = camera
    device.close()


def test_a_camera_that_is_not_there_is_told_with_those_that_are():
    message = refusal(serial="nobody's")

    assert message == (
        "station s1: camera nobody's is not there; listed: "
        f"Basler Emulation (serial {FIRST_BASLER}), Basler Emulation (serial {SECOND_BASLER})"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": {"PixelFormat": "Mono9"}}, "knows no PixelFormat Mono9; did you mean Mono8?"),
        ({"features": {"ExposureTme": 9}}, "has no feature ExposureTme; did you mean ExposureTime?"),
        ({"features": {"SensorWidth": 9}}, "does not let SensorWidth be set"),
        ({"features": {"ExposureTime": 0}}, "takes ExposureTime from "),
        ({"region": {"width": 90_000, "height": 8}}, "takes Width from 1 to 4096, not 90000"),
        ({"trigger": {"source": "Line8"}}, "knows no TriggerSource Line8; did you mean Line"),
    ],
)
def test_a_setting_that_the_camera_does_not_take_is_told(settings, message):
    assert message in refusal(**settings)


def test_what_is_connected_is_listed():
    basler_settings()

    assert [camera.serial for camera in connected()] == [FIRST_BASLER, SECOND_BASLER]


def test_a_camera_has_to_be_named():
    with pytest.raises(ValidationError, match="name the camera by its serial, address or user_id"):
        BaslerSettings()


def test_without_pylon_the_settings_say_what_to_install(monkeypatch):
    monkeypatch.setattr("inspector.cameras.basler.find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"pip install 'line-inspector\[basler\]'"):
        BaslerSettings(serial="1")
