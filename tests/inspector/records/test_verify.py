import os
import sqlite3
from contextlib import closing
from threading import Thread

import pytest

from inspector.errors import ConfigError
from inspector.records.chain import link
from inspector.records.verify import verify
from tests.entries import STATION, Clock, entry, open_record

ROWS = 2500
"""More than one query fetches."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a record of inspections and notes."""
    folder = tmp_path_factory.mktemp("record")
    record = open_record(folder)
    for number in range(ROWS):
        if number % 10 == 9:
            record.note("command", {"command": "pause"})
        else:
            record.append(entry(part_id=f"part-{number}", trigger_id=f"trigger-{number}"))
    record.close()
    return (folder / f"{STATION}.sqlite").read_bytes()


@pytest.fixture
def written(whole, file):
    file.write_bytes(whole)
    return file


def change(file, *statements):
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def broken(file):
    report = verify(file)
    assert report.broken
    return report.broken


def test_an_untouched_record_is_good(written):
    report = verify(written)

    assert report.broken is None
    assert (report.station, report.rows, report.inspections, report.pruned, report.lost) == (STATION, ROWS, 2250, 0, 0)
    with closing(sqlite3.connect(written)) as connection:
        assert connection.execute("SELECT hex(head_hash) FROM chain").fetchone() == (report.head.upper(),)


def test_a_changed_payload(written):
    change(written, """UPDATE rows SET payload = replace(payload, '"PASS"', '"FAIL"') WHERE number = 1501""")

    assert broken(written) == "row 1501 is not what was written there: it was changed, or is another row"
    assert verify(written).rows == 1500


def test_a_changed_kind(written):
    change(written, "UPDATE rows SET kind = 'alarm' WHERE number = 10")

    assert broken(written) == "row 10 is not what was written there: it was changed, or is another row"


def test_a_changed_row_whose_hash_was_computed_anew(written):
    with closing(sqlite3.connect(written, isolation_level=None)) as connection:
        (before,) = connection.execute("SELECT hash FROM rows WHERE number = 41").fetchone()
        forged = ("command", "{}", link(before, 42, "command", "{}"))
        connection.execute("UPDATE rows SET kind = ?, payload = ?, hash = ? WHERE number = 42", forged)

    assert broken(written).startswith("row 42 holds no command")


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ("number = 1", "row 1 is missing"),
        ("number = 1300", "row 1300 is missing"),
        ("number BETWEEN 900 AND 1100", "rows 900 to 1100 are missing"),
        ("number = 2500", "row 2500 is missing"),
        ("number > 1000", "rows 1001 to 2500 are missing"),
        ("true", "rows 1 to 2500 are missing"),
    ],
)
def test_deleted_rows(written, numbers, says):
    change(written, f"DELETE FROM rows WHERE {numbers}")

    assert broken(written) == says


def test_swapped_rows(written):
    change(
        written,
        "UPDATE rows SET number = -1 WHERE number = 7",
        "UPDATE rows SET number = 7 WHERE number = 8",
        "UPDATE rows SET number = 8 WHERE number = -1",
    )

    assert broken(written) == "row 7 is not what was written there: it was changed, or is another row"


def test_a_row_that_was_added(written):
    change(written, "INSERT INTO rows (number, kind, payload, hash, at) VALUES (2501, 'stop', '{}', zeroblob(32), '')")

    assert broken(written) == "row 2501 stands behind the last one that was written"


def test_a_row_before_the_first(written):
    change(written, "INSERT INTO rows (number, kind, payload, hash, at) VALUES (0, 'stop', '{}', zeroblob(32), '')")

    assert broken(written) == "row 0 stands before row 1, where the record begins"


@pytest.mark.parametrize("column", ["part_id", "trigger_id", "outcome", "id", "at", "sequence"])
def test_a_row_that_cannot_be_looked_up_any_more(written, column):
    change(written, f"UPDATE rows SET {column} = '77' WHERE number = 5")

    assert broken(written) == f"row 5 is found by another {column} than it has: that was changed"


def test_another_head(written):
    change(written, "UPDATE chain SET head_hash = zeroblob(32)")

    assert broken(written) == "row 2500 is not the last one that was written"


def test_a_sequence_that_was_not_the_next(written):
    change(written, "UPDATE chain SET anchor_sequence = 3")

    assert broken(written) == "row 1 has sequence 0, after 2 in the one before it"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short(written, share):
    os.truncate(written, int(written.stat().st_size * share))

    assert "the file is damaged after row " in broken(written)


def test_a_page_that_was_overwritten(written):
    with written.open("r+b") as file:
        file.seek(written.stat().st_size // 8192 * 4096)
        file.write(os.urandom(4096))

    assert broken(written)


def test_payloads_that_are_no_text(written):
    change(written, "UPDATE rows SET payload = x'ff00fe' WHERE number = 3")

    assert broken(written) == "row 3 is not what was written there: it was changed, or is another row"


def test_a_file_without_its_chain(written):
    change(written, "DELETE FROM chain")

    assert broken(written) == "the file does not say where its chain begins"


@pytest.mark.parametrize("content", [b"", b"no record, for certain. " * 1000])
def test_what_is_no_record(file, content):
    file.write_bytes(content)

    if content:
        assert "file is not a database" in broken(file)
    else:
        with pytest.raises(ConfigError, match="is empty"):
            verify(file)


def test_a_newer_version(written):
    change(written, "PRAGMA user_version = 2")

    with pytest.raises(ConfigError, match="has version 2, and this program knows 1"):
        verify(written)


def test_a_pruned_record_is_good_from_its_anchor_on(tmp_path, file):
    record = open_record(tmp_path, keep_rows=50)
    for _ in range(130):
        record.append(entry())
        record.note("command", {})
    record.tend()
    record.close()

    report = verify(file)

    assert report.broken is None
    assert (report.rows, report.pruned, report.inspections, report.last) == (50, 210, 25, 260)


def test_a_record_of_which_all_is_pruned_is_good(tmp_path, file):
    clock = Clock()
    record = open_record(tmp_path, keep_days=1, now=clock)
    record.append(entry())
    clock.forward(days=3)
    record.tend()
    record.close()

    report = verify(file)
    assert (report.broken, report.rows, report.pruned) == (None, 0, 1)


def test_rows_that_were_lost_are_told_and_break_nothing(tmp_path, file):
    record = open_record(tmp_path, most_in_memory=5)
    record.append(entry())
    with closing(sqlite3.connect(file, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        for _ in range(20):
            record.append(entry())
        record.note("command", {})
        shell.execute("ROLLBACK")
    record.tend()
    record.append(entry())
    record.close()

    report = verify(file)
    assert (report.broken, report.lost, report.inspections) == (None, 16, 6)


def test_where_only_notes_followed_what_was_lost_a_restart_numbers_on(tmp_path, file):
    record = open_record(tmp_path, most_in_memory=2)
    with closing(sqlite3.connect(file, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            record.append(entry())
        for _ in range(2):
            record.note("command", {})
        shell.execute("ROLLBACK")
    record.close()

    again = open_record(tmp_path)
    assert again.append(entry()).sequence == 3
    again.close()
    assert verify(file).broken is None


def test_a_record_is_good_while_it_is_written_and_pruned(tmp_path, file):
    record = open_record(tmp_path, keep_rows=1500)
    for _ in range(2000):
        record.append(entry())

    def write():
        for _ in range(1000):
            record.append(entry())
            record.tend()

    writer = Thread(target=write)
    writer.start()
    reports = [verify(file)]
    while writer.is_alive():
        reports.append(verify(file))
    writer.join()
    record.close()

    assert [report.broken for report in reports] == [None] * len(reports)
    assert verify(file).rows == 1500
