import time
from threading import Event, Thread

import pytest

from inspector.alarms import Alarms
from inspector.desk import Desk
from inspector.health import Heartbeats
from inspector.inspection import Reason, StationState
from inspector.plc import Trigger
from inspector.pulse import Pulse, SinkWatch
from tests.broker import wait_until
from tests.fakes import RememberingLink, RememberingSink


@pytest.fixture
def link():
    return RememberingLink()


@pytest.fixture
def desk():
    desk = Desk(queue_size=2)
    desk.open(Reason.NOT_READY)
    return desk


@pytest.fixture
def running(desk, link, monkeypatch):
    """Starts pulses; each is stopped at the end."""
    monkeypatch.setattr("inspector.pulse.BEAT_S", 0.02)
    stop, threads = Event(), []

    def start(answer=lambda *_: None, watches=(), health=None, state=lambda: StationState.RUNNING):
        health = health or Heartbeats()
        sinks = {"plain": RememberingSink(), "link": link}
        pulse = Pulse(
            "press-1",
            desk=desk,
            sinks=sinks,
            answer=answer,
            state=state,
            watches=watches,
            health=health,
        )
        threads.append(Thread(target=pulse.run, args=(stop,)))
        threads[-1].start()
        return stop, threads[-1]

    yield start
    stop.set()
    for thread in threads:
        thread.join(20)


def test_the_counter_rises_by_one_and_says_whether_triggers_are_taken(running, desk, link):
    running()
    wait_until(lambda: len(link.beats) >= 3, "three beats")
    desk.shut(Reason.PAUSED)
    wait_until(lambda: not link.beats[-1].ready, "a beat that is not ready")

    assert [each.counter for each in link.beats] == list(range(len(link.beats)))
    assert link.beats[0].ready
    assert link.beats[0].state is StationState.RUNNING


def test_a_trigger_nobody_answers_is_answered_at_its_deadline(running, desk):
    answered = []
    running(answer=lambda trigger, reason: answered.append((trigger.id, reason, time.monotonic())))
    now_s = time.monotonic()
    desk.offer(Trigger("t1", None, now_s, now_s + 0.1))
    wait_until(lambda: answered, "the answer")

    ((name, reason, at_s),) = answered
    assert (name, reason) == ("t1", Reason.DEADLINE)
    assert at_s >= now_s + 0.1


def test_it_beats_for_the_watchdog_and_is_forgotten_at_the_end(running):
    beats, health = [], Heartbeats()
    health.beat = beats.append
    stop, thread = running(health=health)
    wait_until(lambda: len(beats) > 2, "heartbeats")
    stop.set()
    thread.join(20)

    assert set(beats) == {"press-1-pulse"}
    assert health.stale() == []


def test_it_ends_with_its_station(running, link):
    states = [StationState.RUNNING]
    _, thread = running(state=lambda: states[-1])
    wait_until(lambda: link.beats, "a beat")
    states.append(StationState.STOPPED)
    thread.join(20)

    assert not thread.is_alive()


def test_a_broker_that_stays_away_is_an_alarm_until_it_is_back(link):
    told = []
    alarms = Alarms("press-1", tell=told.append, note=lambda *_: None)
    watch = SinkWatch(alarms, {"mqtt": link.is_up}, limit_s=0.0)
    watch()
    assert told == []
    link.up = False
    wait_until(lambda: watch() or told, "the alarm")
    alarms.acknowledge(None, "a")
    link.up = True
    watch()

    assert told[0].message == "mqtt has been away for 0 s"
    assert alarms.reset("sink_degraded", "a")
