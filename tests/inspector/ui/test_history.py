import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from inspector.errors import ConfigError
from inspector.inspection import Outcome, utc_now
from inspector.records.filter import Filter
from inspector.ui.history import REJECTS, History
from tests.inspector.ui.conftest import an_inspection


@pytest.fixture
def record(records):
    record = records.open("press-1", [])
    yield record
    record.close()


@pytest.fixture
def history(records):
    return History(records.folder, "press-1")


def ids(parts):
    return [part.inspection.id for part in parts]


def test_before_the_daemon_has_begun_there_is_nothing(history):
    assert history.parts(Filter(), 10) == []
    assert history.part("01ARZ3NDEKTSV4RRFFQ69G5FAV") is None
    assert history.alarms() == []
    assert history.newest() == 0


@pytest.mark.parametrize("begun", [b"", None])
def test_while_the_daemon_makes_the_file_there_is_nothing_yet(history, records, begun):
    records.folder.mkdir()
    file = records.folder / "press-1.sqlite"
    if begun is None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    else:
        file.write_bytes(begun)

    assert history.parts(Filter(), 10) == []
    assert history.newest() == 0


def test_parts_come_newest_first_and_go_on_below(record, history):
    said = [record.append(an_inspection()).id for _ in range(5)]

    newest = history.parts(Filter(), 2)
    assert ids(newest) == [said[4], said[3]]
    assert ids(history.parts(Filter(below=newest[-1].number), 10)) == [said[2], said[1], said[0]]


def test_rejects_are_both_kinds_in_their_order(record, history):
    outcomes = [Outcome.FAIL, Outcome.PASS, Outcome.ERROR, Outcome.FAIL, Outcome.ERROR]
    said = [record.append(an_inspection(outcome)).id for outcome in outcomes]

    assert ids(history.parts(Filter(), 3, REJECTS)) == [said[4], said[3], said[2]]
    assert ids(history.parts(Filter(), 10, (Outcome.FAIL,))) == [said[3], said[0]]


def test_a_type_a_part_and_a_time_narrow_the_list(record, history):
    old = record.append(an_inspection(Outcome.FAIL, nearest_type="crack", captured_at=utc_now() - timedelta(hours=2)))
    new = record.append(an_inspection(Outcome.FAIL, nearest_type="crack", part_id="lid-7"))
    record.append(an_inspection(Outcome.FAIL, nearest_type="dent"))

    assert ids(history.parts(Filter(nearest_type="crack"), 10)) == [new.id, old.id]
    assert ids(history.parts(Filter(nearest_type="crack", since=utc_now() - timedelta(hours=1)), 10)) == [new.id]
    assert ids(history.parts(Filter(part_id="lid-7"), 10)) == [new.id]
    assert ids(history.parts(Filter(until=utc_now() - timedelta(hours=1)), 10)) == [old.id]


def test_a_part_is_found_by_its_inspection(record, history):
    first = record.append(an_inspection())
    record.append(an_inspection())

    assert history.part(first.id).inspection == first


def test_alarms_are_those_that_nobody_has_reset(record, history):
    def alarm(name, state):
        record.note("alarm", {"alarm": name, "state": state, "since": utc_now().isoformat(), "message": "look"})

    alarm("camera_lost", "active")
    alarm("fail_rate", "active")
    assert [(each.alarm, each.state) for each in history.alarms()] == [
        ("camera_lost", "active"),
        ("fail_rate", "active"),
    ]

    alarm("camera_lost", "acknowledged")
    alarm("fail_rate", "reset")
    assert [(each.alarm, each.state) for each in history.alarms()] == [("camera_lost", "acknowledged")]


def test_the_newest_row_counts_notes_too(record, history):
    record.append(an_inspection())
    before = history.newest()

    record.note("command", {"command": "pause"})

    assert history.newest() == before + 1


def test_what_is_no_record_is_said(history, records):
    records.folder.mkdir()
    (records.folder / "press-1.sqlite").write_text("nothing of the kind" * 100)

    with pytest.raises(ConfigError, match=r"press-1\.sqlite"):
        history.parts(Filter(), 1)


def test_scores_come_newest_first_with_what_judged(record, history):
    said = [record.append(an_inspection(outcome, bundle=bundle * 64)) for outcome, bundle in
            ((Outcome.PASS, "a"), (Outcome.ERROR, "b"), (Outcome.FAIL, "c"))]  # fmt: skip
    record.note("start", {})

    found = history.scored(2)

    assert [(each.score, each.bundle[0]) for each in found] == [(3.0, "c"), (None, "b")]
    assert found[0].at == said[2].captured_at
