import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from inspector.cli import main
from inspector.inspection import Outcome
from inspector.records import RecordSettings
from tests.entries import MORNING, STATION, entry, open_record
from tests.requirements import needs

PYARROW = find_spec("pyarrow")
ROOT = Path(__file__).parents[3]
LATER = MORNING + timedelta(hours=2)


@pytest.fixture
def folder(tmp_path):
    """The record of a quiet morning."""
    folder = tmp_path / "records"
    record = open_record(folder)
    record.note("start", {"version": "1"})
    record.append(entry(part_id="lid-1", trigger_id="t-1"))
    record.append(entry(part_id="lid-2", trigger_id="t-2", outcome=Outcome.FAIL, score=9.125, nearest_type="scratch"))
    record.append(entry(part_id="lid-3", trigger_id="t-3", outcome=Outcome.ERROR, reason="deadline", score=None))
    record.append(entry(part_id="lid-1", trigger_id="t-4", captured_at=LATER))
    record.close()
    return folder


def records(capsys, *arguments):
    status = main(["records", *map(str, arguments)])
    said = capsys.readouterr()
    return status, said.out + said.err


def shown(capsys, folder, *arguments):
    status, text = records(capsys, "show", folder, "--json", *arguments)
    assert status == 0
    return [json.loads(line) for line in text.splitlines()]


def change(file, statement):
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(statement)


def test_a_good_record(folder, capsys):
    status, text = records(capsys, "verify", folder)

    assert status == 0
    assert f"{folder}/{STATION}.sqlite: good: 5 rows, 4 inspections, up to row 5; head " in text


def test_a_broken_record_is_told_with_its_row_and_the_exit_status(folder, capsys):
    RecordSettings(folder=folder).open("press-2", []).close()
    change(folder / f"{STATION}.sqlite", "DELETE FROM rows WHERE number = 3")

    status, text = records(capsys, "verify", folder)

    broken, good = text.splitlines()
    assert status == 1
    assert broken.endswith("BROKEN: row 3 is missing; 2 rows before are good")
    assert "press-2.sqlite: good: 0 rows" in good


def test_the_same_for_programs(folder, capsys):
    file = folder / f"{STATION}.sqlite"
    _, good = records(capsys, "verify", file, "--json")
    change(file, "UPDATE rows SET kind = 'stop' WHERE number = 1")
    status, broken = records(capsys, "verify", file, "--json")

    assert json.loads(good) | {"head": ""} == {
        "file": str(file),
        "station": STATION,
        "rows": 5,
        "inspections": 4,
        "pruned": 0,
        "lost": 0,
        "last": 5,
        "head": "",
        "broken": None,
    }
    assert len(json.loads(good)["head"]) == 64
    assert status == 1
    assert "row 1 is not what was written there" in json.loads(broken)["broken"]


@pytest.mark.parametrize("what", ["verify", "show"])
def test_a_path_that_holds_nothing_is_a_mistake_that_is_told(tmp_path, capsys, what):
    status, text = records(capsys, what, tmp_path)

    assert status == 78
    assert "holds no records" in text


@pytest.mark.parametrize(
    ("wanted", "sequences"),
    [
        ([], [None, 0, 1, 2, 3]),
        (["--last", "2"], [2, 3]),
        (["--part-id", "lid-1"], [0, 3]),
        (["--part-id", "lid-1", "--last", "1"], [3]),
        (["--trigger-id", "t-2"], [1]),
        (["--trigger-id", "\ud800"], []),
        (["--outcome", "ERROR"], [2]),
        (["--kind", "start"], [None]),
        (["--since", LATER.isoformat(), "--kind", "inspection"], [3]),
        (["--until", LATER.isoformat()], [0, 1, 2]),
        (["--since", MORNING.isoformat(), "--until", LATER.isoformat(), "--outcome", "FAIL"], [1]),
    ],
)
def test_rows_are_looked_up(folder, capsys, wanted, sequences):
    rows = shown(capsys, folder, *wanted)

    assert [row["payload"].get("sequence") for row in rows] == sequences
    assert [row["number"] for row in rows] == sorted(row["number"] for row in rows)


def test_the_table_says_what_there_is_to_say(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")

    status, text = records(capsys, "show", folder)

    lines = text.splitlines()
    assert status == 0
    assert any("start" in line and "version 1" in line for line in lines)
    assert any(all(word in line for word in ("FAIL", "lid-2", "t-2", "9.125", "scratch")) for line in lines)
    assert any(all(word in line for word in ("ERROR", "lid-3", "deadline")) for line in lines)


def test_what_a_client_sent_cannot_steer_the_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    folder = tmp_path / os.fsdecode(b"\xff")
    record = open_record(folder)
    record.append(entry(part_id="\x1b[2Jlid\ud800[red]", trigger_id="a\nb"))
    record.note("command", {"by": "\x1b]0;title\x07[bold]"})
    record.close()

    assert records(capsys, "verify", folder)[0] == 0
    status, text = records(capsys, "show", folder)

    assert status == 0
    assert "\x1b[2J" not in text
    assert "\x1b]0" not in text
    assert r"\x1b[2Jlid\ud800[red]" in text


def test_a_damaged_record_is_told_and_nothing_is_left_behind(folder, tmp_path, capsys):
    file = folder / f"{STATION}.sqlite"
    os.truncate(file, 8192)

    status, text = records(capsys, "export", folder, "--output", tmp_path / "all.csv")

    assert status == 78
    assert "`inspector records verify` says how far" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records"]


def test_csv(folder, tmp_path, capsys):
    status, text = records(capsys, "export", folder, "--output", tmp_path / "all.csv", "--kind", "inspection")

    rows = list(csv.DictReader((tmp_path / "all.csv").open(newline="")))
    assert (status, text) == (0, "")
    assert [row["part_id"] for row in rows] == ["lid-1", "lid-2", "lid-3", "lid-1"]
    assert (rows[1]["score"], rows[1]["nearest_type"], rows[1]["total_ms"]) == ("9.125", "scratch", "17.5")
    assert rows[1]["review"] == "False"
    assert (rows[2]["score"], rows[2]["reason"]) == ("", "deadline")
    assert json.loads(rows[0]["payload"])["trigger_id"] == "t-1"
    assert [path.name for path in tmp_path.iterdir() if path.name != "records"] == ["all.csv"]


def test_json_is_one_object_a_line(folder, capsys):
    status, text = records(capsys, "export", folder, "--output", "-", "--format", "json")

    rows = [json.loads(line) for line in text.splitlines()]
    assert status == 0
    assert [row["kind"] for row in rows] == ["start", *["inspection"] * 4]
    assert rows == shown(capsys, folder)


def test_parquet_has_the_same_with_types(folder, tmp_path, capsys):
    needs(PYARROW, "pyarrow (pip install pyarrow)")
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    output = tmp_path / "all.parquet"

    assert records(capsys, "export", folder, "--output", output, "--format", "parquet") == (0, "")

    rows = parquet.read_table(output).to_pylist()
    _, text = records(capsys, "export", folder, "--output", "-")
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["sequence"] for row in rows] == [None, 0, 1, 2, 3]
    assert rows[2]["score"] == 9.125
    assert [row["hash"] for row in rows] == [row["hash"] for row in csv.DictReader(io.StringIO(text))]


def test_parquet_without_pyarrow_says_how_to_get_it(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    status, text = records(capsys, "export", folder, "--output", tmp_path / "all", "--format", "parquet")

    assert status == 78
    assert "pip install 'line-inspector[parquet]'" in text
    assert not (tmp_path / "all").exists()


def test_parquet_does_not_go_to_a_terminal(folder, capsys):
    status, text = records(capsys, "export", folder, "--output", "-", "--format", "parquet")

    assert status == 78
    assert "name a file as --output" in text


def test_an_output_that_cannot_be_written(folder, tmp_path, capsys):
    status, text = records(capsys, "export", folder, "--output", tmp_path / "none" / "all.csv")

    assert status == 78
    assert "all.csv: cannot be written: No such file or directory" in text


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_strings_that_are_no_text_go_everywhere(tmp_path, capsys, form):
    if form == "parquet":
        needs(PYARROW, "pyarrow (pip install pyarrow)")
    record = open_record(tmp_path / "records")
    record.append(entry(part_id="half \ud83d", trigger_id='a\0\n"'))
    record.close()

    assert records(capsys, "export", tmp_path, "--output", tmp_path / "all", "--format", form)[0] == 78
    assert records(capsys, "export", tmp_path / "records", "--output", tmp_path / "all", "--format", form)[0] == 0
    assert (tmp_path / "all").stat().st_size > 0


def test_more_rows_than_one_query_fetches(tmp_path, capsys):
    record = open_record(tmp_path / "records")
    for number in range(2500):
        record.append(entry(part_id=f"lid-{number % 2}"))
    record.close()

    _, text = records(capsys, "export", tmp_path / "records", "--output", "-", "--format", "json", "--part-id", "lid-1")

    assert [json.loads(line)["payload"]["sequence"] for line in text.splitlines()] == list(range(1, 2500, 2))


def test_who_has_seen_enough_may_stop_reading(folder):
    command = [sys.executable, "-m", "inspector.cli", "records", "export", folder, "--output", "-", "--format", "json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()

    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


@pytest.mark.parametrize("wrong", [["--last", "0"], ["--since", "tomorrow"], ["--outcome", "GOOD"]])
def test_what_cannot_be_meant_is_refused(folder, capsys, wrong):
    with pytest.raises(SystemExit) as error:
        records(capsys, "show", folder, *wrong)
    assert error.value.code == 2
