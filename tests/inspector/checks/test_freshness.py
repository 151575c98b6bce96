import time
from dataclasses import replace

import numpy as np
import pytest

from inspector.checks import CheckSettings, FreshCamera, Freshness
from inspector.checks.freshness import REMEMBERED
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason
from tests.fakes import ScriptedCamera


def pictures(count, seed=0):
    return list(np.random.default_rng(seed).integers(0, 255, (count, 24, 32, 3), np.uint8))


class Live(ScriptedCamera):
    """Looks at something now. ``facts``: what it tells of each frame besides."""

    is_live = True

    def __init__(self, *script, facts=(), **options):
        super().__init__(*script, **options)
        self._facts = iter(facts)

    def read(self, timeout_s):
        frame = super().read(timeout_s)
        return frame and replace(frame, **next(self._facts, {}))


def fresh(camera, **settings):
    return FreshCamera(camera, Freshness("s1", CheckSettings(**settings)))


def reasons(camera, count):
    """Why each frame was refused; None where it was not."""
    told = []
    for _ in range(count):
        try:
            camera.read(0)
            told.append(None)
        except FrameError as error:
            told.append(error.reason)
    return told


def test_frames_that_differ_are_fresh():
    assert reasons(fresh(Live(*pictures(5))), 5) == [None] * 5


def test_one_that_comes_again_is_refused_however_it_is_mixed_with_others():
    one, two, three = pictures(3)

    told = reasons(fresh(Live(one, one, two, one, two, three)), 6)

    assert told == [None, "repeated_frame", None, "repeated_frame", "repeated_frame", None]


def test_a_difference_in_one_looked_at_byte_is_a_new_picture():
    (one,) = pictures(1)
    other = one.copy()
    other[16, 5, 1] ^= 1

    assert reasons(fresh(Live(one, other)), 2) == [None, None]


def test_what_was_seen_long_ago_may_come_again():
    (one,) = pictures(1)
    others = pictures(REMEMBERED, seed=1)

    assert reasons(fresh(Live(one, *others, one)), REMEMBERED + 2)[-1] is None
    assert reasons(fresh(Live(one, *others[1:], one)), REMEMBERED + 1)[-1] == "repeated_frame"


def test_a_camera_that_is_opened_again_and_gives_what_it_had_in_its_buffers_is_found_out():
    one, two = pictures(2)
    freshness = Freshness("s1", CheckSettings())
    FreshCamera(Live(one), freshness).read(0)

    assert reasons(FreshCamera(Live(one, two), freshness), 2) == ["repeated_frame", None]


def test_the_same_number_again_is_the_same_frame_and_begins_anew_with_the_session():
    numbers = [{"device_frame": number} for number in (7, 7, 8, 1)]

    camera = fresh(Live(*pictures(4), facts=numbers))

    assert reasons(camera, 4) == [None, "repeated_frame", None, None]


def test_replayed_files_may_show_the_same_picture_again():
    (one,) = pictures(1)

    assert reasons(fresh(ScriptedCamera(one, one)), 2) == [None, None]


def test_repetition_may_be_allowed():
    (one,) = pictures(1)

    assert reasons(fresh(Live(one, one), repeated=False), 2) == [None, None]


@pytest.mark.parametrize("level", [0, 255])
def test_what_is_all_black_or_white_is_left_to_those_who_say_so(level):
    blank = np.full((24, 32, 3), level, np.uint8)

    assert reasons(fresh(Live(blank, blank)), 2) == [None, None]


def test_a_camera_that_repeats_its_pictures_for_long_has_frozen():
    (one,) = pictures(1)
    camera = fresh(Live(one, one, one), frozen_after_s=1e-9)
    camera.read(0)

    with pytest.raises(CameraError, match="s1: the camera has repeated its pictures"):
        camera.read(0)


@pytest.mark.parametrize("camera", [ScriptedCamera, Live])
def test_an_old_frame_is_refused_for_its_part_whatever_gave_it(camera):
    (one,) = pictures(1)

    with pytest.raises(FrameError, match=r"s1: frame 0 of the camera is 2\d\d\d ms old") as caught:
        fresh(camera(one, age_s=2)).read(0)

    assert (caught.value.reason, caught.value.part_id) == (Reason.STALE_FRAME, "p0")
    assert reasons(fresh(camera(one, age_s=2), max_age_ms=None), 1) == [None]


@pytest.mark.parametrize("step_s", [-1e7, 1e7])
def test_a_step_of_the_wall_clock_changes_nothing(step_s, monkeypatch):
    camera = fresh(Live(*pictures(2)))
    camera.read(0)
    now_s = time.time
    monkeypatch.setattr(time, "time", lambda: now_s() + step_s)

    assert reasons(camera, 1) == [None]


def test_no_frame_is_none_and_the_rest_is_the_cameras():
    class Telling(Live):
        fired_s = None

        def check(self):
            raise CameraError("unplugged")

        def fire(self, at_s):
            self.fired_s = at_s

    inner = Telling(None)
    camera = fresh(inner)

    assert camera.read(0) is None
    camera.fire(5.0)
    camera.close()
    assert (inner.fired_s, inner.closed) == (5.0, 1)
    with pytest.raises(CameraError, match="unplugged"):
        camera.check()
