"""deploy/install.sh, run for real into a folder of its own; in a machine with systemd: test_machine.py."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.stand_in import write_wheel
from tests.requirements import needs

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPT = DEPLOY / "install.sh"
SYSTEM_PYTHON = "/usr/bin/python3"


class Staging:
    """A root folder that stands for the line's machine, and what install.sh makes of it."""

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "root"
        self.opt = self.root / "opt" / "inspector"
        self.etc = self.root / "etc" / "inspector"
        self.data = self.root / "var" / "lib" / "inspector"

    def call(self, *words):
        command = [SCRIPT, "--root", self.root, *words]
        environment = {**os.environ, "PYTHON": SYSTEM_PYTHON}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def install(self, version, takes="line"):
        """A wheel of that version, made when it is first asked for."""
        folder = self.folder / f"{version}-{takes}"
        if not folder.exists():
            write_wheel(folder, version, takes)
        return self.call("--wheels", folder)

    def add_line(self, text="line"):
        self.etc.mkdir(parents=True, exist_ok=True)
        (self.etc / "line-1.yaml").write_text(text)

    def version(self):
        """What /opt/inspector/venv runs."""
        command = [self.opt / "venv" / "bin" / "inspector", "--version"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()

    def files(self):
        """Every path below the root, and where the links lead; what a release holds is not looked into."""
        paths = [path for path in self.root.rglob("*") if "releases" not in path.parts[:-2]]
        return {path: path.readlink() if path.is_symlink() else None for path in paths}


@pytest.fixture
def staging(tmp_path):
    needs_venv()
    return Staging(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """With 1.0 and a line; no test may leave another behind."""
    needs_venv()
    staging = Staging(tmp_path_factory.mktemp("installed"))
    staging.first = staging.install("1.0")
    assert staging.first.returncode == 0, staging.first.stderr
    staging.add_line()
    return staging


def needs_venv():
    venv = subprocess.run([SYSTEM_PYTHON, "-c", "import ensurepip"], capture_output=True, check=False)
    needs(venv.returncode == 0, "python3-venv (Debian: apt-get install python3-venv)")


def test_shellcheck_has_nothing_to_say():
    program = shutil.which("shellcheck")
    needs(program, "shellcheck (Debian: apt-get install shellcheck)")

    for script in (SCRIPT, DEPLOY / "mosquitto" / "make-certificates"):
        checked = subprocess.run([program, script], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stdout) == (0, "")


def test_the_first_time_says_what_comes_next(installed):
    assert installed.version() == "1.0"
    assert f"write {installed.etc}/NAME.yaml" in installed.first.stdout
    units = {unit.name for unit in (installed.root / "etc" / "systemd" / "system").glob("*.*") if unit.is_file()}
    assert units == {unit.name for unit in (DEPLOY.parent / "systemd").glob("*.*")}
    assert (installed.etc / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_second_time_changes_nothing(installed):
    files = installed.files()

    again = installed.install("1.0")

    assert again.returncode == 0, again.stderr
    assert "is here already" in again.stdout
    assert f"doctor 1.0 at {installed.etc / 'line-1.yaml'}" in again.stdout
    assert installed.files() == files


def test_a_release_that_does_not_take_a_line_is_not_taken(installed):
    refused = installed.install("1.2", takes="something new")

    assert refused.returncode == 1
    assert "does not take" in refused.stderr
    assert installed.version() == "1.0"
    assert installed.call("--rollback").returncode == 1, "there was nothing before 1.0"


def test_a_wheel_that_cannot_be_installed_leaves_nothing_behind(installed):
    files = installed.files()
    broken = write_wheel(installed.folder / "broken", "1.3")
    (wheel,) = broken.iterdir()
    wheel.write_bytes(wheel.read_bytes().replace(b"Wheel-Version: 1.0", b"Wheel-Version: 9.0"))

    refused = installed.call("--wheels", broken)

    assert refused.returncode == 1
    assert "nothing was changed" in refused.stderr
    assert installed.files() == files


def test_upgrades_keep_what_is_the_sites_and_can_be_taken_back(staging):
    staging.install("1.0")
    staging.add_line()
    (staging.data / "records").mkdir()
    (staging.data / "records" / "press-1.sqlite").write_text("a year")

    assert staging.install("1.1").returncode == 0
    assert staging.version() == "1.1"
    assert staging.call("--rollback").returncode == 0
    assert staging.version() == "1.0"
    assert staging.call("--rollback").returncode == 0
    assert staging.version() == "1.1"

    # A line that was wrong before holds no upgrade up, but is told.
    staging.add_line("red")
    for version in ("1.2", "1.3"):
        upgraded = staging.install(version)
        assert (upgraded.returncode, staging.version()) == (1, version)
        assert "not all is well" in upgraded.stderr
    kept = {release.name.split("-")[0] for release in (staging.opt / "releases").iterdir()}
    assert kept == {"1.1", "1.2", "1.3"}
    assert (staging.etc / "line-1.yaml").read_text() == "red"
    assert (staging.data / "records" / "press-1.sqlite").read_text() == "a year"


def test_what_was_installed_by_hand_is_taken_over(staging):
    program = staging.opt / "venv" / "bin" / "inspector"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho by hand\n")
    program.chmod(0o755)

    assert staging.install("1.1").returncode == 0
    assert staging.version() == "1.1"
    assert staging.call("--rollback").returncode == 0
    assert staging.version() == "by hand"


def test_removal_keeps_the_sites_own_unless_told_otherwise_and_can_be_repeated(installed, tmp_path):
    staging = Staging(tmp_path)
    shutil.copytree(installed.root, staging.root, symlinks=True)

    assert staging.call("--remove").returncode == 0
    assert not staging.opt.exists()
    assert not list((staging.root / "etc" / "systemd" / "system").iterdir())
    assert (staging.etc / "line-1.yaml").exists()
    assert (staging.data / "bundles").exists()
    assert staging.call("--remove").returncode == 0
    assert staging.call("--remove", "--purge").returncode == 0
    assert not staging.etc.exists()
    assert not staging.data.exists()


def test_two_at_once_do_not_meet(staging):
    staging.opt.mkdir(parents=True)
    with (staging.opt / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = staging.install("1.0")

    assert refused.returncode == 1
    assert "another install.sh" in refused.stderr


@pytest.mark.parametrize("words", [["--purge"], ["--wheels"], ["upgrade"]])
def test_a_wrong_command_line_is_told(staging, words):
    refused = staging.call(*words)

    assert refused.returncode == 2
    assert "usage:" in refused.stderr
    assert not staging.root.exists()
