import errno
from threading import Event

import numpy as np
import pytest
from prometheus_client import REGISTRY

from inspector.archive.archive import Archive
from inspector.archive.choice import Choice
from inspector.archive.waiting import Waiting
from inspector.archive.writing import Writer
from inspector.inspection import Outcome
from tests.archived import archive, names, seen
from tests.broker import wait_until
from tests.entries import STATION


def metric(name, **labels):
    return REGISTRY.get_sample_value(f"inspector_archive_{name}", {"station": STATION, **labels}) or 0


def dropped():
    return {reason: metric("dropped_total", reason=reason) for reason in ("overflow", "disk", "unencodable", "stopped")}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("inspector.archive.archive.RETRY_S", 0.01)


@pytest.fixture
def newly_dropped():
    before = dropped()
    return lambda: {reason: count - before[reason] for reason, count in dropped().items() if count > before[reason]}


class Disk(Writer):
    """Takes nothing while ``error`` is set, and hangs until ``free`` is."""

    def __init__(self, folder, *, error=None):
        super().__init__(folder, png=False, quality=90, heat_maps=True, least_free_bytes=0)
        self.error, self.free, self.entered = error, Event(), Event()
        self.free.set()

    def write(self, evidence):
        self.entered.set()
        self.free.wait(20)
        if self.error:
            raise self.error
        return super().write(evidence)


def on(disk, most_bytes=10**6):
    return Archive(STATION, choice=Choice(1, 0), writer=disk, waiting=Waiting(most_bytes))


def test_what_is_chosen_is_written_by_the_end(tmp_path, newly_dropped):
    before = {outcome: metric("written_total", outcome=outcome) for outcome in Outcome}
    opened = archive(tmp_path, keep_passes=2)
    for outcome in (Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.PASS, Outcome.PASS):
        opened.see(seen(outcome))

    opened.close()
    opened.close()

    written = [name.rsplit("/", 1)[1].split(".")[1] for name in names(tmp_path) if name.endswith(".json")]
    assert sorted(written) == ["error", "fail", "pass", "pass"]
    assert {each: metric("written_total", outcome=each) - before[each] for each in Outcome} == {
        Outcome.PASS: 2,
        Outcome.FAIL: 1,
        Outcome.ERROR: 1,
    }
    assert newly_dropped() == {}


def test_a_full_disk_is_said_and_what_it_did_not_take_is_written_once_there_is_room(tmp_path, newly_dropped):
    disk = Disk(tmp_path, error=OSError(errno.ENOSPC, "No space left on device"))
    opened = on(disk)
    fail = seen()

    opened.see(fail)
    trouble = wait_until(opened.look, "the trouble")
    assert metric("up") == 0
    disk.error = None
    wait_until(lambda: opened.look() is None, "its end")
    opened.close()

    assert str(tmp_path) in trouble
    assert "No space left on device" in trouble
    assert metric("up") == 1
    assert len(names(tmp_path)) == 2
    assert newly_dropped() == {}


def test_what_has_no_room_in_memory_is_counted_by_why(tmp_path, newly_dropped):
    disk = Disk(tmp_path, error=OSError(errno.EACCES, "Permission denied"))
    opened = on(disk, most_bytes=1)
    opened.see(seen())
    wait_until(opened.look, "the trouble")

    for _ in range(3):
        opened.see(seen())
    wait_until(lambda: opened.look() and metric("queue_inspections") == 1, "what waits")

    assert newly_dropped() == {"disk": 2}
    opened.close()
    assert newly_dropped() == {"disk": 2, "stopped": 2}


def test_a_disk_that_hangs_holds_nobody_up_and_is_said(tmp_path, newly_dropped, monkeypatch):
    monkeypatch.setattr("inspector.archive.archive.CLOSE_WITHIN_S", 0.01)
    disk = Disk(tmp_path)
    disk.free.clear()
    opened = on(disk, most_bytes=1)
    opened.see(seen())
    disk.entered.wait(20)
    opened.see(seen())
    opened.see(seen())
    assert opened.look() is None
    assert newly_dropped() == {"overflow": 1}

    monkeypatch.setattr("inspector.archive.archive.HANGS_AFTER_S", 0.0)
    assert "has not taken a picture for 0 s" in opened.look()
    assert metric("queue_age_seconds") > 0
    opened.close()
    assert newly_dropped() == {"overflow": 1, "stopped": 1}
    disk.free.set()


def test_pixels_that_no_file_can_hold_are_given_up_and_the_next_is_written(tmp_path, newly_dropped):
    opened = archive(tmp_path)
    opened.see(seen(pixels=np.zeros((1, 70_000, 3), np.uint8)))
    opened.see(good := seen())
    opened.close()

    assert newly_dropped() == {"unencodable": 1}
    assert {name.rsplit("/", 1)[1].split(".")[0] for name in names(tmp_path)} == {good.inspection.id}
    assert opened.look() is None


def test_a_folder_that_cannot_be_made_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("in the way")
    opened = archive(tmp_path / "file" / "archive")
    opened.see(seen())

    assert "File exists" in wait_until(opened.look, "the trouble")
    opened.close()
