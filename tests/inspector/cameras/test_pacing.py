from types import SimpleNamespace

import pytest

from inspector.cameras import pacing
from inspector.cameras.pacing import Pace

FOREVER = float("inf")


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now_s=1000.0)

    def sleep(duration_s):
        assert duration_s > 0
        clock.now_s += duration_s

    monkeypatch.setattr(pacing, "time", SimpleNamespace(monotonic=lambda: clock.now_s, sleep=sleep))
    return clock


def take(pace, clock, work_s):
    """When one frame was taken, by someone who then works on it for ``work_s``."""
    assert pace.wait(FOREVER)
    taken_s = clock.now_s
    pace.step(taken_s)
    clock.now_s += work_s
    return round(taken_s - 1000, 6)


def test_work_does_not_lower_the_rate(clock):
    pace = Pace(rate_hz=10)

    assert [take(pace, clock, work_s=0.07) for _ in range(4)] == [0, 0.1, 0.2, 0.3]


def test_one_slow_frame_is_caught_up_with(clock):
    pace = Pace(rate_hz=10)

    assert [take(pace, clock, work_s) for work_s in (0, 0.15, 0, 0)] == [0, 0.1, 0.25, 0.3]


def test_a_pause_is_not_followed_by_a_burst(clock):
    pace = Pace(rate_hz=10)

    assert [take(pace, clock, work_s) for work_s in (5, 0, 0)] == [0, 5, 5.1]


def test_without_a_rate_every_frame_is_due(clock):
    pace = Pace(rate_hz=None)

    assert [take(pace, clock, work_s=0) for _ in range(3)] == [0, 0, 0]


def test_waits_no_longer_than_the_deadline(clock):
    pace = Pace(rate_hz=0.1)
    take(pace, clock, work_s=0)

    assert not pace.wait(deadline_s=1002.5)
    assert clock.now_s == 1002.5


def test_a_deadline_in_the_past_is_not_waited_for(clock):
    pace = Pace(rate_hz=0.1)
    take(pace, clock, work_s=0)

    assert not pace.wait(deadline_s=999)
    assert clock.now_s == 1000
