"""The systemd unit, as systemd itself reads it and as the daemon needs it."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.daemon import STOP_WITHIN_S
from inspector.errors import EXIT_CONFIG
from tests.requirements import needs

UNIT = Path(__file__).parents[2] / "systemd" / "inspector@.service"
INSTALLED = "/opt/inspector/venv/bin/inspector"


@pytest.fixture(scope="module")
def unit():
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNIT)
    return parser


@pytest.fixture
def analyze(tmp_path):
    """Runs ``systemd-analyze`` on the unit of line ``test``, with a program in the daemon's place."""
    program = shutil.which("systemd-analyze")
    needs(program, "systemd-analyze (Debian: apt-get install systemd)")
    path = tmp_path / "inspector@test.service"
    path.write_text(UNIT.read_text().replace(INSTALLED, sys.executable))
    return lambda *arguments: subprocess.run([program, *arguments, path], capture_output=True, text=True, check=False)


def test_systemd_accepts_it(analyze):
    verified = analyze("verify", "--man=no")

    assert (verified.returncode, verified.stderr) == (0, "")


def test_exposure_is_low(analyze):
    """At most 2.0 of 10, which systemd calls OK."""
    rated = analyze("security", "--offline=true", "--threshold=20", "--no-pager")

    assert rated.returncode == 0, rated.stdout + rated.stderr


def test_speaks_the_daemons_protocol(unit):
    assert unit["Service"]["Type"] == "notify"
    assert unit["Service"]["WatchdogSec"] == "30s"
    assert float(unit["Service"]["TimeoutStopSec"].removesuffix("s")) > STOP_WITHIN_S


def test_comes_back_from_everything_but_a_mistake(unit):
    assert unit["Service"]["Restart"] == "always"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit["Service"]["RestartPreventExitStatus"] == str(EXIT_CONFIG)
    # Its exit status would not be looked at: a mistake there would be tried again for ever.
    assert "ExecStartPre" not in unit["Service"]


def test_the_daemon_accepts_its_command_line_and_calls_a_missing_file_a_mistake(unit):
    program, *arguments = unit["Service"]["ExecStart"].replace("%i", "no-such-line").split()

    ran = subprocess.run(
        [sys.executable, "-m", "inspector.cli", *arguments], capture_output=True, text=True, check=False
    )

    assert program == INSTALLED
    assert ran.returncode == EXIT_CONFIG, ran.stderr
    assert "no-such-line.yaml" in ran.stderr
