"""A disk that is full is a real one: a small tmpfs."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from threading import Event

import pytest
from prometheus_client import REGISTRY

from inspector.errors import RecordError
from tests.entries import STATION, entry, open_record
from tests.requirements import needs


class Told:
    """What ``on_trouble`` was called with, waited for."""

    def __init__(self):
        self.said = []
        self._begun, self._over = Event(), Event()

    def __call__(self, message):
        self.said.append(message)
        (self._begun if message else self._over).set()

    def wait_for_trouble(self):
        assert self._begun.wait(30)

    def wait_for_the_end(self):
        assert self._over.wait(30)


class Disk:
    """A folder on a file system of a few hundred KiB."""

    def __init__(self, folder):
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self):
        """Down to the last byte."""
        free = os.statvfs(self.folder)
        with self.ballast.open("wb") as file:
            file.write(bytes(free.f_bavail * free.f_frsize))
        with pytest.raises(OSError, match="No space left"):
            (self.folder / "more").write_bytes(b"more")

    def make_room(self):
        self.ballast.unlink()


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "inspector-test", folder]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    needs(mounted, "a right to mount a tmpfs (run as root)")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def opened(disk, told):
    """Opens records on the small disk that are closed in the end."""
    records = []

    def open_one(**settings):
        records.append(open_record(disk.folder, on_trouble=told, **settings))
        return records[-1]

    yield open_one
    for record in records:
        record.close()


def kept(disk, what="kind, payload"):
    with closing(sqlite3.connect(disk.folder / f"{STATION}.sqlite")) as connection:
        return connection.execute(f"SELECT {what} FROM rows ORDER BY number").fetchall()


def until_refused(record, told):
    """Append until the disk has no room for more; how many that were."""
    count = 0
    while not record._trouble.now:
        record.append(entry(trigger_id=f"t-{count}"))
        count += 1
    told.wait_for_trouble()
    return count


def test_verdicts_go_on_while_the_disk_is_full_and_all_are_written_once_it_is_not(disk, opened, told):
    record = opened()
    record.append(entry(trigger_id="before"))
    disk.fill()
    count = 1 + until_refused(record, told)
    for _ in range(250):
        record.append(entry(trigger_id=f"full-{count}"))
        record.note("command", {"number": count})
        count += 1
    assert len(kept(disk)) < count

    disk.make_room()
    told.wait_for_the_end()
    record.append(entry())

    inspections = [json.loads(payload) for kind, payload in kept(disk) if kind == "inspection"]
    assert [each["sequence"] for each in inspections] == list(range(count + 1))
    assert [number for (number,) in kept(disk, "number")] == list(range(1, count + 252))
    assert [sequence for sequence, _ in record.backlog("mqtt", limit=10_000)] == list(range(count + 1))


def test_trouble_is_told_once_with_what_to_do_and_its_end_once(disk, opened, told, caplog):
    record = opened()
    disk.fill()
    until_refused(record, told)
    for _ in range(50):
        record.append(entry())
        record.tend()

    disk.make_room()
    told.wait_for_the_end()

    trouble, end = told.said
    assert trouble.startswith(f"{disk.folder}/{STATION}.sqlite cannot be written: database or disk is full; ")
    assert "make room on the disk" in trouble
    assert end is None
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING"]


def test_what_is_in_memory_is_looked_up_and_delivered_like_the_rest(disk, opened, told):
    record = opened()
    disk.fill()
    first = until_refused(record, told)
    said = record.append(entry(trigger_id="in memory"))
    record.append(entry())
    record.delivered("mqtt", [*range(first), first + 1])

    assert record.answer_to("in memory") == said
    assert [sequence for sequence, _ in record.backlog("mqtt", limit=10_000)] == [said.sequence]

    disk.make_room()
    told.wait_for_the_end()
    record.tend()
    assert [sequence for sequence, _ in record.backlog("mqtt", limit=10_000)] == [said.sequence]
    assert record.waiting("mqtt") == 1
    assert record.answer_to("in memory") == said


def test_what_does_not_fit_into_memory_is_lost_and_the_record_says_so(disk, opened, told):
    before = REGISTRY.get_sample_value("inspector_record_rows_lost_total", {"station": STATION}) or 0
    record = opened(most_in_memory=20)
    disk.fill()
    first = until_refused(record, told) - 1  # the one that was refused waits in memory
    record.note("command", {})
    for _ in range(30):
        record.append(entry())

    disk.make_room()
    told.wait_for_the_end()

    rows = kept(disk)
    ((place, note),) = [(index, json.loads(text)) for index, (kind, text) in enumerate(rows) if kind == "lost"]
    assert place == first
    assert (note["rows"], note["inspections"]) == (12, 11)
    assert (note["first_sequence"], note["last_sequence"]) == (first, first + 10)
    after = [json.loads(text)["sequence"] for _, text in rows[place + 1 :]]
    assert after == list(range(first + 11, first + 31))
    assert REGISTRY.get_sample_value("inspector_record_rows_lost_total", {"station": STATION}) - before == 12


def test_a_record_that_is_closed_on_a_full_disk_says_what_is_lost(disk, opened, told, caplog):
    record = opened()
    disk.fill()
    count = until_refused(record, told)
    record.append(entry())
    record.close()

    assert "2 rows of the record could not be written and are lost" in caplog.text
    disk.make_room()
    assert opened().append(entry()).sequence == count - 1


def test_a_start_on_a_full_disk_may_be_tried_again(disk):
    disk.fill()

    with pytest.raises(RecordError, match=r"press-1\.sqlite cannot be written: .*room on the disk"):
        open_record(disk.folder)


def test_a_file_that_is_taken_away_is_missed_and_taken_again_when_it_is_back(tmp_path, file, told):
    record = open_record(tmp_path, on_trouble=told)
    record.append(entry())
    file.rename(tmp_path / "aside")
    told.wait_for_trouble()
    assert "was taken away while it was written" in told.said[0]
    record.append(entry())

    (tmp_path / "aside").rename(file)
    told.wait_for_the_end()

    assert record.append(entry()).sequence == 2
    record.close()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT sequence FROM rows ORDER BY number").fetchall() == [(0,), (1,), (2,)]


def test_somebody_who_holds_the_file_does_not_hold_the_line(tmp_path, file, told):
    record = open_record(tmp_path, on_trouble=told)
    with closing(sqlite3.connect(file, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        assert [record.append(entry()).sequence for _ in range(3)] == [0, 1, 2]
        told.wait_for_trouble()
        shell.execute("ROLLBACK")
    told.wait_for_the_end()

    assert len(record.backlog("mqtt")) == 3
    assert "database is locked" in told.said[0]
    record.close()


def test_a_record_can_be_closed_in_the_middle_of_trouble(tmp_path, file, caplog):
    record = open_record(tmp_path, on_trouble=lambda message: record.note("alarm", {"message": message}))
    with closing(sqlite3.connect(file, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        record.append(entry())
        record.close()

    assert record._keeper.failure is None
    assert "rows of the record could not be written and are lost" in caplog.text


def test_trouble_can_be_noted_by_whoever_is_told(tmp_path, file):
    ended = Event()

    def on_trouble(message):
        record.note("alarm", {"message": message})
        if message is None:
            ended.set()

    record = open_record(tmp_path, on_trouble=on_trouble)
    with closing(sqlite3.connect(file, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        record.append(entry())
        while not record._trouble._told:
            record._keeper._thread.join(0.01)
        shell.execute("ROLLBACK")
    assert ended.wait(30)
    record.close()

    with closing(sqlite3.connect(file)) as connection:
        kinds = connection.execute("SELECT kind FROM rows ORDER BY number").fetchall()
    assert kinds == [("inspection",), ("alarm",), ("alarm",)]
