import os
import sqlite3
import stat
from contextlib import closing

import pytest

from inspector.errors import ConfigError
from inspector.records import RecordSettings
from tests.entries import STATION, entry, open_record


def refused(folder, **settings):
    with pytest.raises(ConfigError) as error:
        open_record(folder, **settings).close()
    return str(error.value)


def change(file, *statements):
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def written(tmp_path, file):
    record = open_record(tmp_path)
    for _ in range(100):
        record.append(entry())
    record.close()
    return file


def test_folder_and_file_are_for_the_daemon_and_its_group(tmp_path):
    before = os.umask(0o027)
    try:
        record = open_record(tmp_path / "var" / "records")
        record.append(entry())
    finally:
        os.umask(before)
    folder = tmp_path / "var" / "records"
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
    record.close()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    assert modes == dict.fromkeys([f"{STATION}.sqlite{end}" for end in ("", "-wal", "-shm", ".lock")], 0o640)


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    message = refused(tmp_path / "file" / "records")

    assert f"{tmp_path}/file/records/press-1.sqlite cannot be used: " in message
    assert "record.folder" in message


def test_a_folder_in_the_place_of_the_file(tmp_path, file):
    file.mkdir()

    assert "record.folder" in refused(tmp_path)


def test_two_daemons_cannot_write_one_record(tmp_path, record):
    assert f"is being written by another inspector, process {os.getpid()}; stop it" in refused(tmp_path)


def test_stations_have_files_of_their_own(tmp_path, record):
    other = RecordSettings(folder=tmp_path).open("press-2", ["mqtt"])
    other.append(entry(station="press-2"))
    other.close()

    assert (tmp_path / "press-2.sqlite").exists()
    assert record.backlog("mqtt") == []


def test_a_failed_start_leaves_the_file_to_the_next_one(tmp_path, written):
    change(written, "PRAGMA user_version = 99")
    refused(tmp_path)
    change(written, "PRAGMA user_version = 1")

    open_record(tmp_path).close()


def test_a_newer_version_is_refused(tmp_path, written):
    change(written, "PRAGMA user_version = 99")

    assert "has version 99, and this program knows 1; run the newer program" in refused(tmp_path)


def test_a_database_of_something_else_is_left_alone(tmp_path, file):
    change(file, "CREATE TABLE recipes (name)")

    assert f"{file} is a database of something else" in refused(tmp_path)


def test_a_file_that_is_no_database(tmp_path, file):
    file.write_bytes(b"not a database, but long enough to be mistaken for one. " * 100)

    message = refused(tmp_path)

    assert f"{file} is damaged: file is not a database" in message
    assert "Move it away" in message


def test_another_stations_file_is_refused(tmp_path, written):
    written.rename(tmp_path / "press-2.sqlite")

    with pytest.raises(ConfigError, match="is that of station press-1"):
        RecordSettings(folder=tmp_path).open("press-2", [])


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM rows WHERE number = 100",
        "UPDATE rows SET hash = zeroblob(32) WHERE number = 100",
        "DELETE FROM rows",
    ],
)
def test_a_chain_that_lost_its_end_is_not_continued(tmp_path, written, damage):
    change(written, damage)

    assert "its last row is not the one that was written last" in refused(tmp_path)


def test_a_file_cut_short_is_not_continued(tmp_path, written):
    os.truncate(written, written.stat().st_size // 2)

    assert f"{written} is damaged" in refused(tmp_path)


def test_an_empty_file_becomes_a_record(tmp_path, file):
    file.touch()

    record = open_record(tmp_path)
    assert record.append(entry()).sequence == 0
    record.close()


def test_a_folder_whose_name_is_no_text(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff\xfe")

    record = open_record(folder)
    assert record.append(entry()).sequence == 0
    assert len(record.backlog("mqtt")) == 1
    record.close()


def test_durability_is_what_sqlite_is_told(tmp_path):
    levels = {}
    for durability in ("process", "power"):
        record = open_record(tmp_path / durability, durability=durability)
        levels[durability] = record._store._connection.execute("PRAGMA synchronous").fetchone()
        assert record._store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        record.close()

    assert levels == {"process": (1,), "power": (2,)}  # NORMAL and FULL, sqlite.org/pragma.html#pragma_synchronous
