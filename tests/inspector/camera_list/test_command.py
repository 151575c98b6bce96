import json

import pytest
import yaml
from pydantic import TypeAdapter

from inspector.camera_list import command
from inspector.camera_list.command import Finding, look_round, producers
from inspector.cameras import CameraSettings
from inspector.cameras.industrial import Listed
from inspector.cli import main
from inspector.errors import ConfigError

LISTED = Listed(vendor="Acme", model="LineCam 5", serial="A123", address="/dev/video0")
FOUND = Finding("opencv", LISTED, {"kind": "opencv", "source": "/dev/video0"})


def silent():
    raise ConfigError("its library is missing: apt-get install it")


@pytest.fixture
def surroundings(monkeypatch):
    def put(found):
        monkeypatch.setattr(command, "look_round", lambda _: (found, {"basler": "No module named 'pypylon'"}))

    return put


def test_the_snippet_is_a_configuration(surroundings):
    settings = yaml.safe_load(FOUND.snippet)["camera"]

    assert TypeAdapter(CameraSettings).validate_python(settings).source == "/dev/video0"


def test_cameras_are_listed_with_their_snippets_and_with_who_was_not_asked(surroundings, capsys):
    surroundings([FOUND])

    assert main(["cameras"]) == 0

    said = capsys.readouterr().out
    assert "opencv: Acme LineCam 5 (serial A123, at /dev/video0)" in said
    assert '    camera: {kind: "opencv", source: "/dev/video0"}' in said
    assert "basler was not asked: No module named 'pypylon'" in said


def test_for_machines_there_is_json(surroundings, capsys):
    surroundings([FOUND])

    assert main(["cameras", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    (camera,) = said["cameras"]
    assert (camera["kind"], camera["serial"], camera["snippet"]) == ("opencv", "A123", FOUND.snippet)
    assert set(said["not_asked"]) == {"basler"}


def test_no_camera_is_a_finding(surroundings, capsys):
    surroundings([])

    assert main(["cameras"]) == 1
    assert "no camera is connected" in capsys.readouterr().out


def test_a_library_that_is_missing_keeps_no_other_from_being_asked():
    found, why = look_round({"aravis": silent, "opencv": lambda: iter([FOUND])})

    assert found == [FOUND]
    assert why == {"aravis": "its library is missing: apt-get install it"}


def test_producers_are_found_where_gentl_has_them(tmp_path):
    for name in ("b.cti", "a.cti", "a.txt"):
        (tmp_path / name).touch()

    assert producers(f"{tmp_path}:/nowhere") == [tmp_path / "a.cti", tmp_path / "b.cti"]
    assert producers("") == []
