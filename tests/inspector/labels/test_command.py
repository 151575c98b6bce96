import json

import pytest

from inspector.archive.layout import Day, date_of, name_of
from inspector.cli import main
from inspector.inspection import Outcome
from inspector.labels.label import Anomaly, Says
from tests.archived import id_at


@pytest.fixture
def config(tmp_path, archive, page, small_bundle):
    written = tmp_path / "line.yaml"
    station = {"name": "press-1", "bundle": str(small_bundle), "camera": {"kind": "folder", "path": "pictures"}}
    written.write_text(
        json.dumps({"stations": [station], "archive": {"folder": str(archive)}, "ui": {"folder": str(page)}})
    )
    return written


@pytest.fixture
def run(config, capsys):
    """Gives the exit status and what was said."""

    def run(*words):
        status = main(["labels", str(config), *map(str, words)])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


@pytest.fixture
def labelled(teacher, archive):
    inspection = id_at()
    day = Day(date_of(inspection), "press-1").path(archive)
    day.mkdir(parents=True)
    (day / name_of(inspection, Outcome.FAIL, "jpg")).write_bytes(b"picture")
    teacher.label(inspection, "press-1", "otto", Says.TRUE_REJECT, Anomaly(type="dent", weight=3))
    return inspection


def test_labels_are_listed(run, labelled):
    status, text = run("list")
    assert status == 0
    assert all(word in text for word in (labelled, "true_reject", "dent", "otto"))

    status, text = run("list", "--station", "press-1", "--json")
    assert (status, json.loads(text)["anomaly"]) == (0, {"type": "dent", "weight": 3.0, "critical": False})


def test_before_the_page_has_run_the_list_is_empty(run):
    assert run("list", "--json") == (0, "")


def test_an_export_says_what_belongs_into_the_configuration(run, labelled, tmp_path):
    status, text = run("export", "--station", "press-1", "--to", tmp_path / "set")

    assert status == 0
    assert "1 pictures written" in text
    assert "dent:" in text
    assert (tmp_path / "set" / "dent" / f"{labelled}.jpg").read_bytes() == b"picture"


def test_what_a_person_has_to_look_at_is_status_1(run, teacher, labelled, an_id, tmp_path):
    to = ("export", "--station", "press-1", "--to", tmp_path / "set")
    run(*to)
    teacher.label(an_id, "press-1", "otto", Says.FALSE_REJECT)
    teacher.withdraw(labelled, "press-1", "otto")

    status, text = run(*to)
    assert status == 1
    assert f"no picture in the archive: {an_id}" in text
    assert f"{labelled}.jpg" in text
    status, text = run(*to, "--json")
    assert (status, json.loads(text)["gone"]) == (1, [an_id])


def test_a_station_that_is_not_there_is_said(run, tmp_path):
    status, text = run("export", "--station", "press-9", "--to", tmp_path / "set")

    assert status == 78
    assert "press-9" in text


@pytest.mark.parametrize(("lacks", "said"), [("ui", "`ui:`"), ("archive", "`archive:`")])
def test_what_the_configuration_lacks_is_said(run, config, tmp_path, lacks, said):
    content = json.loads(config.read_text())
    del content[lacks]
    config.write_text(json.dumps(content))

    status, text = run("export", "--station", "press-1", "--to", tmp_path / "set")

    assert status == 78
    assert said in text
