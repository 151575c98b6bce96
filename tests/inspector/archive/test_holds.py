import os
from datetime import UTC, datetime, timedelta, timezone
from threading import Event, Thread

import pytest

from inspector.archive.holds import Hold, Holds, locked, place, release
from inspector.archive.layout import Day, date_of
from inspector.archive.survey import Entry
from inspector.errors import ArchiveError
from inspector.inspection import Outcome
from tests.archived import NOON, id_at, put

WHY = {"reason": "complaint 4711", "by": "anna"}


def an_entry(inspection_id, station="a"):
    return Entry(inspection_id, Outcome.PASS, Day(date_of(inspection_id), station), (), 0)


def test_a_hold_of_ids_covers_these_and_no_others(tmp_path):
    held, other = id_at(), id_at()
    put(tmp_path, held)
    placed = place(tmp_path, inspections=(held,), **WHY)

    holds = Holds.read(tmp_path)

    assert holds.all == (placed,)
    assert holds.of(an_entry(held)) == [placed]
    assert holds.of(an_entry(other)) == []


def test_what_is_held_twice_stays_until_both_are_released(tmp_path):
    held = id_at()
    put(tmp_path, held)
    of_id, of_time = place(tmp_path, inspections=(held, held), **WHY), place(tmp_path, since=NOON, **WHY)
    assert Holds.read(tmp_path).of(an_entry(held)) == [of_id, of_time]

    release(tmp_path, of_id.id, **WHY)
    assert Holds.read(tmp_path).of(an_entry(held)) == [of_time]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-8))])
def test_a_hold_of_a_time_covers_it_from_its_start_to_just_before_its_end_in_any_zone(tmp_path, zone):
    since = NOON.astimezone(zone)
    place(tmp_path, since=since, until=since + timedelta(hours=1), **WHY)
    holds = Holds.read(tmp_path)

    moments = {minutes: id_at(minutes=minutes) for minutes in (-1, 0, 59, 60)}
    assert [minutes for minutes, each in moments.items() if holds.of(an_entry(each))] == [0, 59]


def test_a_hold_may_be_of_one_station_and_have_no_end(tmp_path):
    place(tmp_path, since=NOON, station="a", **WHY)
    holds = Holds.read(tmp_path)

    assert holds.of(an_entry(id_at(days=4000), "a"))
    assert not holds.of(an_entry(id_at(days=4000), "b"))


def test_a_release_is_noted_and_the_hold_stays_on_file(tmp_path):
    put(tmp_path, held := id_at())
    first, second = place(tmp_path, inspections=(held,), **WHY), place(tmp_path, inspections=(held,), **WHY)

    released = release(tmp_path, first.id, reason="closed", by="ben")

    holds = Holds.read(tmp_path)
    assert set(holds.all) == {released, second}
    assert (released.released.by, released.released.reason, released.reason) == ("ben", "closed", "complaint 4711")
    assert holds.of(an_entry(held)) == [second]
    for unknown in (first.id, id_at()):
        with pytest.raises(KeyError):
            release(tmp_path, unknown, **WHY)


def test_what_is_not_archived_cannot_be_held(tmp_path):
    put(tmp_path, there := id_at())

    with pytest.raises(KeyError) as raised:
        place(tmp_path, inspections=(missing := id_at(), there), **WHY)
    assert raised.value.args == (missing,)
    assert Holds.read(tmp_path).all == ()


def test_a_hold_waits_for_a_prune_at_work(tmp_path):
    begun = Event()

    def hold():
        begun.set()
        place(tmp_path, since=NOON, **WHY)

    with locked(tmp_path) as alone:
        assert alone
        holder = Thread(target=hold)
        holder.start()
        begun.wait(20)
        assert Holds.read(tmp_path).all == ()
    holder.join(20)

    assert len(Holds.read(tmp_path).all) == 1


def test_what_a_crash_left_of_a_hold_is_no_hold(tmp_path):
    place(tmp_path, since=NOON, **WHY)
    (tmp_path / ".holds" / ".01KAT3V6V2M8RFX5YF6S8T4N3Q.json.part").write_text("{")

    assert len(Holds.read(tmp_path).all) == 1


def test_holds_that_cannot_be_listed_are_told(tmp_path):
    (tmp_path / ".holds").touch()

    with pytest.raises(ArchiveError, match="Not a directory; nothing is deleted"):
        Holds.read(tmp_path)


def test_a_hold_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(ArchiveError, match="cannot be used: No such file"):
        place(tmp_path / "missing", since=NOON, **WHY)
    (tmp_path / ".holds").touch()
    with pytest.raises(ArchiveError, match="cannot be noted"):
        place(tmp_path, since=NOON, **WHY)


def test_whoever_places_a_hold_the_daemon_can_read_it(tmp_path):
    before = os.umask(0o027)
    try:
        hold = place(tmp_path, since=NOON, **WHY)
    finally:
        os.umask(before)

    assert (tmp_path / ".holds" / f"{hold.id}.json").stat().st_mode & 0o044 == 0o044
    assert (tmp_path / ".holds").stat().st_mode & 0o055 == 0o055


def test_the_moment_is_noted_in_utc(tmp_path):
    hold = place(tmp_path, since=datetime(2026, 11, 24, tzinfo=timezone(timedelta(hours=9))), **WHY)

    assert hold.at.tzinfo is UTC
    assert Hold.model_validate_json(hold.model_dump_json()) == hold
