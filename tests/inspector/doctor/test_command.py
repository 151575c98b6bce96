import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.doctor import command
from inspector.doctor.command import CHECKS, examine
from inspector.doctor.findings import Mark
from tests.broker import free_port, wait_until
from tests.end_to_end.line import Line
from tests.inspector.doctor.subjects import marks, write_line
from tests.parts import good_parts, write_parts


def doctor(*words):
    # Its niceness would stay with the tests.
    doctor = [sys.executable, "-m", "inspector.cli", "doctor", *words]
    return subprocess.run(doctor, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "160"})


@pytest.fixture
def line(tmp_path, small_bundle):
    write_parts(tmp_path / "pictures", good_parts(1))
    return write_line(tmp_path, small_bundle, metrics={"port": free_port()})


def test_a_sound_line_has_nothing_bad_but_what_the_machine_lacks(line):
    bad = {finding.about for finding in examine(line) if finding.mark is Mark.BAD}

    assert bad <= {"clock"}, "of a machine for tests nobody sets the clock"


def test_json_says_what_the_table_says_and_the_exit_status_fits(line):
    ran = doctor(line, "--json")
    said = json.loads(ran.stdout)

    bad = [finding for finding in said["findings"] if finding["mark"] == "bad"]
    assert said["healthy"] is not bool(bad)
    assert ran.returncode == int(bool(bad))
    assert all(finding["advice"] for finding in bad)
    table = doctor(line).stdout
    assert all(finding["about"] in table for finding in said["findings"])


def test_a_mistake_in_the_configuration_is_all_that_is_told(tmp_path):
    file = tmp_path / "line-1.yaml"
    file.write_text("stations: []\n")

    ran = doctor(file)

    assert ran.returncode == 1
    assert "there are no stations" in ran.stdout
    assert marks(examine(file)) == {"configuration": Mark.BAD}


def test_a_line_that_is_running_is_not_disturbed(tmp_path, small_bundle, broker):
    """Its camera is busy, its port taken, its record locked and its client's name in use; all of it is good."""
    write_parts(tmp_path / "press-1", good_parts(9))
    line = Line(tmp_path, broker.port, small_bundle, tmp_path / "press-1")
    line.config.write_text(line.config.read_text() + "record: {folder: records}\n")
    with line:
        wait_until(lambda: "metrics at" in line.log.read_text(), "the metrics")
        line.wait_for_metric('inspector_inspections_total{outcome="PASS",station="press-1"}')

        found = marks(examine(line.config))

        assert {about for about, mark in found.items() if mark is Mark.BAD} <= {"clock"}
        assert found["press-1: camera"] is found["press-1: mqtt"] is Mark.GOOD
        assert line.process.poll() is None
        assert 'inspector_camera_reopens_total{station="press-1"} 0.0' in line.metrics()
        assert line.log.read_text().count("connected to") == 1, "nobody pushed it out"


def test_no_check_is_forgotten():
    named = {check.__module__.rsplit(".", 1)[1] for check in CHECKS}
    package = Path(command.__file__).parent
    looking = {file.stem for file in package.glob("*.py") if "def look_at_" in file.read_text()}
    assert named == looking
