import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ulid import ULID

from inspector.archive.holds import locked, place, release
from inspector.archive.layout import time_of
from inspector.archive.prune import Limits, prune
from inspector.errors import ArchiveError
from inspector.inspection import Outcome
from tests.archived import NOON, id_at, names, put
from tests.entries import STATION

UNLIMITED = {"pass_days": 1e4, "reject_days": 1e4, "max_bytes": None, "min_free_bytes": 0}
BLOCK = 4096
ROOT = Path(__file__).parents[3]


def pruned(folder, now=NOON, *, dry_run=False, **limits):
    return prune(folder, Limits(**(UNLIMITED | limits)), now=now, dry_run=dry_run)


def left(folder):
    """Ids of what is left."""
    return {Path(name).name.split(".")[0] for name in names(folder) if not name.startswith(".holds")}


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes are free when the next run begins."""
    return lambda count: monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=count))


def expected(entries, limits, free_bytes):
    """Ids that are left, found the slow and obvious way: one after the other goes, until all limits are kept."""
    oldest = {Outcome.PASS: NOON - timedelta(days=limits.pass_days)}
    kept = [
        each
        for each in entries
        if each["held"] or time_of(each["id"]) >= oldest.get(each["outcome"], NOON - timedelta(days=limits.reject_days))
    ]
    freed = sum(each["bytes"] for each in entries) - sum(each["bytes"] for each in kept)
    candidates = sorted(
        (each for each in kept if not each["held"]), key=lambda each: (each["outcome"] is not Outcome.PASS, each["id"])
    )
    for each in candidates:
        total = sum(one["bytes"] for one in kept)
        if total <= (limits.max_bytes or total) and free_bytes + freed >= limits.min_free_bytes:
            break
        kept.remove(each)
        freed += each["bytes"]
    return {each["id"] for each in kept}


ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.integers(0, 24 * 10),
            "outcome": st.sampled_from(Outcome),
            "blocks": st.integers(1, 4),
            "station": st.sampled_from(["a", "b"]),
            "held": st.booleans(),
        }
    ),
    max_size=10,
)
LIMITS = st.builds(
    lambda pass_days, more_days, max_blocks, min_free_blocks: Limits(
        pass_days, pass_days + more_days, max_blocks and max_blocks * BLOCK, min_free_blocks * BLOCK
    ),
    st.integers(1, 10),
    st.integers(0, 5),
    st.none() | st.integers(1, 30),
    st.integers(0, 30),
)


@settings(max_examples=150)
@given(entries=ENTRIES, limits=LIMITS, free_blocks=st.integers(0, 30))
def test_what_is_left_is_what_the_obvious_way_leaves(entries, limits, free_blocks):
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free_blocks * BLOCK))
        for each in entries:
            each["id"] = str(ULID.from_datetime(NOON - timedelta(hours=each["hours"])))
            each["bytes"] = each["blocks"] * BLOCK
            put(folder, each["id"], each["outcome"], each["station"], each["blocks"], parts=("jpg",))
        held = tuple(each["id"] for each in entries if each["held"])
        if held:
            place(folder, inspections=held, reason="a test", by="anna")
        foreseen = prune(folder, limits, now=NOON, dry_run=True)
        before = left(folder)
        report = prune(folder, limits, now=NOON)
        after = left(folder)

    wanted = expected(entries, limits, free_blocks * BLOCK)
    assert before == {each["id"] for each in entries}
    assert after == wanted
    kept = [each for each in entries if each["id"] in wanted]
    assert +report.kept == Counter(each["outcome"] for each in kept)
    assert report.bytes_by_station.total() == sum(each["bytes"] for each in kept)
    assert report.held == len(held)
    assert (foreseen.kept, foreseen.freed_bytes, foreseen.over_bytes) == (
        report.kept,
        report.freed_bytes,
        report.over_bytes,
    )
    total, freed = report.bytes_by_station.total(), report.freed_bytes
    is_kept = total <= (limits.max_bytes or total) and free_blocks * BLOCK + freed >= limits.min_free_bytes
    assert (report.complaint is None) == is_kept


def test_passes_go_for_their_age_before_rejects_do(tmp_path):
    ages = {outcome: [id_at(days=-days) for days in (5, 20, 400)] for outcome in Outcome}
    for outcome, ids in ages.items():
        for each in ids:
            put(tmp_path, each, outcome)

    report = pruned(tmp_path, pass_days=10, reject_days=365)

    assert left(tmp_path) == {ages[Outcome.PASS][0], *ages[Outcome.FAIL][:2], *ages[Outcome.ERROR][:2]}
    assert report.too_old == {"PASS": 2, "FAIL": 1, "ERROR": 1}
    assert not report.for_room


def test_every_pass_goes_before_a_reject_does(tmp_path, free):
    free(0)
    old_fail, new_pass = id_at(days=-9), id_at()
    put(tmp_path, old_fail, Outcome.FAIL)
    put(tmp_path, new_pass)

    pruned(tmp_path, min_free_bytes=2 * BLOCK)

    assert left(tmp_path) == {old_fail}


def test_a_hold_that_makes_the_limits_unattainable_is_said(tmp_path):
    put(tmp_path, id_at(days=-2), Outcome.FAIL)
    put(tmp_path, id_at(days=-1), Outcome.FAIL)
    place(tmp_path, until=NOON, reason="recall", by="anna")

    report = pruned(tmp_path, max_bytes=BLOCK, reject_days=1)

    assert len(left(tmp_path)) == 2
    assert report.over_bytes == 3 * BLOCK
    assert (
        report.complaint
        == f"{3 * BLOCK} bytes too many are left; {4 * BLOCK} bytes are held, see `inspector archive holds`"
    )


def test_what_is_released_goes_by_the_limits_again(tmp_path):
    put(tmp_path, old := id_at(days=-2))
    hold = place(tmp_path, inspections=(old,), reason="complaint", by="anna")
    pruned(tmp_path, pass_days=1)
    assert left(tmp_path) == {old}

    release(tmp_path, hold.id, reason="closed", by="ben")
    pruned(tmp_path, pass_days=1)

    assert left(tmp_path) == set()


def test_what_is_held_is_not_known_so_nothing_goes(tmp_path):
    put(tmp_path, old := id_at(days=-2))
    hold = place(tmp_path, inspections=(old,), reason="complaint", by="anna")
    (tmp_path / ".holds" / f"{hold.id}.json").write_text("{")

    with pytest.raises(ArchiveError, match="nobody knows what it holds"):
        pruned(tmp_path, pass_days=1)
    assert len(left(tmp_path)) == 1


@pytest.mark.parametrize("age", [timedelta(minutes=50), timedelta(minutes=70)])
def test_what_a_crash_has_left_is_deleted_after_an_hour(tmp_path, age):
    (path,) = put(tmp_path, id_at(), parts=("jpg",))
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.touch()
    written_s = (NOON - age).timestamp()
    os.utime(unfinished, (written_s, written_s))

    report = pruned(tmp_path)

    assert unfinished.exists() == (age < timedelta(hours=1))
    assert report.unfinished == (0 if unfinished.exists() else 1)
    assert path.exists()


KILLED = """
import os, sys
from pathlib import Path
from inspector.archive.prune import Limits, prune
from tests.archived import NOON

unlink, calls = os.unlink, iter(range(99))
os.unlink = lambda *names, **options: os._exit(9) if next(calls) == 7 else unlink(*names, **options)
prune(Path(sys.argv[1]), Limits(1, 1, None, 0), now=NOON)
"""


def test_a_killed_prune_leaves_the_rest_to_the_next(tmp_path):
    for number in range(5):
        put(tmp_path, id_at(days=-2, seconds=number), parts=("jpg", "json", "heat.jpg"))

    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=ROOT, check=False)

    assert done.returncode == 9
    assert len(names(tmp_path)) == 15 - 7
    report = pruned(tmp_path, pass_days=1)
    assert names(tmp_path) == []
    assert report.too_old == {"PASS": 3}


def test_folders_of_past_days_go_when_they_are_empty_and_todays_stays(tmp_path):
    put(tmp_path, id_at(days=-3))
    put(tmp_path, id_at(days=-3), station="b")
    put(tmp_path, id_at())
    pruned(tmp_path, max_bytes=1)

    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*")] == [f"{STATION}/2026-11-24"]


def test_one_file_that_cannot_be_deleted_does_not_keep_the_others(tmp_path, monkeypatch):
    unlink = os.unlink
    put(tmp_path, bad := id_at(days=-3), parts=("jpg",))
    put(tmp_path, id_at(days=-2), parts=("jpg",))

    def refuse_one(name, **options):
        if name.startswith(bad):
            raise PermissionError(1, "Operation not permitted")
        unlink(name, **options)

    monkeypatch.setattr(os, "unlink", refuse_one)

    report = pruned(tmp_path, pass_days=1)

    assert left(tmp_path) == {bad}
    assert report.too_old == {"PASS": 1}
    assert report.complaint.startswith(f"1 could not be read or deleted, the first: {tmp_path}")
    assert "Operation not permitted" in report.complaint


def test_a_day_that_cannot_be_read_does_not_keep_the_others(tmp_path, monkeypatch):
    scandir = os.scandir
    (path,) = put(tmp_path, bad := id_at(days=-3), parts=("jpg",))
    put(tmp_path, id_at(days=-2), parts=("jpg",))
    inode = path.parent.stat().st_ino

    def refuse_one(where):
        if isinstance(where, int) and os.fstat(where).st_ino == inode:
            raise PermissionError(13, "Permission denied")
        return scandir(where)

    monkeypatch.setattr(os, "scandir", refuse_one)

    report = pruned(tmp_path, pass_days=1)

    assert left(tmp_path) == {bad}
    assert report.complaint == f"1 could not be read or deleted, the first: {path.parent}: Permission denied"


def test_one_at_a_time(tmp_path):
    put(tmp_path, id_at(days=-3))
    with locked(tmp_path):
        assert prune(tmp_path, Limits(1, 1, None, 0), now=NOON, wait=False) is None
    assert len(left(tmp_path)) == 1


def test_before_the_first_picture_there_is_nothing_to_do(tmp_path):
    assert pruned(tmp_path / "not-yet").complaint is None


def test_a_folder_that_is_none_is_told(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ArchiveError, match="cannot be used: Not a directory"):
        pruned(tmp_path / "file")
