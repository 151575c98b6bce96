import os
import shutil
import sqlite3
import stat
import subprocess
from contextlib import ExitStack, closing

import pytest

from inspector.errors import ConfigError
from inspector.records.filter import Filter
from inspector.records.reading import EmptyRecordError, files_in, reading
from tests.entries import STATION, entry, open_record
from tests.requirements import needs


def sequences(file):
    with reading(file) as connection:
        return [row.content["sequence"] for row in Filter().all(connection)]


def traces(folder):
    """All that a reader might leave behind."""
    return {
        path.name: (stat.S_IMODE(path.stat().st_mode), path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.iterdir()
        if not path.name.endswith("-shm")  # where readers mark, in a running record, that they are there
    }


def test_a_record_that_nobody_writes_is_read_without_a_trace(tmp_path, file):
    record = open_record(tmp_path)
    record.append(entry())
    record.close()
    before = traces(tmp_path)

    assert sequences(file) == [0]
    assert traces(tmp_path) == before
    assert before.keys() == {f"{STATION}.sqlite", f"{STATION}.sqlite.lock"}


def test_a_record_is_read_up_to_its_last_row_while_it_is_written(tmp_path, file, record):
    for count in range(1, 4):
        record.append(entry())
        before = traces(tmp_path)

        assert sequences(file) == list(range(count))
        assert traces(tmp_path) == before


@pytest.mark.parametrize("index", [True, False])
def test_the_copy_of_a_killed_daemons_record_is_whole(tmp_path, file, record, index):
    record.append(entry())
    copies = tmp_path / "copies"
    copies.mkdir()
    for end in ("", "-wal", "-shm") if index else ("", "-wal"):
        shutil.copy(f"{file}{end}", copies)
    before = traces(copies)

    assert sequences(copies / file.name) == [0]
    assert traces(copies) == before


def test_a_record_on_a_disk_that_cannot_be_written(tmp_path, file, record):
    record.append(entry())
    frozen = tmp_path / "frozen"
    frozen.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "inspector-test", frozen]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    needs(mounted, "a right to mount a tmpfs (run as root)")
    try:
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{file}{end}", frozen)
        subprocess.run(["mount", "-o", "remount,ro", frozen], check=True)

        assert sequences(frozen / file.name) == [0]
    finally:
        subprocess.run(["umount", "--lazy", frozen], check=True)


def test_a_daemon_that_begins_to_write_meanwhile_is_told(tmp_path, file):
    open_record(tmp_path).close()
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(ConfigError, match="a daemon began to write it while it was read"))
        stack.enter_context(reading(file))
        record = open_record(tmp_path)
        record.append(entry())
    record.close()


def test_a_folder_whose_name_is_no_text(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff?#%20&")
    record = open_record(folder)
    record.append(entry())
    assert sequences(folder / f"{STATION}.sqlite") == [0]
    record.close()

    assert sequences(folder / f"{STATION}.sqlite") == [0]


def test_nothing_can_be_changed_through_it(file, record):
    with reading(file) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM rows")


def test_a_folder_stands_for_its_records(tmp_path):
    for name in ("b.sqlite", "a.sqlite", "a.sqlite.lock", "a.sqlite-wal"):
        (tmp_path / name).touch()

    assert [file.name for file in files_in(tmp_path)] == ["a.sqlite", "b.sqlite"]
    assert files_in(tmp_path / "a.sqlite") == [tmp_path / "a.sqlite"]


def test_a_folder_without_records_and_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="holds no records"):
        files_in(tmp_path)
    with pytest.raises(ConfigError, match="there is no such file"):
        files_in(tmp_path / "press-9.sqlite")


def test_a_database_of_something_else(file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (name)")

    with pytest.raises(ConfigError, match="is no record of this program"):
        sequences(file)


def test_a_record_that_holds_nothing_yet(file):
    file.touch()

    with pytest.raises(EmptyRecordError, match=r"press-1\.sqlite: is empty"):
        sequences(file)
