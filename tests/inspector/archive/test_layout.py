import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from inspector.archive.layout import ID, NAME, UNFINISHED, date_of, first_id, is_id, name_of, time_of
from inspector.inspection import Outcome
from tests.archived import NOON, id_at

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9700, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC it is


def test_the_names_of_one_inspection_lie_beside_each_other():
    names = [name_of("01KAT3V6V2M8RFX5YF6S8T4N3Q", Outcome.FAIL, part) for part in ("jpg", "heat.jpg", "json")]

    assert names == [f"01KAT3V6V2M8RFX5YF6S8T4N3Q.fail.{each}" for each in ("jpg", "heat.jpg", "json")]
    assert all(NAME.fullmatch(name) for name in names)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../../etc/passwd",
        "01KAT3V6V2M8RFX5YF6S8T4N3",
        "01KAT3V6V2M8RFX5YF6S8T4N3QQ",
        "01KAT3V6V2M8RFX5YF6S8T4N3q",
        "01KAT3V6V2M8RFX5YF6S8T4N3U",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "01KAT3V6V2M8RFX5YF6S8T4N3Q\n",
        "01KAT3V6V2M8RFX5YF6S8T4N*",
        "\N{ARABIC-INDIC DIGIT ZERO}1KAT3V6V2M8RFX5YF6S8T4N3Q",
    ],
)
def test_nothing_but_an_id_is_one(text):
    assert not is_id(text)
    with pytest.raises(ValueError, match="no id"):
        date_of(text)


@given(st.from_regex(ID, fullmatch=True))
def test_every_id_has_a_date(inspection_id):
    assert date_of(inspection_id) == time_of(inspection_id).strftime("%Y-%m-%d").rjust(10, "0")


@given(MOMENTS, MOMENTS)
def test_ids_of_a_time_are_told_from_earlier_ones(one, other):
    one, other = (each.replace(microsecond=each.microsecond // 1000 * 1000) for each in (one, other))

    assert (str(ULID.from_datetime(one)) >= first_id(other)) == (one >= other)


def test_before_1970_there_was_no_id():
    assert first_id(datetime(1900, 1, 1, tzinfo=UTC)) == "0" * 26


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_the_day_is_that_of_utc_wherever_the_line_is(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert date_of(id_at(NOON.replace(hour=0))) == date_of(id_at(NOON.replace(hour=23))) == "2026-11-24"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("name", ["01KAT3V6V2M8RFX5YF6S8T4N3Q.fail.jpg.part", ".x.part", "notes.txt", "x.fail.jpg"])
def test_what_is_not_complete_or_not_ours_is_no_archived_file(name):
    assert not NAME.fullmatch(name)


def test_what_is_being_written_is_told_by_its_name():
    assert UNFINISHED.fullmatch(".01KAT3V6V2M8RFX5YF6S8T4N3Q.fail.jpg.part")
    assert not UNFINISHED.fullmatch("01KAT3V6V2M8RFX5YF6S8T4N3Q.fail.jpg")
