"""An archive's disk that is full, read-only or hangs while the line runs: verdicts go on."""

import subprocess
from contextlib import contextmanager

import pytest

from inspector.archive.reading import Reading, Wanted
from inspector.inspection import Inspection
from tests.broker import MOSQUITTO, wait_until
from tests.faults.audit import rows_of
from tests.faults.disk import disk_that_can_hang, fill, is_reset, judged, small_disk
from tests.faults.line import Line
from tests.requirements import needs


@contextmanager
def archiving(tmp_path, bundle, disk):
    """A line whose archive is on that disk, and keeps all."""
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")
    archive = {"folder": str(disk / "archive"), "keep_passes": 1, "min_free_bytes": 0}
    with Line(tmp_path / "line", bundle, process={"archive": archive}) as line:
        yield line


def remount(disk, how):
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def fsfreeze(how, disk):
    subprocess.run(["fsfreeze", how, disk], check=True)


def archived(disk):
    """The inspections whose pictures are there."""
    reading = Reading(disk / "archive")
    return [reading.inspection(entry.id) for entry in reading.newest_first(Wanted())]


@pytest.mark.parametrize(
    ("breaks", "mends"),
    [
        (lambda disk: fill(disk / "filler"), lambda disk: (disk / "filler").unlink()),
        (lambda disk: remount(disk, "ro"), lambda disk: remount(disk, "rw")),
    ],
    ids=["full", "read-only"],
)
def test_verdicts_go_on_the_alarm_is_raised_and_all_is_archived_once_the_disk_is_back(
    tmp_path, small_bundle, breaks, mends
):
    disk = tmp_path / "disk"
    with small_disk(disk), archiving(tmp_path, small_bundle, disk) as line:
        go_through_it(line, disk, breaks, mends)


def test_a_disk_that_hangs_holds_no_verdict_up(tmp_path, small_bundle):
    disk = tmp_path / "disk"
    with disk_that_can_hang(disk), archiving(tmp_path, small_bundle, disk) as line:
        go_through_it(line, disk, lambda disk: fsfreeze("--freeze", disk), lambda disk: fsfreeze("--unfreeze", disk))


def go_through_it(line, disk, breaks, mends):
    """The trouble from its beginning to its end, and nothing may be missing."""
    plc = line.plc(margin_ms=1000)
    assert judged(line, plc, 4) == ["PASS", "FAIL", "PASS", "FAIL"]
    wait_until(lambda: len(archived(disk)) == 4, "the first pictures")

    breaks(disk)
    assert judged(line, plc, 10) == ["PASS", "FAIL"] * 5
    wait_until(lambda: line.witness.alarm("archive_degraded") == "active", "the alarm", 60)
    assert judged(line, plc, 10) == ["PASS", "FAIL"] * 5
    assert len(archived(disk)) < len(plc.ledger.entries)
    mends(disk)
    wait_until(lambda: is_reset(line, "archive_degraded"), "the reset of the alarm", 60)

    wait_until(lambda: len(archived(disk)) == len(plc.ledger.entries), "every picture")
    assert plc.figures().breaches == {}
    assert line.stop() == 0
    assert not list(disk.rglob("*.part"))
    said = [Inspection.model_validate(row) for row in rows_of(line)]
    assert sorted(archived(disk), key=lambda each: each.sequence) == said
