import time
from dataclasses import replace
from threading import Event, Thread

import pytest

from inspector.alarms import Alarms, Refused
from inspector.bundle import read_bundle
from inspector.desk import Desk
from inspector.errors import CameraError, FrameError
from inspector.inspection import EndOfFrames, Frame, Outcome, Reason, StationState, utc_now
from inspector.judge import Judge
from inspector.plc import Trigger
from inspector.station import OWN
from inspector.triggers import TriggerSettings
from tests.broker import wait_until
from tests.fakes import RememberingLink, ScriptedCamera
from tests.inspector.test_station import a_station
from tests.parts import good_parts

GOOD = good_parts(1, seed=7)[0]


@pytest.fixture(scope="module")
def bundle(small_bundle):
    return read_bundle(small_bundle)


class Place:
    """A station that runs until the end of the block, its desk, and what the PLC hears."""

    def __init__(self, bundle, camera, **triggers):
        self.desk, self.link, self._stop = Desk(queue_size=3), RememberingLink(), Event()
        self.alarms = Alarms("press-1", tell=self.link.alarm, note=lambda *_: None)
        self.station = a_station(
            lambda: camera,
            bundle,
            self.link,
            desk=self.desk,
            alarms=self.alarms,
            triggers=TriggerSettings(**triggers),
        )
        self._thread = Thread(target=self.station.run, args=(self._stop,))

    def __enter__(self):
        self._thread.start()
        wait_until(lambda: self.desk.ready or not self._thread.is_alive(), "the station")
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def send(self, name="t1", seconds=20.0):
        now_s = time.monotonic()
        trigger = Trigger(name, f"part of {name}", now_s, now_s + seconds)
        self.desk.offer(trigger)
        return trigger

    def answer(self, count=1):
        wait_until(lambda: len(self.link.answers) >= count, "the answer")
        return self.link.answers[count - 1][0]


class Endless(ScriptedCamera):
    """After its script it gives nothing for ever."""

    def read(self, timeout_s):
        try:
            return super().read(timeout_s)
        except EndOfFrames:
            time.sleep(0.005)
            return None


def aged(camera, pixels, age_s):
    """Has the camera give this frame as one of so long ago."""
    return Frame(pixels, time.monotonic() - age_s, utc_now(), 0, "scripted")


def is_over(alarms, name):
    try:
        alarms.reset(name, "anna")
    except Refused:
        return False
    return True


class Unplugged(Endless):
    """Says that it is lost once the cable is out, and that it delivers once it is in again."""

    def __init__(self):
        super().__init__(*[GOOD] * 5)
        self.is_out = Event()

    def check(self):
        if self.is_out.is_set():
            raise CameraError("unplugged")
        return True


def test_without_a_model_a_trigger_gets_its_one_answer_too_and_a_model_that_comes_judges_the_next(bundle):
    with Place(None, Endless(*[GOOD] * 3)) as place:
        place.send("t1")
        before = place.answer()
        place.station.use(Judge("press-1", bundle, max_latency_ms=1e9))
        place.send("t2")
        after = place.answer(2)

    assert (before.trigger_id, before.outcome, before.reason) == ("t1", Outcome.ERROR, Reason.NO_MODEL)
    assert (after.trigger_id, after.outcome, after.bundle) == ("t2", Outcome.PASS, bundle.digest)
    assert len(place.link.answers) == 2


def test_a_loss_is_said_and_its_end_too_while_no_trigger_comes(bundle):
    camera = Unplugged()
    with Place(bundle, camera) as place:
        camera.is_out.set()
        wait_until(lambda: StationState.CAMERA_LOST in place.link.states, "the loss")
        assert not place.desk.ready
        wait_until(lambda: not place.desk.ready, "the desk to shut")
        assert [each.alarm for each in place.link.alarms] == ["camera_lost"]
        place.alarms.acknowledge("camera_lost", "anna")

        camera.is_out.clear()
        wait_until(lambda: place.link.states[-1] is StationState.RUNNING, "the return")
        wait_until(lambda: is_over(place.alarms, "camera_lost"), "the end of the alarm's condition")

    assert camera._sequence == 0


def test_the_camera_is_fired_when_the_part_is_in_place(bundle):
    class Fired(Endless):
        fired_s = None

        def fire(self, at_s):
            self.fired_s = at_s
            time.sleep(max(0, at_s - time.monotonic()))

    camera = Fired(GOOD)
    with Place(bundle, camera, delay_ms=20) as place:
        trigger = place.send()
        place.answer()

    assert camera.fired_s == trigger.received_s + 0.02


def test_a_frame_for_each_trigger_and_none_without(bundle):
    camera = Endless(GOOD, GOOD, GOOD)
    with Place(bundle, camera) as place:
        place.send("t1")
        place.send("t2")
        first, second = place.answer(1), place.answer(2)

    assert [each.outcome for each in (first, second)] == [Outcome.PASS, Outcome.PASS]
    assert [each.part_id for each in (first, second)] == ["part of t1", "part of t2"]
    assert camera._sequence == 2


def test_frames_from_before_the_trigger_are_of_something_else(bundle):
    class Buffered(Endless):
        def read(self, timeout_s):
            frame = super().read(timeout_s)
            if frame and frame.sequence < 2:
                return aged(self, frame.pixels, 60.0)
            return frame

    camera = Buffered(GOOD, GOOD, GOOD)
    with Place(bundle, camera) as place:
        place.send()
        answer = place.answer()

    assert answer.outcome is Outcome.PASS
    assert camera._sequence == 3


def test_with_a_delay_the_part_is_not_in_place_before(bundle):
    taken = []

    class Telling(Endless):
        def read(self, timeout_s):
            frame = super().read(timeout_s)
            if frame:
                taken.append(frame.monotonic_s)
                time.sleep(0.01)
            return frame

    with Place(bundle, Telling(*[GOOD] * 500), delay_ms=100) as place:
        trigger = place.send()
        answer = place.answer()

    assert answer.outcome is Outcome.PASS
    assert taken[-1] >= trigger.received_s + 0.1
    assert all(each < trigger.received_s + 0.1 for each in taken[:-1])


@pytest.mark.parametrize(
    ("step", "reason"),
    [(FrameError("torn", reason="unreadable_picture"), "unreadable_picture"), (CameraError("gone"), "camera_lost")],
)
def test_a_camera_that_fails_is_answered_at_once(bundle, step, reason):
    with Place(bundle, Endless(step)) as place:
        place.send()
        answer = place.answer()

    assert (answer.outcome, answer.reason, answer.trigger_id) == (Outcome.ERROR, reason, "t1")


def test_the_end_of_a_finite_camera_is_no_frame_and_nothing_waits_for_ever(bundle):
    with Place(bundle, ScriptedCamera(GOOD)) as place:
        place.send("t1")
        place.answer(1)
        place.send("t2")
        answer = place.answer(2)

    assert (answer.outcome, answer.reason) == (Outcome.ERROR, "no_frame")


def test_what_comes_after_its_deadline_is_recorded_as_late_and_answers_nobody(bundle, monkeypatch):
    started, go_on = Event(), Event()
    embed = bundle.embedder.embed

    def embed_slowly(pictures):
        started.set()
        assert go_on.wait(20)
        return embed(pictures)

    monkeypatch.setattr(bundle.embedder, "embed", embed_slowly)
    with Place(bundle, Endless(GOOD)) as place:
        trigger = place.send(seconds=0.5)
        assert started.wait(20)
        assert wait_until(place.desk.claim_overdue, "the deadline") == [(trigger, Reason.DEADLINE)]
        place.station.refuse(trigger, Reason.DEADLINE)
        go_on.set()
        wait_until(lambda: len(place.link.inspections) == 2, "the late verdict")

    ((answer, _),) = place.link.answers
    assert answer.reason == "deadline"
    late = place.link.inspections[1]
    assert (late.outcome, late.reason, late.trigger_id) == (Outcome.ERROR, "late", "t1")
    assert late.score is not None


def test_stopping_answers_what_is_in_work_and_what_waits(bundle):
    with Place(bundle, Endless()) as place:
        for name in ("t1", "t2", "t3"):
            place.send(name)
        wait_until(lambda: len(place.desk._waiting) == 2, "the first to be in work")
        place.stop()

    assert {each.trigger_id: each.reason for each, _ in place.link.answers} == dict.fromkeys(
        ("t1", "t2", "t3"), "not_ready"
    )


def test_pausing_answers_what_waits_and_refuses_what_comes(bundle):
    with Place(bundle, Endless(GOOD)) as place:
        place.station.pause()
        assert place.station.state == "paused"
        assert place.desk.offer(Trigger("t1", None, 0.0, 1e12)).reason is Reason.PAUSED
        place.station.resume()
        place.send("t2")

        assert place.answer().outcome is Outcome.PASS


def test_another_recipe_and_a_reloaded_bundle_judge_the_next_parts(bundle):
    other, newer = (replace(bundle, digest=letter * 64) for letter in "on")
    judges = {OWN: Judge("press-1", bundle, max_latency_ms=1e9), "lid": Judge("press-1", other, max_latency_ms=1e9)}
    with Place(bundle, Endless(*[GOOD] * 5)) as place:
        place.station._judges = judges
        place.station._load_judges = lambda: judges | {OWN: Judge("press-1", newer, max_latency_ms=1e9)}
        seen = []

        def judged_by(recipe=None):
            now_s = time.monotonic()
            place.desk._recipes = frozenset({"lid"})
            place.desk.offer(Trigger(f"t{len(seen)}", None, now_s, now_s + 20, recipe))
            seen.append(place.answer(len(seen) + 1).bundle[0])

        judged_by()
        judged_by("lid")
        place.station.set_recipe("lid")
        judged_by()
        place.station.set_recipe(None)
        assert place.station.reload() == "read again; changed: own bundle"
        judged_by()
        with pytest.raises(KeyError):
            place.station.set_recipe("none")

    assert seen == [bundle.digest[0], "o", "o", "n"]
