from datetime import UTC, datetime, timedelta, timezone

import pytest
from ulid import ULID

from inspector.inspection import Inspection, Outcome
from inspector.records import RecordSettings
from inspector.records.reading import reading
from inspector.records.schema import file_of
from inspector.records.summary import summarise

SIX = datetime(2026, 11, 26, 6, tzinfo=UTC)


@pytest.fixture
def record(tmp_path):
    record = RecordSettings(folder=tmp_path).open("press-1", [])
    yield record
    record.close()


def say(record, minutes, outcome, **fields):
    record.append(
        Inspection(
            id=str(ULID()),
            station="press-1",
            sequence=0,
            outcome=outcome,
            threshold=1.0,
            captured_at=SIX + timedelta(minutes=minutes),
            bundle="b",
            **fields,
        )
    )


def summary(tmp_path, since, until):
    with reading(file_of(tmp_path, "press-1")) as connection:
        return summarise(connection, since, until)


def test_everything_of_the_span_is_counted_and_nothing_else(record, tmp_path):
    say(record, -1, Outcome.PASS)
    say(record, 0, Outcome.PASS)
    say(record, 10, Outcome.FAIL, nearest_type="crack")
    say(record, 70, Outcome.FAIL, nearest_type="crack")
    say(record, 80, Outcome.FAIL)
    say(record, 119, Outcome.ERROR, reason="camera_lost")
    say(record, 120, Outcome.PASS)

    found = summary(tmp_path, SIX, SIX + timedelta(hours=2))

    assert found.outcomes == {Outcome.PASS: 1, Outcome.FAIL: 3, Outcome.ERROR: 1}
    assert found.types == {"crack": 2, "unknown": 1}
    assert found.reasons == {"camera_lost": 1}
    assert [(hour.begins, dict(hour.outcomes)) for hour in found.hours] == [
        (SIX, {Outcome.PASS: 1, Outcome.FAIL: 1}),
        (SIX + timedelta(hours=1), {Outcome.FAIL: 2, Outcome.ERROR: 1}),
    ]
    assert found.parts == 5
    assert found.availability == pytest.approx(0.8)
    assert found.share(Outcome.FAIL) == pytest.approx(0.6)


def test_an_empty_span_has_no_shares(record, tmp_path):
    say(record, 0, Outcome.PASS)

    found = summary(tmp_path, SIX + timedelta(hours=1), SIX + timedelta(hours=3))

    assert (found.parts, found.availability, found.share(Outcome.FAIL)) == (0, None, None)
    assert [hour.outcomes.total() for hour in found.hours] == [0, 0]


@pytest.mark.parametrize("minutes", [60, 330, -210, 345])
def test_hours_are_those_of_the_place_also_where_they_begin_at_the_half(record, tmp_path, minutes):
    zone = timezone(timedelta(minutes=minutes))
    say(record, 0, Outcome.PASS)
    say(record, 29, Outcome.FAIL)
    say(record, 31, Outcome.FAIL)
    since = SIX.astimezone(zone) - timedelta(hours=1)

    found = summary(tmp_path, since, since + timedelta(hours=3))

    assert found.parts == 3
    said = {hour.begins: hour.outcomes.total() for hour in found.hours if hour.outcomes}
    expected = {}
    for minute in (0, 29, 31):
        local = (SIX + timedelta(minutes=minute)).astimezone(zone).replace(minute=0)
        expected[local] = expected.get(local, 0) + 1
    assert said == expected


def test_alarms_of_the_span_are_there_in_their_order(record, tmp_path):
    before = datetime.now(UTC)
    for state in ("active", "acknowledged", "reset"):
        record.note("alarm", {"alarm": "fail_rate", "state": state, "since": before.isoformat(), "message": "look"})

    found = summary(tmp_path, before, datetime.now(UTC) + timedelta(seconds=1))

    assert [alarm["state"] for alarm in found.alarms] == ["active", "acknowledged", "reset"]
    assert summary(tmp_path, before - timedelta(hours=1), before).alarms == []
