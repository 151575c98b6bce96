from collections import Counter
from itertools import cycle

import numpy as np
import pytest

from inspector.bench.replay import REFUSED, VERDICT, Replay, TimedSink
from inspector.bench.shifts import Amount, Shift
from inspector.inspection import EndOfFrames, Inspection, Outcome, StationState, utc_now
from tests.fakes import RememberingSink


def inspection(**changes):
    fields = {
        "id": "01", "station": "press-1", "sequence": 0, "outcome": Outcome.PASS, "threshold": 1.0,
        "captured_at": utc_now(), "bundle": "00", "timings_ms": {"embed": 9.0, "total": 10.0},
    }  # fmt: skip
    return Inspection(**fields | changes)


def frames(replay):
    found = []
    while True:
        try:
            found.append(replay.read(0.1))
        except EndOfFrames:
            return found


def test_a_replay_goes_round_its_pictures_until_the_shift_is_over():
    dark, bright = (np.full((4, 4, 3), value, np.uint8) for value in (10, 200))
    replay = Replay("press-1", cycle([dark, bright]), Shift(1, Amount(count=5)))

    seen = frames(replay)

    assert [int(each.pixels[0, 0, 0]) for each in seen] == [10, 200, 10, 200, 10]
    assert [each.sequence for each in seen] == [0, 1, 2, 3, 4]
    assert {each.camera_id for each in seen} == {"press-1"}


def test_its_pictures_lie_as_bgr_and_come_as_rgb():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 2] = 255

    (frame,) = frames(Replay("press-1", cycle([red]), Shift(1, Amount(count=1))))

    assert frame.pixels[0, 0].tolist() == [255, 0, 0]


def test_a_cycle_is_from_a_frame_to_the_call_for_the_next():
    replay = Replay("press-1", cycle([np.zeros((4, 4, 3), np.uint8)]), Shift(1, Amount(count=3)))

    arrived_s = [each.monotonic_s for each in frames(replay)]

    assert len(replay.cycles_ms) == 3
    assert replay.cycles_ms[0] / 1000 <= arrived_s[1] - arrived_s[0]
    assert sum(replay.cycles_ms) / 1000 <= replay.duration_s


def test_the_stopwatch_keeps_every_stage_and_the_publication():
    said = Counter()
    sink = TimedSink(RememberingSink(), said)

    sink.publish(inspection())
    sink.publish(inspection(outcome=Outcome.FAIL, timings_ms={"embed": 11.0, "total": 12.0}))

    assert sink.laps_ms["embed"].tolist() == [9.0, 11.0]
    assert sink.laps_ms[VERDICT].tolist() == [10.0, 12.0]
    assert len(sink.laps_ms["publish"]) == 2
    assert said == {"PASS": 1, "FAIL": 1}


def test_the_other_sink_gets_everything_but_the_goodbye():
    other = RememberingSink()
    sink = TimedSink(other, Counter())

    sink.announce(StationState.RUNNING)
    sink.publish(inspection())
    sink.close()

    assert other.states == [StationState.RUNNING]
    assert len(other.inspections) == 1
    assert other.closed == 0


def test_a_refusal_is_counted_and_timed():
    said = Counter()
    sink = TimedSink(RememberingSink(refuse=True), said)

    sink.publish(inspection())

    assert said[REFUSED] == 1
    assert len(sink.laps_ms["publish"]) == 1


@pytest.mark.parametrize("count", [1, 4])
def test_the_duration_covers_all_frames(count):
    replay = Replay("press-1", cycle([np.zeros((4, 4, 3), np.uint8)]), Shift(1, Amount(count=count)))

    frames(replay)

    assert replay.duration_s > 0
    assert len(replay.cycles_ms) == count
