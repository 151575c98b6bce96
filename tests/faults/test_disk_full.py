"""A disk that fills up while the line runs: a real file system of a megabyte or two, and the real daemon on it."""

import pytest

from tests.broker import MOSQUITTO, wait_until
from tests.faults.audit import rows_of
from tests.faults.disk import fill, is_reset, judged, small_disk
from tests.faults.line import Line
from tests.requirements import needs


@pytest.fixture
def line(small_bundle, tmp_path):
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")
    disk = tmp_path / "disk"
    with small_disk(disk), Line(tmp_path / "line", small_bundle, record={"folder": str(disk)}) as line:
        yield line


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
    wait_until(lambda: is_reset(line, "record_degraded"), "the reset of the alarm", 60)

    wait_until(lambda: len(rows_of(line)) == len(plc.ledger.entries), "every row")
    assert [row["sequence"] for row in rows_of(line)] == list(range(len(plc.ledger.entries)))
    assert plc.figures().breaches == {}
    line.stop()
    assert line.records("verify", line.record["folder"]).returncode == 0
