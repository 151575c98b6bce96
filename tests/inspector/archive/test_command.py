import json
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.cli import main
from inspector.inspection import Outcome
from tests.archived import archive, id_at, names, put, seen

ROOT = Path(__file__).parents[3]
WHY = ("--reason", "complaint 4711", "--by", "anna")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def config(tmp_path, folder, small_bundle):
    """A configuration whose archive has kept a FAIL and an ERROR, and has had two pictures for years."""
    written = tmp_path / "line.yaml"
    station = {"name": "press-1", "bundle": str(small_bundle), "camera": {"kind": "folder", "path": "pictures"}}
    settings = {"folder": "archive", "min_free_bytes": 0}
    written.write_text(json.dumps({"stations": [station], "archive": settings}))
    opened = archive(folder)
    opened.see(seen(part_id="lid-\x1b[31m"))
    opened.see(seen(Outcome.ERROR, reason="late"))
    opened.close()
    put(folder, id_at(days=-1000), blocks=2, parts=("jpg",))
    put(folder, id_at(days=-1001), Outcome.FAIL, blocks=2, parts=("jpg",))
    return written


@pytest.fixture
def archived(config, capsys):
    """Runs the command; gives its exit status and what it said."""

    def run(what, *arguments):
        status = main(["archive", what, str(config), *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def listed(archived, *arguments):
    status, text = archived("list", "--json", *arguments)
    assert status == 0
    return [json.loads(line) for line in text.splitlines()]


def test_a_list_is_of_the_newest(archived):
    entries = listed(archived, "--since", "2020-01-01")

    assert [each["outcome"] for each in entries[:2]] == ["ERROR", "FAIL"]
    assert entries[0]["inspection"]["reason"] == "late"
    assert Path(entries[1]["picture"]).is_file()
    assert entries[-1]["inspection"] is None
    assert [len(listed(archived, *only)) for only in (["--outcome", "FAIL"], ["--last", 1], ["--station", "x"])] == [
        2,
        1,
        0,
    ]


def test_a_text_that_cannot_be_read_is_said_and_the_rest_is_listed(archived, folder):
    (text,) = (folder / name for name in names(folder) if name.endswith(".fail.json"))
    text.write_text("{")

    status, said = archived("list", "--since", "2026-11-25", "--json")

    assert status == 0
    assert f"{text} cannot be read: it holds no inspection" in said
    assert said.count('"outcome"') == 3


def test_the_table_is_for_people_and_takes_no_orders_from_a_part(archived):
    status, text = archived("list", "--since", "2026-11-25")

    assert status == 0
    assert "lid-" in text
    assert "\x1b[31m" not in text


def test_a_picture_is_shown_by_its_id_also_in_lower_case(archived):
    (fail, _) = listed(archived, "--outcome", "FAIL")

    status, text = archived("show", fail["id"].lower())
    assert status == 0
    assert fail["picture"] in text
    assert archived("show", fail["id"], "--path") == (0, f"{fail['picture']}\n")
    assert json.loads(archived("show", fail["id"], "--json")[1]) == fail | {"holds": []}


def test_what_is_not_there_is_told(archived):
    status, text = archived("show", id_at())

    assert status == 1
    assert "nothing is archived of" in text


def test_pruning_says_first_what_it_would_do(archived, folder):
    before = names(folder)

    status, foreseen = archived("prune", "--dry-run")
    assert (status, names(folder)) == (0, before)
    status, done = archived("prune")

    assert status == 0
    assert foreseen.replace("would be deleted", "deleted") == done
    assert done.startswith("2 too old and 0 for room deleted, 16384 bytes\n2 are left")
    assert len(names(folder)) == 4


def test_what_was_pruned_as_json(archived):
    status, text = archived("prune", "--json")

    report = json.loads(text)
    assert status == 0
    assert (report["too_old"], report["kept"]["FAIL"], report["over_bytes"]) == ({"FAIL": 1, "PASS": 1}, 1, 0)


def test_what_is_held_survives_and_is_told_with_who_and_why(archived, folder):
    old = listed(archived)[-1]
    status, text = archived("hold", old["id"], *WHY)
    assert status == 0
    hold = text.removeprefix("held, as ").strip()

    status, text = archived("prune")
    assert status == 0
    assert "1 are held, 8192 bytes" in text
    assert Path(old["picture"]).exists()
    shown = json.loads(archived("show", old["id"], "--json")[1])["holds"]
    assert [(each["id"], each["by"], each["reason"]) for each in shown] == [(hold, "anna", "complaint 4711")]

    assert archived("release", hold, "--reason", "closed", "--by", "ben")[0] == 0
    assert archived("release", hold, "--reason", "closed", "--by", "ben")[0] == 1
    archived("prune")
    assert not Path(old["picture"]).exists()
    status, text = archived("holds", "--json")
    assert json.loads(text)["released"]["by"] == "ben"
    assert "anna" in archived("holds")[1]


def test_a_time_can_be_held(archived):
    assert archived("hold", "--until", "2024-06-01", *WHY)[0] == 0
    archived("prune")

    assert len(listed(archived)) == 4


@pytest.mark.parametrize(
    "arguments", [[], ["{id}", "--since", "2026-01-01"], ["{id}", "--station", "press-1"], ["--station", "press-1"]]
)
def test_a_hold_is_of_ids_or_of_a_time(archived, arguments):
    (entry, _) = listed(archived, "--outcome", "FAIL")

    status, text = archived("hold", *(each.format(id=entry["id"]) for each in arguments), *WHY)

    assert status == 78
    assert "either of inspections, by their ids, or of a time" in text


def test_a_hold_of_what_is_not_there_is_none(archived):
    status, text = archived("hold", id_at(), *WHY)

    assert (status, "nothing was held" in text) == (1, True)
    assert archived("holds", "--json")[1] == ""


@pytest.mark.parametrize("text", ["../x", "7" * 26])
def test_what_is_no_id_is_a_wrong_command_line(archived, text, capsys):
    with pytest.raises(SystemExit) as ended:
        archived("show", text)

    assert ended.value.code == 2
    assert "is no id as" in capsys.readouterr().err


def test_limits_that_cannot_be_kept_are_a_finding(archived, config):
    written = json.loads(config.read_text())
    config.write_text(json.dumps(written | {"archive": written["archive"] | {"max_bytes": 1}}))
    archived("hold", "--since", "2000-01-01", *WHY)

    status, text = archived("prune")

    assert status == 1
    assert "THE LIMITS ARE NOT KEPT" in text


def test_a_configuration_without_an_archive_is_a_mistake(archived, config):
    config.write_text(json.dumps({"stations": json.loads(config.read_text())["stations"]}))

    status, text = archived("list")

    assert (status, "it keeps no pictures" in text) == (78, True)


def test_a_folder_that_is_not_there_is_unavailable(archived, config):
    written = json.loads(config.read_text())
    config.write_text(json.dumps(written | {"archive": {"folder": "elsewhere"}}))

    status, text = archived("list")

    assert (status, "cannot be read" in text) == (69, True)


def test_rejects_that_would_go_before_passes_are_a_mistake(archived, config):
    written = json.loads(config.read_text())
    config.write_text(json.dumps(written | {"archive": {"folder": "x", "pass_days": 3, "reject_days": 2}}))

    status, text = archived("list")

    assert (status, "rejects outlive passes" in text) == (78, True)


def test_a_reader_that_has_seen_enough_is_no_error(config):
    command = f"{sys.executable} -m inspector.cli archive list {config} --json --outcome ERROR | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


def test_checking_the_configuration_makes_the_folder_or_says_that_it_cannot(config, tmp_path, capsys):
    written = json.loads(config.read_text())
    config.write_text(json.dumps(written | {"archive": {"folder": "line.yaml/archive"}}))

    assert main(["check", str(config)]) == 78
    assert "cannot be made: Not a directory" in capsys.readouterr().err

    config.write_text(json.dumps(written | {"archive": {"folder": "new/archive"}}))
    assert main(["check", str(config)]) == 0
    assert (tmp_path / "new" / "archive").is_dir()
