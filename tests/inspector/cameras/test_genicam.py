"""GenTL, with the simulated producer that the package genicam brings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from inspector.cameras.genicam import GenicamSettings, connected
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason
from tests.industrial import genicam_settings, simulated_producer
from tests.network_cameras import next_frame


@pytest.fixture
def device():
    device = genicam_settings().connect("s1")
    yield device
    device.close()


def test_pictures_of_the_region_and_format_that_were_asked_for():
    settings = genicam_settings(features={"PixelFormat": "Mono8"}, region={"width": 300, "height": 200})
    camera = settings.open("s1")

    frame = next_frame(camera)

    assert frame.pixels.shape == (200, 300, 3)
    assert (frame.pixels[..., 0] == frame.pixels[..., 2]).all()
    assert frame.device_frame is not None
    camera.close()


def test_colours_come_through_a_helper_process():
    camera = genicam_settings(isolate=True).open("s1")

    pixels = next_frame(camera).pixels

    assert pixels.shape == (400, 400, 3)
    assert (pixels[..., 0] != pixels[..., 2]).any()
    camera.close()


def test_a_camera_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(CameraError) as caught:
        genicam_settings(serial="9").connect("s1")

    assert str(caught.value).startswith("station s1: camera 9 by viky.cti is not there; listed: Machine Vision Games")
    assert "(serial 2)" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"features": {"PixelFormat": "Mono9"}},
            "knows no PixelFormat Mono9; did you mean Mono8?; it has RGBa8, Mono8",
        ),
        ({"features": {"Widht": 9}}, "has no feature Widht; did you mean Width?"),
        ({"features": {"PayloadSize": 9}}, "does not let PayloadSize be set"),
        ({"region": {"width": 50, "height": 200}}, "takes Width from 100 to 800, not 50"),
        ({"region": {"x": 8, "width": 200, "height": 200}}, "has no feature OffsetX"),
        ({"packet_size": 1500}, "has no feature GevSCPSPacketSize"),
        ({"trigger": {"source": "Line1"}}, "has no feature TriggerMode"),
    ],
)
def test_a_setting_that_the_camera_does_not_take_is_told(settings, message):
    with pytest.raises(CameraError) as caught:
        genicam_settings(**settings).connect("s1")

    assert message in str(caught.value)


def test_a_producer_that_cannot_be_loaded_is_named(tmp_path):
    (tmp_path / "torn.cti").write_text("no library")

    for name in ("torn.cti", "missing.cti"):
        with pytest.raises(CameraError, match=name):
            genicam_settings(cti=tmp_path / name).connect("s1")


def test_a_buffer_that_harvesters_discards_is_an_incomplete_frame(device):
    """The simulated producer loses nothing, so its buffers are called incomplete."""
    acquirer = device._acquirer
    callback = acquirer._callback_dict[acquirer.Events.INCOMPLETE_BUFFER]
    fetch = acquirer.try_fetch

    def fetches_nothing(**_):
        callback.emit(context=acquirer)

    acquirer.try_fetch = fetches_nothing
    with pytest.raises(FrameError, match="parts of it are missing") as caught:
        device.grab(1)
    acquirer.try_fetch = fetch

    assert caught.value.reason == Reason.INCOMPLETE_FRAME
    assert device.counts()["buffers_incomplete"] == 1
    assert device.grab(2)


def test_what_fails_in_the_producer_is_a_lost_camera(device):
    device._acquirer.stop()
    device._acquirer.data_streams[0].close()

    with pytest.raises(CameraError, match=r"s1: camera 0 by viky\.cti has failed"):
        device.grab(1)


def test_what_the_producer_finds_is_listed():
    assert [camera.serial for camera in connected(simulated_producer())] == ["0", "1", "2"]


def test_a_camera_has_to_be_named():
    with pytest.raises(ValidationError, match="name the camera by its serial or its user_id"):
        GenicamSettings(cti=Path("x.cti"))


def test_without_harvesters_the_settings_say_what_to_install(monkeypatch):
    monkeypatch.setattr("inspector.cameras.genicam.find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"pip install 'line-inspector\[genicam\]'"):
        GenicamSettings(cti=Path("x.cti"), serial="1")
