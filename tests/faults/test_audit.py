"""The books can be found wrong: what would be missed here would be missed after a run of faults."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from tests.faults.audit import Audit, all_alike, length_s, overlaps, went_with_the_broker

DOWN_TIMES = [(10.0, 12.0, "broker killed"), (20.0, float("inf"), "daemon killed")]


@pytest.mark.parametrize(
    ("began_s", "ended_s", "is_excused"),
    [(9.0, 9.9, False), (9.0, 10.1, True), (10.5, 11.0, True), (11.9, 13.0, True), (12.1, 19.0, False), (30, 31, True)],
)
def test_only_what_touches_a_down_time_is_excused(began_s, ended_s, is_excused):
    assert overlaps(began_s, ended_s, DOWN_TIMES) == is_excused


@pytest.mark.parametrize(
    ("captured_at", "is_explained"), [("11:59:59.5", True), ("11:59:58", False), ("12:00:01", False)]
)
def test_only_the_last_second_of_a_broker_explains_a_row_that_nobody_got(captured_at, is_explained):
    row = {"captured_at": f"2026-01-01T{captured_at}Z"}

    assert went_with_the_broker(row, [datetime(2026, 1, 1, 12, tzinfo=UTC)]) == is_explained


def test_down_times_that_overlap_count_once():
    assert length_s([(1.0, 3.0, "a"), (2.0, 5.0, "b"), (2.5, 4.0, "c"), (7.0, 8.0, "d")]) == 5.0


def test_a_duplicate_is_alike_but_for_being_historical():
    first = {"id": "A", "outcome": "PASS", "historical": False}

    assert all_alike([first, {**first, "historical": True}])
    assert not all_alike([first, {**first, "outcome": "FAIL"}])


def test_whatever_must_be_0_and_is_not_is_named():
    numbers = {field.name: 0 for field in fields(Audit)}
    fine = Audit(**{**numbers, "chain": "", "triggers": 1})

    assert fine.broken == {}
    assert replace(fine, false_accepts=1, chain="broken").broken == {"false_accepts": 1, "chain": "broken"}
    assert replace(fine, duplicates_not_recognisable=2).broken == {"duplicates_not_recognisable": 2}
