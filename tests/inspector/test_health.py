import pytest

from inspector.health import Heartbeats


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def health(clock):
    return Heartbeats(clock)


def test_nothing_expected_is_never_stale(health, clock):
    clock.now += 1000

    assert health.stale() == []


def test_a_stage_is_stale_only_after_its_limit(health, clock):
    health.expect("press-1", 5)
    clock.now += 5
    assert health.stale() == []

    clock.now += 0.1
    assert health.stale() == ["press-1"]


def test_a_beat_makes_it_fresh_again(health, clock):
    health.expect("press-1", 5)
    clock.now += 6
    health.beat("press-1")

    assert health.stale() == []


def test_each_stage_has_its_own_limit(health, clock):
    health.expect("slow", 60)
    health.expect("b", 1)
    health.expect("a", 1)
    clock.now += 2

    assert health.stale() == ["a", "b"]


def test_a_forgotten_stage_may_be_silent(health, clock):
    health.expect("press-1", 5)
    health.forget("press-1")
    clock.now += 6

    assert health.stale() == []


def test_a_beat_of_a_stage_that_nobody_expects_is_a_bug(health):
    with pytest.raises(KeyError):
        health.beat("press-1")
