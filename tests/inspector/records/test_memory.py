import pytest

from inspector import metrics
from inspector.records.memory import MemoryRecord
from tests.contracts.test_sinks import an_inspection


@pytest.fixture
def record():
    return MemoryRecord("press-1", ["mqtt"], limit=3)


def dropped():
    return metrics.OUTBOX_DROPPED.labels("press-1", "mqtt")._value.get()


def waiting(record, after=-1):
    return [sequence for sequence, _ in record.backlog("mqtt", after, 100)]


def test_inspections_are_numbered_and_wait_until_they_are_delivered(record):
    numbered = [record.append(an_inspection(77)) for _ in range(3)]
    assert [each.sequence for each in numbered] == [0, 1, 2]
    assert record.backlog("mqtt", 0, 1) == [(1, numbered[1].model_dump_json())]
    record.delivered("mqtt", [0, 2, 99])

    assert waiting(record) == [1]
    assert record.newest() == 2


def test_the_oldest_are_dropped_counted_and_said_once(record, caplog):
    before = dropped()
    for _ in range(5):
        record.append(an_inspection())

    assert waiting(record) == [2, 3, 4]
    assert dropped() == before + 2
    assert caplog.text.count("the oldest are lost from now on") == 1


def test_what_still_waits_at_the_end_is_counted_and_said(record, caplog):
    before = dropped()
    record.append(an_inspection())
    record.close()
    record.close()

    assert dropped() == before + 1
    assert caplog.text.count("1 results never reached mqtt and are lost") == 1


def test_without_receivers_nothing_waits():
    record = MemoryRecord("press-1")
    record.append(an_inspection())
    record.close()

    assert record.answer_to("t1") is None
