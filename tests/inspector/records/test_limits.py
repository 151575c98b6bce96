import sqlite3
from contextlib import closing

import pytest
from prometheus_client import REGISTRY

from tests.entries import STATION, Clock, entry, open_record


def numbers(file):
    with closing(sqlite3.connect(file)) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM rows ORDER BY number")]


def waiting(record, receiver="mqtt"):
    return [sequence for sequence, _ in record.backlog(receiver, limit=1000)]


def dropped(sink="mqtt"):
    return REGISTRY.get_sample_value("inspector_outbox_dropped_total", {"station": STATION, "sink": sink}) or 0


@pytest.fixture
def opened(tmp_path):
    """Opens records that are closed in the end."""
    records = []

    def open_one(*arguments, **settings):
        records.append(open_record(tmp_path, *arguments, **settings))
        return records[-1]

    yield open_one
    for record in records:
        record.close()


def test_of_too_many_rows_the_oldest_are_taken_away(opened, file):
    record = opened(keep_rows=120)
    for _ in range(300):
        record.append(entry())
    record.tend()

    assert numbers(file) == list(range(181, 301))


def test_rows_that_are_too_old_are_taken_away(opened, file):
    clock = Clock()
    record = opened(keep_days=30, now=clock, outbox_age_s=1e9)
    record.append(entry())
    record.note("stop", {})
    clock.forward(days=20)
    record.append(entry(captured_at=clock()))
    clock.forward(days=20)
    record.tend()

    assert numbers(file) == [3]


def test_a_record_whose_rows_are_all_gone_goes_on(opened, file):
    clock = Clock()
    record = opened(keep_days=1, now=clock)
    record.append(entry())
    clock.forward(days=2)
    record.tend()
    record.close()
    assert numbers(file) == []

    again = opened(now=clock)
    assert again.append(entry(captured_at=clock())).sequence == 1
    assert numbers(file) == [2]


def test_what_is_pruned_waits_no_longer_and_is_counted(opened):
    before = dropped()
    record = opened(keep_rows=10)
    for _ in range(30):
        record.append(entry())
    record.delivered("mqtt", range(5))
    record.tend()

    assert waiting(record) == list(range(20, 30))
    assert record.waiting("mqtt") == 10
    assert dropped() - before == 15


def test_of_too_many_that_wait_the_oldest_are_given_up_and_counted(opened, caplog):
    before, other_before = dropped(), dropped("sparkplug")
    record = opened(("mqtt", "sparkplug"), outbox_rows=3)
    for _ in range(8):
        record.delivered("sparkplug", [record.append(entry()).sequence])

    assert waiting(record) == [5, 6, 7]
    assert dropped() - before == 5
    assert dropped("sparkplug") == other_before
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == [
        "results for mqtt are given up: more of them wait than outbox_rows or outbox_bytes allow"
    ]


def test_an_episode_ends_when_nothing_waits_and_its_sum_is_said(opened, caplog):
    record = opened(outbox_rows=2)
    for _ in range(2):
        for _ in range(5):
            record.append(entry())
        record.delivered("mqtt", range(100))
        record.tend()

    said = [each.getMessage() for each in caplog.records]
    assert said.count("3 results for mqtt were given up in all") == 2
    assert len(said) == 4


def test_bytes_are_a_bound_too(opened):
    record = opened(outbox_bytes=10_000)
    for _ in range(30):
        record.append(entry())
    size = len(record.backlog("mqtt", limit=1)[0][1])

    assert len(waiting(record)) == 10_000 // size
    assert waiting(record)[-1] == 29


def test_what_waits_for_too_long_is_given_up_and_counted(opened):
    before, clock = dropped(), Clock()
    record = opened(now=clock, outbox_age_s=60)
    record.append(entry())
    clock.forward(seconds=59)
    record.append(entry())
    record.tend()
    assert waiting(record) == [0, 1]

    clock.forward(seconds=2)
    record.tend()

    assert waiting(record) == [1]
    assert dropped() - before == 1


def test_narrower_bounds_hold_from_the_next_append_on(opened):
    record = opened()
    for _ in range(20):
        record.append(entry())
    record.close()

    again = opened(outbox_rows=4)
    again.append(entry())

    assert waiting(again) == [17, 18, 19, 20]


def test_a_sink_that_is_gone_waits_for_nothing(opened, caplog):
    before = dropped("sparkplug")
    record = opened(("mqtt", "sparkplug"))
    for _ in range(3):
        record.append(entry())
    record.close()

    opened(("mqtt",)).close()

    again = opened(("mqtt", "sparkplug"))
    assert dropped("sparkplug") - before == 3
    assert "results for sparkplug are given up: the station has no such sink any more" in caplog.text
    assert (again.waiting("mqtt"), again.waiting("sparkplug")) == (3, 0)


def test_a_new_sink_gets_what_is_said_from_now_on(opened):
    record = opened(())
    record.append(entry())
    record.close()

    again = opened(("mqtt",))
    again.append(entry())

    assert waiting(again) == [1]
