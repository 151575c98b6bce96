"""What every camera promises, whatever it reads from. A new kind needs one example here."""

import itertools
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from pydantic import TypeAdapter

from inspector.cameras import CameraSettings
from inspector.cameras.folder import FolderSettings
from inspector.cameras.opencv import OpenCVSettings
from inspector.cameras.simulator import SimulatorSettings
from inspector.errors import CameraError
from tests.gige_camera import GigECamera, only_user
from tests.industrial import aravis_settings, basler_settings, genicam_settings
from tests.network_cameras import HttpCamera, next_frame

STATION = "packing-2"
UNPLUGGED = Path(__file__).with_name("unplugged.txt")
"""A drill: the simulated camera is lost as long as that is what stands in the file."""

SMALL = {"width": 64, "height": 64}


@dataclass(frozen=True)
class Example:
    """Settings of a camera that has three frames and more, of one that has one at most, and of one that is lost.

    ``serves_one``: whoever has opened the device keeps everybody else out.
    """

    delivers: Callable[[Path, ExitStack], CameraSettings]
    falls_silent: Callable[[Path, ExitStack], CameraSettings]
    is_lost: Callable[[], CameraSettings]
    serves_one: bool = False


def pictures(path):
    for number in range(3):
        cv2.imwrite(str(path / f"{number}.png"), np.full((12, 16), 80, np.uint8))
    return path


def video(path):
    writer = cv2.VideoWriter(str(path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for level in (50, 100, 150):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return str(path / "clip.avi")


def stream(resources):
    return resources.enter_context(HttpCamera()).url


def gige(resources, **settings):
    resources.enter_context(only_user())
    camera = resources.enter_context(GigECamera())
    return aravis_settings(address=camera.address, isolate=False, **settings)


EXAMPLES = {
    "folder": {
        mode: Example(
            delivers=lambda path, _, mode=mode: FolderSettings(path=pictures(path), mode=mode),
            falls_silent=lambda path, _, mode=mode: FolderSettings(path=pictures(path), mode=mode, rate_hz=0.001),
            is_lost=lambda mode=mode: FolderSettings(path="/nowhere/at/all", mode=mode),
        )
        for mode in ("once", "loop", "watch")
    },
    "opencv": {
        "file": Example(
            delivers=lambda path, _: OpenCVSettings(source=video(path)),
            falls_silent=lambda path, _: OpenCVSettings(source=video(path), rate_hz=0.001),
            is_lost=lambda: OpenCVSettings(source="/nowhere/at/all.avi"),
        ),
        "stream": Example(
            delivers=lambda _, resources: OpenCVSettings(source=stream(resources)),
            # What comes is always too old.
            falls_silent=lambda _, resources: OpenCVSettings(source=stream(resources), max_age_ms=1e-9),
            is_lost=lambda: OpenCVSettings(source="http://127.0.0.1:9/nobody"),
        ),
        "isolated": Example(
            delivers=lambda _, resources: OpenCVSettings(source=stream(resources), isolate=True),
            falls_silent=lambda _, resources: OpenCVSettings(source=stream(resources), isolate=True, max_age_ms=1e-9),
            is_lost=lambda: OpenCVSettings(source="http://127.0.0.1:9/nobody", isolate=True),
        ),
    },
    "aravis": {
        "GigE Vision": Example(
            delivers=lambda _, resources: gige(resources),
            falls_silent=lambda _, resources: gige(resources, trigger={"source": "Software"}),
            is_lost=lambda: aravis_settings(serial="nobody's", isolate=False),
            serves_one=True,
        ),
    },
    "genicam": {
        "GenTL": Example(
            delivers=lambda *_: genicam_settings(),
            # What comes is always too old.
            falls_silent=lambda *_: genicam_settings(max_age_ms=1e-9),
            is_lost=lambda: genicam_settings(serial="nobody's"),
            serves_one=True,
        ),
    },
    "basler": {
        "emulation": Example(
            delivers=lambda *_: basler_settings(),
            falls_silent=lambda *_: basler_settings(trigger={"source": "Software"}),
            is_lost=lambda: basler_settings(serial="nobody's"),
        ),
    },
}
EXAMPLES["simulator"] = {
    name: Example(
        delivers=lambda _, __, isolate=isolate: SimulatorSettings(**SMALL, rate_hz=100, isolate=isolate),
        falls_silent=lambda _, __, isolate=isolate: SimulatorSettings(**SMALL, rate_hz=0.001, isolate=isolate),
        is_lost=lambda isolate=isolate: SimulatorSettings(drill=UNPLUGGED, isolate=isolate),
    )
    for name, isolate in (("here", False), ("isolated", True))
}
NAMED = {f"{kind} {name}": example for kind, examples in EXAMPLES.items() for name, example in examples.items()}


def test_every_kind_has_an_example():
    kinds = {settings.model_fields["kind"].default for settings in get_args(get_args(CameraSettings)[0])}

    assert set(EXAMPLES) == kinds


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_kind_is_in_the_list(kind):
    for example in EXAMPLES[kind].values():
        settings = example.is_lost()
        data = settings.model_dump(exclude_unset=True, mode="json") | {"kind": kind}
        assert TypeAdapter(CameraSettings).validate_python(data) == settings


@pytest.fixture
def resources():
    with ExitStack() as resources:
        yield resources


@pytest.fixture(params=NAMED)
def example(request):
    return NAMED[request.param]


@pytest.fixture
def camera(example, tmp_path, resources):
    camera = example.delivers(tmp_path, resources).open(STATION)
    resources.callback(camera.close)
    return camera


@pytest.fixture
def frames(camera):
    return [next_frame(camera) for _ in range(3)]


def test_pixels_are_rgb_bytes(frames):
    for frame in frames:
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.ndim == 3
        assert frame.pixels.shape[2] == 3
        assert frame.pixels.flags.c_contiguous


def test_every_frame_has_pixels_of_its_own(frames):
    assert not any(np.shares_memory(frames[0].pixels, frame.pixels) for frame in frames[1:])


def test_frames_are_counted_from_zero(frames):
    assert [frame.sequence for frame in frames] == [0, 1, 2]


def test_monotonic_times_rise_and_lie_in_the_past(frames):
    times_s = [frame.monotonic_s for frame in frames]

    assert all(earlier < later for earlier, later in itertools.pairwise(times_s))
    assert times_s[-1] <= time.monotonic()


def test_the_wall_time_is_utc_and_of_the_same_moment(frames):
    for frame in frames:
        assert frame.wall_time.tzinfo is UTC
        age_s = (datetime.now(UTC) - frame.wall_time).total_seconds()
        assert age_s == pytest.approx(time.monotonic() - frame.monotonic_s, abs=1)


def test_frames_name_their_station(frames):
    assert {frame.camera_id for frame in frames} == {STATION}


def test_a_silent_camera_is_waited_for_and_gives_none(example, tmp_path, resources):
    camera = example.falls_silent(tmp_path, resources).open(STATION)
    resources.callback(camera.close)
    camera.read(timeout_s=1)
    started_s = time.monotonic()

    assert camera.read(timeout_s=0.05) is None
    assert time.monotonic() - started_s >= 0.05
    assert camera.read(timeout_s=0) is None


def test_a_camera_that_delivers_says_so(camera):
    next_frame(camera)

    assert camera.check()


def test_closing_twice_is_safe(camera):
    camera.close()
    camera.close()


def test_two_cameras_of_the_same_settings_do_not_disturb_each_other(example, tmp_path, resources):
    if example.serves_one:
        pytest.skip("such a camera serves one station")
    settings = example.delivers(tmp_path, resources)
    cameras = [settings.open(f"station-{number}") for number in range(2)]
    for camera in cameras:
        resources.callback(camera.close)

    assert [next_frame(camera).sequence for camera in cameras] == [0, 0]


def test_a_lost_camera_names_its_station(example):
    with pytest.raises(CameraError, match=STATION):
        example.is_lost().open(STATION)
