from dataclasses import replace
from threading import Event

import numpy as np
import pytest

from inspector import metrics
from inspector.alarms import Alarms
from inspector.bundle import Judgement, ReviewBand, read_bundle
from inspector.checks import CheckSettings
from inspector.cores import usable_cores
from inspector.desk import Desk
from inspector.errors import CameraError, FrameError
from inspector.health import Heartbeats
from inspector.inspection import Outcome, StationState
from inspector.judge import Judge
from inspector.records.memory import MemoryRecord
from inspector.reporting import Reporter
from inspector.station import OWN, Station
from tests.fakes import RememberingSink, ScriptedCamera
from tests.parts import good_parts, scratched_parts

GOOD, SCRATCHED = good_parts(1, seed=7)[0], scratched_parts(1, seed=7)[0]


@pytest.fixture(scope="module")
def bundle(small_bundle):
    return read_bundle(small_bundle)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr("inspector.station.FIRST_PAUSE_S", 0.001)


def run(bundle, *cameras, sink=None, max_latency_ms=10_000.0, stop=None):
    sink = sink or RememberingSink()
    sessions = iter(cameras)

    def open_camera():
        camera = next(sessions)
        if isinstance(camera, Exception):
            raise camera
        return camera

    a_station(open_camera, bundle, sink, max_latency_ms=max_latency_ms).run(stop or Event())
    return sink


def a_station(open_camera, bundle, sink, *, max_latency_ms=10_000.0, **options):
    record, desk = MemoryRecord("press-1"), options.pop("desk", Desk(queue_size=2))
    checks = options.pop("checks", None)
    alarms = options.pop("alarms", None) or Alarms("press-1", tell=lambda _: None, note=record.note)
    return Station(
        "press-1",
        open_camera=open_camera,
        judges={OWN: Judge("press-1", bundle, max_latency_ms=max_latency_ms, checks=checks)},
        reporter=Reporter("press-1", sinks={"memory": sink}, record=record, desk=desk),
        desk=desk,
        alarms=alarms,
        health=Heartbeats(),
        **options,
    )


def test_good_part_passes_and_scratched_part_fails_as_the_known_type(bundle):
    good, bad = run(bundle, ScriptedCamera(GOOD, SCRATCHED)).inspections

    assert (good.outcome, good.reason, good.nearest_type) == (Outcome.PASS, None, None)
    assert (bad.outcome, bad.nearest_type) == (Outcome.FAIL, "scratch")
    assert good.type_confidence is None
    assert 0.5 < bad.type_confidence <= 1
    assert good.score <= good.threshold == bundle.threshold < bad.score
    assert bad.bundle == bundle.digest
    assert bad.part_id == "p1"


def test_without_a_model_every_part_is_an_error_that_says_so():
    good, bad = run(None, ScriptedCamera(GOOD, SCRATCHED)).inspections

    for each in (good, bad):
        assert (each.outcome, each.reason) == (Outcome.ERROR, "no_model")
        assert (each.score, each.threshold, each.bundle) == (None, None, None)
    assert bad.part_id == "p1"


def test_a_model_may_come_while_it_runs(bundle):
    sink, judge = RememberingSink(), Judge("press-1", bundle, max_latency_ms=10_000)
    station = a_station(lambda: camera, None, sink)

    class Coming(ScriptedCamera):
        def read(self, timeout_s):
            if sink.inspections:
                station.use(judge)
            return super().read(timeout_s)

    camera = Coming(GOOD, GOOD)
    station.run(Event())

    assert [(each.outcome, each.bundle) for each in sink.inspections] == [
        (Outcome.ERROR, None),
        (Outcome.PASS, bundle.digest),
    ]


def test_a_fail_in_doubt_asks_for_a_review_and_what_is_too_late_does_not(bundle):
    band = ReviewBand(below=1e9, max_false_reject=0.01, confidence=0.95)
    calibration = bundle.manifest.calibration.model_copy(update={"review": band})
    doubting = replace(bundle, manifest=bundle.manifest.model_copy(update={"calibration": calibration}))

    good, bad = run(doubting, ScriptedCamera(GOOD, SCRATCHED)).inspections
    (late,) = run(doubting, ScriptedCamera(SCRATCHED), max_latency_ms=1e-6).inspections

    assert (good.outcome, good.review) == (Outcome.PASS, False)
    assert (bad.outcome, bad.review) == (Outcome.FAIL, True)
    assert (late.outcome, late.review) == (Outcome.ERROR, False)


def test_every_frame_gets_one_inspection_with_its_own_id_and_rising_sequence(bundle):
    inspections = run(bundle, ScriptedCamera(GOOD, None, GOOD, None, None, GOOD)).inspections

    assert [each.sequence for each in inspections] == [0, 1, 2]
    ids = [each.id for each in inspections]
    assert len(set(ids)) == 3
    assert all(len(each) == 26 for each in ids)


def test_stages_add_up_to_the_total(bundle):
    (inspection,) = run(bundle, ScriptedCamera(GOOD)).inspections

    stages = {name: ms for name, ms in inspection.timings_ms.items() if name != "total"}
    assert stages.keys() == {"acquire", "preprocess", "embed", "score"}
    assert sum(stages.values()) == pytest.approx(inspection.timings_ms["total"])


class Onlooker:
    def __init__(self, sink):
        self.sink, self.seen, self.out_before, self.closed = sink, [], [], 0

    def see(self, evidence):
        self.seen.append(replace(evidence, picture=evidence.picture.copy()))
        self.out_before.append(len(self.sink.inspections))

    def close(self):
        self.closed += 1


def test_a_witness_sees_each_frame_with_what_was_made_of_it_once_its_inspection_has_left(bundle):
    sink = RememberingSink()
    witness = Onlooker(sink)
    spoilt = FrameError("torn", reason="unreadable_picture")
    camera = ScriptedCamera(GOOD, spoilt, SCRATCHED)

    a_station(lambda: camera, bundle, sink, witnesses=(witness,)).run(Event())

    good, _, scratched = sink.inspections
    assert [each.inspection for each in witness.seen] == [good, scratched]
    assert witness.out_before == [1, 3]
    assert witness.closed == 1
    seen = witness.seen[1]
    np.testing.assert_array_equal(seen.picture, bundle.prepare(SCRATCHED))
    assert np.array_equal(seen.frame.pixels, SCRATCHED)
    assert seen.features.embedding.shape[0] == 1
    np.testing.assert_array_equal(seen.heat_map(), bundle.heat_map(seen.features)[0])


def test_spoilt_picture_is_an_error_for_its_part_and_the_camera_goes_on(bundle):
    spoilt = FrameError("torn", reason="unreadable_picture", part_id="p9")
    camera = ScriptedCamera(spoilt, GOOD)

    error, good = run(bundle, camera).inspections

    assert (error.outcome, error.reason, error.part_id) == (Outcome.ERROR, "unreadable_picture", "p9")
    assert error.score is None
    assert good.outcome is Outcome.PASS
    assert camera.closed == 1


def test_a_verdict_that_comes_too_late_is_an_error_never_a_pass(bundle):
    (inspection,) = run(bundle, ScriptedCamera(GOOD, age_s=3.0), max_latency_ms=2_000.0).inspections

    assert (inspection.outcome, inspection.reason) == (Outcome.ERROR, "deadline")


def test_a_score_that_is_no_number_is_an_error(bundle, monkeypatch):
    monkeypatch.setattr(type(bundle), "judge", lambda *_: [Judgement(Outcome.ERROR, None)])

    (inspection,) = run(bundle, ScriptedCamera(GOOD)).inspections

    assert (inspection.outcome, inspection.reason, inspection.score) == (Outcome.ERROR, "model_error", None)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_features_that_are_no_numbers_are_an_error_and_the_next_part_is_judged(bundle, monkeypatch):
    embed, is_broken = bundle.embedder.embed, iter([True, False])

    def embed_brokenly(pictures):
        seen = embed(pictures)
        return replace(seen, pooled=np.full_like(seen.pooled, np.nan)) if next(is_broken) else seen

    monkeypatch.setattr(bundle.embedder, "embed", embed_brokenly)

    error, bad = run(bundle, ScriptedCamera(SCRATCHED, SCRATCHED)).inspections

    assert (error.outcome, error.reason, error.score) == (Outcome.ERROR, "model_error", None)
    assert (error.nearest_type, error.type_confidence) == (None, None)
    assert bad.outcome is Outcome.FAIL


def test_a_picture_that_shows_nothing_is_an_error_with_its_reason_that_witnesses_see(bundle):
    seen = []

    class Looking:
        def see(self, evidence):
            seen.append((evidence.inspection.reason, evidence.frame.sequence, evidence.features is not None))

        def close(self):
            pass

    refused = metrics.FRAMES_REFUSED.labels("press-1", "black_frame")
    before = refused._value.get()
    dark = np.zeros_like(GOOD)
    camera = ScriptedCamera(dark, np.repeat(GOOD, 2, axis=0), GOOD)
    sink = RememberingSink()

    a_station(lambda: camera, bundle, sink, checks=CheckSettings(), witnesses=(Looking(),)).run(Event())

    black, large, good = sink.inspections
    assert (black.outcome, black.reason, black.score, black.part_id) == (Outcome.ERROR, "black_frame", None, "p0")
    assert (large.outcome, large.reason) == (Outcome.ERROR, "wrong_size")
    assert good.outcome is Outcome.PASS
    assert seen == [("black_frame", 0, False), ("wrong_size", 1, False), (None, 2, True)]
    assert refused._value.get() == before + 1


def test_lost_camera_is_said_once_and_opened_again_until_it_returns(bundle):
    lost = CameraError("unplugged")
    first = ScriptedCamera(GOOD, lost)

    sink = run(bundle, first, lost, lost, ScriptedCamera(GOOD))

    outcomes = [(each.outcome, each.reason) for each in sink.inspections]
    assert outcomes == [(Outcome.PASS, None), (Outcome.ERROR, "camera_lost"), (Outcome.PASS, None)]
    assert first.closed == 1
    assert sink.states == [
        StationState.STARTING,
        StationState.RUNNING,
        StationState.CAMERA_LOST,
        StationState.RUNNING,
        StationState.STOPPED,
    ]


def test_a_camera_that_is_lost_again_is_said_again(bundle):
    lost = CameraError("unplugged")

    sink = run(bundle, ScriptedCamera(GOOD, lost), ScriptedCamera(GOOD, lost), ScriptedCamera())

    assert [each.reason for each in sink.inspections] == [None, "camera_lost", None, "camera_lost"]


def test_a_camera_that_opens_and_gives_nothing_is_lost_again_and_one_loss(bundle):
    lost = CameraError("unplugged")

    sink = run(bundle, ScriptedCamera(GOOD, lost), ScriptedCamera(lost), ScriptedCamera(GOOD))

    assert [each.reason for each in sink.inspections] == [None, "camera_lost", None]
    assert [each.value for each in sink.states] == [
        *("starting", "running", "camera_lost"),
        *("running", "camera_lost"),
        *("running", "stopped"),
    ]


def test_a_sink_that_refuses_is_counted_and_inspection_goes_on(bundle):
    errors = metrics.SINK_ERRORS.labels("press-1", "memory")
    verdicts = metrics.INSPECTIONS.labels("press-1", "PASS")
    before = errors._value.get(), verdicts._value.get()

    run(bundle, ScriptedCamera(GOOD, GOOD), sink=RememberingSink(refuse=True))

    assert (errors._value.get(), verdicts._value.get()) == (before[0] + 2, before[1] + 2)


def test_stop_ends_the_loop_and_lets_camera_and_sinks_go(bundle):
    stop = Event()
    camera = ScriptedCamera(*[GOOD] * 1000)

    class StoppingSink(RememberingSink):
        def publish(self, inspection):
            super().publish(inspection)
            stop.set()

    sink = run(bundle, camera, sink=StoppingSink(), stop=stop)

    assert len(sink.inspections) == 1
    assert sink.states[-1] is StationState.STOPPED
    assert camera.closed == sink.closed == 1


def test_a_bug_is_not_swallowed_but_the_end_is_still_announced(bundle):
    sink = RememberingSink()

    with pytest.raises(ZeroDivisionError):
        run(bundle, ScriptedCamera(ZeroDivisionError()), sink=sink)

    assert sink.states[-1] is StationState.STOPPED
    assert sink.closed == 1


def test_pictures_of_any_size_are_brought_to_the_models(bundle):
    large = np.repeat(np.repeat(GOOD, 5, axis=0), 5, axis=1)

    (inspection,) = run(bundle, ScriptedCamera(large)).inspections

    assert inspection.outcome is Outcome.PASS


def test_pictures_are_resized_into_one_buffer(bundle, monkeypatch):
    embed, seen = bundle.embedder.embed, []

    def remember(pictures):
        seen.append(pictures)
        return embed(pictures)

    monkeypatch.setattr(bundle.embedder, "embed", remember)
    large, small = np.repeat(np.repeat(GOOD, 3, axis=0), 3, axis=1), np.ascontiguousarray(SCRATCHED[::2, ::2])

    first, _, third = run(bundle, ScriptedCamera(large, small, large)).inspections

    assert len({pictures.__array_interface__["data"] for pictures in seen}) == 1
    assert first.score == third.score


def test_a_picture_of_the_models_size_is_read_where_the_camera_put_it(bundle, monkeypatch):
    embed, seen = bundle.embedder.embed, []
    monkeypatch.setattr(bundle.embedder, "embed", lambda pictures: seen.append(pictures) or embed(pictures))

    run(bundle, ScriptedCamera(GOOD))

    assert np.shares_memory(seen[0], GOOD)


def test_the_station_stays_on_its_cores(bundle):
    core, seen = usable_cores()[-1], []

    class Feeling(ScriptedCamera):
        def read(self, timeout_s):
            seen.append(usable_cores())
            return super().read(timeout_s)

    a_station(lambda: Feeling(GOOD), bundle, RememberingSink(), cores=(core,)).run(Event())

    assert set(seen) == {(core,)}
