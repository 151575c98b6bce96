"""A disk that fills up while the line runs: a real file system of a megabyte or two, and the real daemon on it."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from tests.broker import MOSQUITTO, wait_until
from tests.faults.audit import rows_of
from tests.faults.line import Line
from tests.faults.stage import DEFECT, GOOD
from tests.requirements import needs

DEADLINE_MS = 5000
"""Long: how quick a verdict is on a full disk is not what is tested here."""


@contextmanager
def small_disk(folder):
    folder.mkdir(parents=True)
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    needs(mounted and mounted.returncode == 0, "the right to mount a file system (root, CAP_SYS_ADMIN)")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def line(small_bundle, tmp_path):
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")
    disk = tmp_path / "disk"
    with small_disk(disk), Line(tmp_path / "line", small_bundle, record={"folder": str(disk)}) as line:
        yield line


def judged(line, plc, count):
    """The outcomes of so many parts, good ones and bad ones in turn."""
    outcomes = []
    for number in range(count):
        kind = (GOOD, DEFECT)[number % 2]
        line.stage.place(kind)
        entry = plc.trigger(f"{kind}-{number}", DEADLINE_MS)
        plc.decide([entry])
        outcomes += [answer.inspection.outcome for answer in entry.answers]
    return outcomes


def fill(file):
    """Until there is no room for another byte."""
    with file.open("wb", buffering=0) as filler:
        for size in (65536, 4096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


def test_verdicts_go_on_the_alarm_is_raised_and_all_is_recorded_once_there_is_room(line, tmp_path):
    plc = line.plc(margin_ms=1000)
    assert judged(line, plc, 4) == ["PASS", "FAIL", "PASS", "FAIL"]
    filler = tmp_path / "disk" / "filler"

    fill(filler)
    # SQLite's own files have some room left inside.
    wait_until(
        lambda: judged(line, plc, 2) == ["PASS", "FAIL"] and line.witness.alarm("record_degraded") == "active",
        "the alarm, with every verdict as it should be",
        60,
    )
    assert judged(line, plc, 10) == ["PASS", "FAIL"] * 5
    filler.unlink()
    wait_until(lambda: is_reset(line), "the reset of the alarm", 60)

    wait_until(lambda: len(rows_of(line)) == len(plc.ledger.entries), "every row")
    assert [row["sequence"] for row in rows_of(line)] == list(range(len(plc.ledger.entries)))
    assert plc.figures().breaches == {}
    line.stop()
    assert line.records("verify", line.record["folder"]).returncode == 0


def is_reset(line):
    """Whether an operator has got the alarm away; while the disk is still full the station refuses."""
    for command in ("acknowledge", "reset"):
        line.command(command, alarm="record_degraded")
    return line.witness.alarm("record_degraded") == "reset"
