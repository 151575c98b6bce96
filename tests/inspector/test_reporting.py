import time
from threading import Thread

import pytest

from inspector import metrics
from inspector.desk import Desk
from inspector.inspection import Outcome, Reason
from inspector.plc import Trigger
from inspector.records.memory import MemoryRecord
from inspector.reporting import Reporter
from tests.entries import entry
from tests.fakes import RememberingLink, RememberingSink


def a_trigger(seconds=60.0):
    now_s = time.monotonic()
    return Trigger("t1", "lid", now_s, now_s + seconds)


@pytest.fixture
def desk():
    desk = Desk(queue_size=2)
    desk.open(Reason.NOT_READY)
    return desk


@pytest.fixture
def link():
    return RememberingLink()


def test_what_many_threads_report_leaves_in_the_order_of_its_numbers(desk, link):
    reporter = Reporter("press-1", sinks={"link": link}, record=MemoryRecord("press-1"), desk=desk)
    threads = [Thread(target=lambda: [reporter.report(entry()) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert [each.sequence for each in link.inspections] == list(range(200))


def test_an_answer_is_recorded_sent_and_published_to_every_sink(desk, link):
    plain, seen = RememberingSink(), []
    record = MemoryRecord("press-1", ["link"])
    reporter = Reporter(
        "press-1", sinks={"plain": plain, "link": link}, record=record, desk=desk, observers=(seen.append,)
    )
    trigger = a_trigger()
    desk.offer(trigger)
    desk.claim(trigger)
    reporter.answer(entry(), trigger)

    ((answer, to),) = link.answers
    assert to is trigger
    assert plain.inspections == link.inspections == seen == [answer]
    assert record.backlog("link", -1, 10) == [(0, answer.model_dump_json())]
    assert desk.offer(trigger).answer == answer


class StallingRecord(MemoryRecord):
    """A disk that takes its time."""

    def append(self, draft):
        time.sleep(0.05)
        return super().append(draft)


@pytest.mark.parametrize(("outcome", "overtaken"), [(Outcome.PASS, 1), (Outcome.FAIL, 1), (Outcome.ERROR, 0)])
def test_a_verdict_that_a_stalling_disk_held_too_long_is_overtaken_by_an_error(desk, link, outcome, overtaken):
    before = metrics.VERDICTS_OVERTAKEN.labels("press-1")._value.get()
    reporter = Reporter("press-1", sinks={"link": link}, record=StallingRecord("press-1"), desk=desk)
    trigger = a_trigger(seconds=0.02)
    desk.offer(trigger)
    reporter.answer(entry(outcome=outcome), trigger)

    ((answer, _),) = link.answers
    assert answer.outcome is Outcome.ERROR
    assert answer.reason == ("deadline" if overtaken else None)
    assert metrics.VERDICTS_OVERTAKEN.labels("press-1")._value.get() == before + overtaken
    assert [each.outcome for each in link.inspections] == [outcome, Outcome.ERROR][: 1 + overtaken]
    assert len({each.id for each in link.inspections}) == 1 + overtaken
    assert desk.offer(trigger).answer == answer


def test_sinks_are_closed_before_the_record(desk):
    closed = []

    class Closing(RememberingSink):
        def close(self):
            closed.append("sink")

    class ClosingRecord(MemoryRecord):
        def close(self):
            closed.append("record")

    Reporter("press-1", sinks={"a": Closing(), "b": Closing()}, record=ClosingRecord("press-1"), desk=desk).close()

    assert closed == ["sink", "sink", "record"]
