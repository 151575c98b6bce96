"""The systemd units, as systemd itself reads them and as the daemon needs them."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.daemon import STOP_WITHIN_S
from inspector.errors import EXIT_CONFIG
from tests.requirements import needs

FOLDER = Path(__file__).parents[2] / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
TIMERS = sorted(FOLDER.glob("*.timer"))
DROP_INS = sorted((FOLDER / "drop-ins").glob("*.conf"))
INSTALLED = "/opt/inspector/venv/bin/inspector"

per_service = pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)


def read(path):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(path)
    return parser


@pytest.fixture
def unit():
    return read(FOLDER / "inspector@.service")


@pytest.fixture
def analyze(tmp_path):
    """Runs ``systemd-analyze`` on the units of line ``test``, with a program in the daemon's place."""
    program = shutil.which("systemd-analyze")
    needs(program, "systemd-analyze (Debian: apt-get install systemd)")
    for path in (*SERVICES, *TIMERS):
        _of_line_test(tmp_path, path).write_text(path.read_text().replace(INSTALLED, sys.executable))

    def analyze(path, *arguments, drop_in=""):
        unit = _of_line_test(tmp_path, path)
        unit.write_text(unit.read_text() + drop_in)
        return subprocess.run([program, *arguments, unit], capture_output=True, text=True, check=False)

    return analyze


def _of_line_test(folder, path):
    return folder / path.name.replace("@", "@test")


@pytest.mark.parametrize("path", [*SERVICES, *TIMERS], ids=lambda path: path.name)
def test_systemd_accepts_it(analyze, path):
    verified = analyze(path, "verify", "--man=no")

    assert (verified.returncode, verified.stderr) == (0, "")


@per_service
def test_exposure_is_low(analyze, service):
    """At most 2.0 of 10, which systemd calls OK."""
    rated = analyze(service, "security", "--offline=true", "--threshold=20", "--no-pager")

    assert rated.returncode == 0, rated.stdout + rated.stderr


@pytest.mark.parametrize("drop_in", DROP_INS, ids=lambda path: path.name)
def test_so_it_is_with_each_drop_in(analyze, drop_in):
    service = FOLDER / ("inspector-ui@.service" if drop_in.name.startswith("page-") else "inspector@.service")
    rated = analyze(
        service, "security", "--offline=true", "--threshold=20", "--no-pager", drop_in=f"\n{drop_in.read_text()}"
    )
    verified = analyze(service, "verify", "--man=no")

    assert rated.returncode == 0, rated.stdout + rated.stderr
    assert (verified.returncode, verified.stderr) == (0, "")


@per_service
def test_its_program_is_the_installed_one_and_knows_the_command(service):
    program, command, *_ = read(service)["Service"]["ExecStart"].split()

    assert program == INSTALLED
    helped = [sys.executable, "-m", "inspector.cli", command, "--help"]
    assert subprocess.run(helped, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("timer", TIMERS, ids=lambda path: path.name)
def test_each_timer_has_its_service(timer):
    assert timer.with_suffix(".service") in SERVICES
    assert "Unit" not in read(timer)["Timer"]


@per_service
def test_all_write_as_the_same_user(service, unit):
    for key in ("DynamicUser", "User", "StateDirectory", "StateDirectoryMode"):
        assert read(service)["Service"][key] == unit["Service"][key]


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
    _, *arguments = unit["Service"]["ExecStart"].replace("%i", "no-such-line").split()

    ran = subprocess.run(
        [sys.executable, "-m", "inspector.cli", *arguments], capture_output=True, text=True, check=False
    )

    assert ran.returncode == EXIT_CONFIG, ran.stderr
    assert "no-such-line.yaml" in ran.stderr
