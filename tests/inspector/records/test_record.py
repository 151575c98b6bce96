import json
import shutil
import sqlite3
from contextlib import closing
from itertools import chain
from threading import Thread

import pytest
from prometheus_client import REGISTRY

from inspector.inspection import Inspection, Outcome
from tests.entries import STATION, Clock, entry, open_record


def sequences(backlog):
    return [sequence for sequence, _ in backlog]


def rows(file, what):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(f"SELECT {what} FROM rows ORDER BY number").fetchall()


def test_inspections_are_numbered_from_0_whatever_they_come_with(record):
    assert [record.append(entry(sequence=7)).sequence for _ in range(3)] == [0, 1, 2]


def test_all_else_of_an_inspection_stays_as_it_was(record):
    given = entry(trigger_id="t", part_id="p", outcome=Outcome.FAIL, nearest_type="scratch")

    assert record.append(given).model_copy(update={"sequence": 0}) == given


def test_the_sequence_goes_on_after_a_restart_and_notes_have_none(tmp_path):
    first = open_record(tmp_path)
    first.append(entry())
    first.note("stop", {})
    first.close()

    second = open_record(tmp_path)
    try:
        assert second.append(entry()).sequence == 1
    finally:
        second.close()


def test_a_row_is_on_the_disk_when_append_returns(record, file):
    record.append(entry(trigger_id="t-1", part_id="p-1", outcome=Outcome.FAIL))

    assert rows(file, "number, kind, sequence, trigger_id, part_id, outcome, at") == [
        (1, "inspection", 0, "t-1", "p-1", "FAIL", "2026-11-24T06:00:00.000000Z")
    ]


def test_a_note_says_when_it_was_taken(tmp_path, file):
    record = open_record(tmp_path, now=Clock())
    record.note("command", {"by": "night shift", "command": "pause", "at": "yesterday"})
    record.close()

    ((payload,),) = rows(file, "payload")
    assert json.loads(payload) == {"at": "2026-11-24T06:00:00.000000Z", "by": "night shift", "command": "pause"}


def test_a_note_holds_whatever_a_client_sent(record, file):
    record.note("command", {"by": "\ud800", "levels": [float("nan"), {"deep": float("inf")}], "text": "a\0ü"})

    ((payload,),) = rows(file, "payload")
    said = json.loads(payload)
    assert (said["by"], said["levels"], said["text"]) == ("\ud800", [None, {"deep": None}], "a\0ü")


@pytest.mark.parametrize("kind", ["inspection", "lost", "", "Command", "set-recipe", "a b", "é"])
def test_a_kind_that_nobody_could_look_for_is_refused(record, kind):
    with pytest.raises(ValueError, match="is no kind of note"):
        record.note(kind, {})


def test_both_receivers_wait_for_each_inspection_until_they_have_delivered_it(record):
    said = [record.append(entry()) for _ in range(3)]

    record.delivered("mqtt", [0, 2])

    assert sequences(record.backlog("mqtt")) == [1]
    assert sequences(record.backlog("sparkplug")) == [0, 1, 2]
    assert [Inspection.model_validate_json(text) for _, text in record.backlog("sparkplug")] == said


def test_a_backlog_is_read_in_pieces(record):
    for _ in range(5):
        record.append(entry())
    record.delivered("mqtt", [1])

    assert sequences(record.backlog("mqtt", limit=2)) == [0, 2]
    assert sequences(record.backlog("mqtt", after=2, limit=2)) == [3, 4]
    assert record.backlog("mqtt", after=4) == []


def test_notes_are_for_the_record_alone(record):
    record.note("start", {})

    assert record.backlog("mqtt") == []


def test_what_was_delivered_is_known_after_a_restart(tmp_path):
    first = open_record(tmp_path)
    for _ in range(3):
        first.append(entry())
    first.delivered("mqtt", [0, 1])
    first.close()

    second = open_record(tmp_path)
    try:
        assert sequences(second.backlog("mqtt")) == [2]
        assert second.waiting("mqtt") == 1
    finally:
        second.close()


def test_delivering_twice_or_what_never_was_counts_nothing(record):
    for _ in range(2):
        record.append(entry())

    record.delivered("mqtt", [0, 0, 99])
    record.delivered("mqtt", [0])
    record.tend()

    assert record.waiting("mqtt") == 1


def test_the_gauge_tells_what_waits(record):
    for _ in range(4):
        record.append(entry())
    record.delivered("sparkplug", [0])
    record.tend()

    assert REGISTRY.get_sample_value("inspector_outbox_rows", {"station": STATION, "sink": "mqtt"}) == 4
    assert REGISTRY.get_sample_value("inspector_outbox_rows", {"station": STATION, "sink": "sparkplug"}) == 3


def test_the_keeper_writes_down_what_was_delivered_without_another_append(tmp_path):
    told = []
    record = open_record(tmp_path, on_trouble=told.append)
    try:
        record.append(entry())
        record.delivered("mqtt", [0])
        while record.waiting("mqtt"):
            record._keeper._thread.join(0.01)
    finally:
        record.close()
    assert told == []


def test_neither_a_late_verdict_nor_a_forged_trigger_takes_the_place_of_an_answer(record):
    answer = record.append(entry(trigger_id="t-1", outcome=Outcome.ERROR, reason="deadline"))
    record.append(entry(trigger_id="t-1", outcome=Outcome.ERROR, reason="late"))
    record.append(entry(trigger_id="t-1", outcome=Outcome.ERROR, reason="duplicate_trigger"))
    record.append(entry(trigger_id="t-2"))

    assert record.answer_to("t-1") == answer
    assert record.answer_to("t-3") is None


def test_an_error_that_overtook_a_verdict_is_the_answer(record):
    record.append(entry(trigger_id="t-1", outcome=Outcome.PASS))
    overtaking = record.append(entry(trigger_id="t-1", outcome=Outcome.ERROR, reason="deadline"))

    assert record.answer_to("t-1") == overtaking


def test_an_answer_is_found_after_a_restart(tmp_path):
    first = open_record(tmp_path)
    said = first.append(entry(trigger_id="t-1"))
    first.close()

    second = open_record(tmp_path)
    try:
        assert second.answer_to("t-1") == said
    finally:
        second.close()


@pytest.mark.parametrize("trigger_id", ["half a \ud83d pair", "\\ud83d", "a\0b", "a", "", "ünï", "💡"])
def test_any_text_can_be_a_trigger_and_is_told_from_every_other(record, trigger_id):
    others = {"half a \ud83d pair", "half a \\ud83d pair", "\ud83d", "\\ud83d", "a\0b", "a", "", "ünï", "💡"}
    for other in sorted(others - {trigger_id}):
        record.append(entry(trigger_id=other))
    assert record.answer_to(trigger_id) is None

    said = record.append(entry(trigger_id=trigger_id, part_id=trigger_id))

    assert record.answer_to(trigger_id) == said


def test_threads_share_one_gapless_sequence_and_their_rows_one_chain(record):
    said = [[], [], []]

    def append(mine):
        for _ in range(50):
            mine.append(record.append(entry()).sequence)
            record.note("command", {})

    threads = [Thread(target=append, args=(mine,)) for mine in said]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(chain.from_iterable(said)) == list(range(150))
    assert all(mine == sorted(mine) for mine in said)
    assert len(record.backlog("mqtt", limit=1000)) == 150


def test_each_append_is_measured(tmp_path):
    def measured():
        return REGISTRY.get_sample_value("inspector_record_seconds_count", {"station": STATION}) or 0

    record, before = open_record(tmp_path), measured()
    try:
        record.append(entry())
    finally:
        record.close()
    assert measured() == before + 1


def test_a_closed_record_takes_nothing(record):
    record.close()

    with pytest.raises(RuntimeError, match="the record of press-1 is closed"):
        record.append(entry())


def test_a_bug_in_the_keeper_shows_where_it_is_seen(tmp_path):
    record = open_record(tmp_path)
    record._keeper._tend = lambda: 1 / 0
    record._keeper.wake()
    record._keeper._thread.join()

    with pytest.raises(RuntimeError) as error:
        record.append(entry())
    assert isinstance(error.value.__cause__, ZeroDivisionError)
    record.close()


def test_thousands_of_deliveries_at_once_are_written_down_in_pieces(tmp_path):
    record = open_record(tmp_path)
    for _ in range(1000):
        record.append(entry())
    record.delivered("mqtt", range(999))
    record.tend()

    assert record.waiting("mqtt") == 1
    record.close()


def test_the_log_is_carried_into_the_file_while_the_daemon_runs(tmp_path, file, monkeypatch):
    monkeypatch.setattr("inspector.records.record.LONGEST_LOG_PAGES", 0)
    record = open_record(tmp_path)
    for _ in range(100):
        record.append(entry())
    record._next_checkpoint_s = 0
    record.tend()
    alone = shutil.copy(file, tmp_path / "alone.sqlite")
    record.close()

    assert len(rows(alone, "number")) == 100


def test_a_file_that_cannot_be_read_has_no_answers_and_stops_nothing(record, caplog):
    said = record.append(entry(trigger_id="t"))
    record._lookup.close()

    assert record.answer_to("t") is None
    assert record.backlog("mqtt") == []
    assert record.append(entry()).sequence == said.sequence + 1
    assert "press-1.sqlite cannot be read: " in caplog.text
