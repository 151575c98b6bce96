"""GigE Vision on loopback, with a simulated camera in a process of its own."""

import time
from contextlib import ExitStack

import numpy as np
import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from inspector.cameras import libaravis
from inspector.cameras.aravis import AravisSettings, connected
from inspector.cameras.libaravis import library
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason
from tests.broker import wait_until
from tests.gige_camera import FIRST, GigECamera, only_user, second_address
from tests.industrial import aravis_settings
from tests.network_cameras import next_frame


@pytest.fixture
def resources():
    with ExitStack() as resources:
        resources.enter_context(only_user())
        yield resources


@pytest.fixture
def gige(resources):
    return resources.enter_context(GigECamera())


@pytest.fixture
def opened(resources):
    def opened(station="s1", **settings):
        camera = aravis_settings(**{"address": FIRST, "isolate": False} | settings).open(station)
        resources.callback(camera.close)
        return camera

    return opened


def refusal(opened, **settings):
    with pytest.raises(CameraError) as caught:
        opened(**settings)
    return str(caught.value)


def lost(camera, within_s=20):
    """The error of a camera that is asked again and again."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        try:
            camera.check()
            camera.read(timeout_s=0.1)
        except FrameError:
            continue  # what was on its way when the camera stopped
        except CameraError as error:
            return str(error)
    raise AssertionError(f"the camera was not lost within {within_s} s")


def count(metric, station, **labels):
    return REGISTRY.get_sample_value(metric, {"station": station, **labels})


@pytest.mark.parametrize("pixel_format", ["Mono8", "Mono16", "BayerRG8", "RGB8"])
def test_pictures_of_the_region_and_format_that_were_asked_for(gige, opened, pixel_format):
    camera = opened(
        features={"PixelFormat": pixel_format, "ExposureTimeAbs": 2000},
        region={"x": 16, "y": 8, "width": 320, "height": 200},
        packet_size=1500,
    )

    frame = next_frame(camera)

    assert frame.pixels.shape == (200, 320, 3)
    assert np.ptp(frame.pixels) > 50


def test_frames_carry_the_cameras_number_and_the_time_by_its_clock(gige, opened):
    camera = opened()

    first, second, third = [next_frame(camera) for _ in range(3)]

    assert first.device_frame < second.device_frame < third.device_frame
    assert first.device_time_s < second.device_time_s < third.device_time_s
    assert second.exposed
    assert third.exposed


def test_a_serial_number_is_looked_for_on_all_networks(gige, opened):
    assert next_frame(opened(address=None, serial=gige.serial)).camera_id == "s1"


def test_an_expected_camera_that_is_not_there_is_told_with_those_that_are(gige, opened):
    message = refusal(opened, address=None, serial="TEST09")

    assert message == f"station s1: camera TEST09 is not there; listed: Aravis Fake (serial TEST01, at {FIRST})"


def test_another_camera_in_its_place_is_not_taken(gige, opened):
    message = refusal(opened, serial="TEST09")

    assert message.startswith(
        f"station s1: camera TEST09 at {FIRST} has been replaced: the one there has serial TEST01"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": {"PixelFormat": "Mono9"}}, "knows no PixelFormat Mono9; did you mean Mono8?"),
        ({"features": {"ExposureTime": 9}}, "has no feature ExposureTime; did you mean ExposureTimeAbs?"),
        ({"features": {"SensorWidth": 9}}, "does not let SensorWidth be set"),
        ({"features": {"ExposureTimeAbs": 1}}, "takes ExposureTimeAbs from 10 to 10000000, not 1"),
        ({"region": {"width": 9000, "height": 8}}, "takes Width from 1 to 2048, not 9000"),
        ({"trigger": {"source": "Line7"}}, "knows no TriggerSource Line7; did you mean Line0?"),
    ],
)
def test_a_setting_that_the_camera_does_not_take_is_told(gige, opened, settings, message):
    assert message in refusal(opened, **settings)


def test_each_software_trigger_gives_one_picture(gige, opened):
    camera = opened(trigger={"source": "Software"})
    assert camera.read(timeout_s=0.1) is None

    for _ in range(3):
        fired_s = time.monotonic()
        camera.fire(fired_s)
        assert next_frame(camera).monotonic_s >= fired_s

    assert camera.read(timeout_s=0.2) is None


def test_a_trigger_that_was_left_on_in_the_camera_does_not_keep_it_from_running_free(gige, opened):
    opened(trigger={"source": "Line0"}).close()

    assert next_frame(opened())


def test_lost_packets_make_pictures_incomplete_and_are_counted(resources, opened):
    resources.enter_context(GigECamera(lost_per_thousand=2))
    camera, errors, frames = opened("lossy"), [], []

    while not (errors and frames):
        try:
            frames += filter(None, [camera.read(timeout_s=0.1)])
        except FrameError as error:
            errors.append(error)

    assert errors[0].reason == Reason.INCOMPLETE_FRAME
    assert "packets are missing" in str(errors[0])
    for trouble in ("packets_lost", "buffers_incomplete"):
        wait_until(lambda what=trouble: count("inspector_camera_troubles_total", "lossy", trouble=what), trouble)


@pytest.mark.parametrize("isolate", [False, True])
def test_a_camera_that_freezes_is_lost_and_comes_back(gige, opened, isolate):
    camera = opened(read_timeout_s=0.5, isolate=isolate)
    next_frame(camera)

    gige.freeze()
    assert "has given no fresh frame for 0.5 s" in lost(camera)
    gige.thaw()
    camera.close()

    assert next_frame(opened(isolate=isolate)).sequence == 0


def test_a_camera_that_was_restarted_is_lost_and_comes_back(gige, opened):
    camera = opened(trigger={"source": "Software"})
    gige.kill()
    gige.start()

    assert "does not obey any more" in lost(camera)
    camera.close()

    assert next_frame(opened()).sequence == 0


def test_a_camera_that_waits_for_triggers_is_missed_too(gige, opened):
    camera = opened(trigger={"source": "Software"}, read_timeout_s=1)
    assert camera.read(timeout_s=0.1) is None
    gige.kill()

    assert "s1: camera 127.0.0.1 has given no" in lost(camera)


@pytest.mark.parametrize(
    ("function", "message"),
    [("device_read_memory", "does not answer: timeout"), ("device_execute_command", "cannot be triggered: timeout")],
)
def test_a_camera_that_fails_to_answer_is_lost(gige, opened, monkeypatch, function, message):
    camera, call = opened(trigger={"source": "Software"}), library().call

    def fails(name, *arguments):
        if name == function:
            raise CameraError("timeout")
        return call(name, *arguments)

    monkeypatch.setattr(library(), "call", fails)
    if function == "device_execute_command":
        camera.fire(time.monotonic())

    assert message in lost(camera)


def test_what_becomes_of_one_camera_is_nothing_to_another(gige, resources, opened):
    other = resources.enter_context(GigECamera(second_address(), "TEST02"))
    cameras = [opened("s1", read_timeout_s=0.5), opened("s2", address=other.address, serial=other.serial)]
    _, before = (next_frame(camera).device_frame for camera in cameras)
    gige.kill()
    lost(cameras[0])

    sent = next_frame(cameras[1]).device_frame - before

    assert sent > 0
    # A busy machine may lose some on loopback at any time; a receiver that waits for the other camera loses most.
    assert count("inspector_frames_dropped_total", "s2", reason="never_arrived") <= sent / 4


def test_what_is_connected_is_listed(gige):
    (camera,) = connected().values()

    assert (camera.vendor, camera.model, camera.serial, camera.address) == ("Aravis", "Fake", "TEST01", FIRST)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "name the camera by its serial or its address"),
        ({"serial": 4711}, "put the serial number in quotes"),
        ({"serial": "1", "features": {"TriggerMode": "On"}}, "TriggerMode: that is set by `trigger`"),
        ({"serial": "1", "region": {"width": 0, "height": 1}}, "greater than 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        AravisSettings(**settings)


def test_without_the_library_the_settings_say_what_to_install(monkeypatch):
    monkeypatch.setattr(libaravis, "NAME", "libaravis-9.9.so.9")
    library.cache_clear()

    with pytest.raises(ValidationError, match=r"apt-get install libaravis-0\.8-0"):
        AravisSettings(serial="1")
