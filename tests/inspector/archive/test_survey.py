import os
import shutil
import time

import pytest

from inspector.archive.layout import Day
from inspector.archive.survey import (
    dates_in,
    delete,
    delete_if_empty,
    entries_of,
    entry_of,
    stations_in,
    unfinished_of,
)
from inspector.inspection import Outcome
from tests.archived import id_at, names, put
from tests.entries import STATION


def everything(folder):
    return [entry for days in dates_in(folder) for entry in entries_of(folder, days)]


def test_entries_come_in_the_order_of_their_times_over_all_stations(tmp_path):
    ids = [id_at(days=-1), id_at(), id_at(hours=1)]
    put(tmp_path, ids[2], station="a")
    put(tmp_path, ids[1], Outcome.FAIL, station="b", blocks=3, parts=("jpg", "heat.jpg", "json"))
    put(tmp_path, ids[0], Outcome.ERROR, station="a", parts=("png",))

    first, second, third = everything(tmp_path)

    assert [each.id for each in (first, second, third)] == ids
    assert second.files == tuple(f"{ids[1]}.fail.{part}" for part in ("heat.jpg", "jpg", "json"))
    assert (second.day, second.outcome, second.bytes) == (Day("2026-11-24", "b"), Outcome.FAIL, 9 * 4096)
    assert [each.is_reject for each in (first, second, third)] == [True, True, False]
    assert second.file("heat.jpg") == f"{ids[1]}.fail.heat.jpg"
    assert first.file("jpg") is None


def test_what_the_archive_did_not_make_is_not_looked_at(tmp_path):
    (path,) = put(tmp_path, id_at(), parts=("jpg",))
    for name in ("notes.txt", ".hidden", "x.fail.jpg", f"{id_at()}.maybe.jpg"):
        (path.parent / name).write_text("mine")
    (path.parent / f"{id_at()}.fail.json").mkdir()
    (tmp_path / ".holds").mkdir()
    (tmp_path / STATION / "not-a-date").mkdir()
    (tmp_path / "README").write_text("mine")

    assert [each.files for each in everything(tmp_path)] == [(path.name,)]
    assert stations_in(tmp_path) == [STATION]


@pytest.mark.parametrize("which", ["station", "day", "file"])
def test_no_link_leads_out_of_the_folder(tmp_path, which):
    inside, outside = tmp_path / "archive", tmp_path / "outside"
    (path,) = put(outside, inspection_id := id_at(), parts=("jpg",))
    link, target = {
        "station": (inside / STATION, outside / STATION),
        "day": (inside / STATION / "2026-11-24", path.parent),
        "file": (inside / STATION / "2026-11-24" / path.name, path),
    }[which]
    link.parent.mkdir(parents=True)
    link.symlink_to(target)

    assert everything(inside) == []
    assert entry_of(inside, inspection_id) is None
    # What was a folder when it was looked at may be a link by the time that a file in it is deleted.
    if which != "file":
        with pytest.raises(OSError):
            delete(inside, Day("2026-11-24", STATION), (path.name,))
    assert path.exists()


def test_an_entry_is_found_by_its_id(tmp_path):
    put(tmp_path, id_at(), station="a")
    put(tmp_path, wanted := id_at(), Outcome.FAIL, station="b")
    put(tmp_path, id_at(days=1), station="a")

    assert entry_of(tmp_path, wanted).day.station == "b"
    assert entry_of(tmp_path, id_at()) is None


def test_unfinished_files_are_told_by_name_and_age(tmp_path):
    (path,) = put(tmp_path, id_at(), parts=("jpg",))
    old, new = (path.with_name(f".{name}.part") for name in ("old", "new"))
    for each in (old, new):
        each.touch()
    os.utime(old, (time.time() - 4000, time.time() - 4000))

    assert unfinished_of(tmp_path, Day("2026-11-24", STATION), time.time() - 3600) == (old.name,)


def test_deleting_what_is_gone_is_no_mistake_and_only_an_empty_day_goes(tmp_path):
    (path,) = put(tmp_path, id_at(), parts=("jpg",))
    day = Day("2026-11-24", STATION)

    delete_if_empty(tmp_path, day)
    assert names(tmp_path)
    delete(tmp_path, day, ("gone", path.name))
    delete_if_empty(tmp_path, day)

    assert not path.parent.exists()


def test_a_day_that_is_deleted_meanwhile_holds_nothing(tmp_path):
    put(tmp_path, id_at())
    ((day,),) = dates_in(tmp_path)
    shutil.rmtree(tmp_path / STATION)

    assert entries_of(tmp_path, [day]) == []
