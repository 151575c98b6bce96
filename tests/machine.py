"""A machine with a systemd of its own, booted in a container on a copy of this machine's files that is thrown away."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.broker import wait_until
from tests.requirements import needs

NSPAWN = shutil.which("systemd-nspawn")


class Machine:
    """Boots with the block and is gone with it. Its network is this machine's; its files change nothing here.

    ``command`` runs inside, as root. Sandboxes of units are the real ones: namespaces, seccomp and cgroups of systemd.
    ``lent`` are folders of this machine, to be read where they are then.
    """

    def __init__(self, lent):
        self._lent = lent
        # Not below /tmp, which the machine has its own of.
        self._folder = Path(tempfile.mkdtemp(prefix="machine-", dir="/var/lib"))
        self.root = self._folder / "root"
        self._booted = None
        self._leader = None

    def command(self, *words, check=True):
        """What it prints, both streams together. Raises CalledProcessError with that unless it ends well."""
        enter = ["nsenter", f"--target={self._leader}", "--all", "--", *words]
        ran = subprocess.run(enter, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=PLAIN)
        assert not check or ran.returncode == 0, f"{words} ended with {ran.returncode}: {ran.stdout}{self._journal()}"
        return ran.stdout

    def property(self, unit, name):
        """As ``systemctl show`` has it."""
        return self.command("systemctl", "show", "--value", "--property", name, unit).strip()

    def write(self, path, text, mode=0o644):
        """A file inside."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def _journal(self):
        if not self._leader:
            return ""
        words = ["nsenter", f"--target={self._leader}", "--all", "--", "journalctl", "--no-pager", "--lines=30"]
        return "\n" + subprocess.run(words, capture_output=True, text=True, check=False, env=PLAIN).stdout

    def __enter__(self):
        layers = self._folder / "layers"
        layers.mkdir()
        mounted = _mount("tmpfs", "tmpfs", layers)
        (layers / "upper").mkdir()
        (layers / "work").mkdir()
        self.root.mkdir()
        mounted &= _mount("overlay", "overlay", self.root,
                          f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work")  # fmt: skip
        if not mounted:
            self.__exit__()
            pytest.skip("nobody may mount a file system here, as in a container without privileges")
        # Only what the tests start is to run: none of this machine's own services.
        (self.root / "etc" / "machine-id").write_text("")
        for wants in (self.root / "etc" / "systemd" / "system").glob("*.wants"):
            shutil.rmtree(wants)
        options = ["--quiet", "--register=no", "--keep-unit", "--console=pipe", f"--directory={self.root}"]
        lent = [f"--bind-ro={folder}:{inside}" for folder, inside in self._lent.items()]
        self._booted = subprocess.Popen(
            [NSPAWN, *options, *lent, "--machine=line-pc", "--boot", "systemd.unit=multi-user.target"],
            stdin=subprocess.DEVNULL,
            stdout=(self._folder / "log").open("w"),
            stderr=subprocess.STDOUT,
        )
        self._leader = wait_until(self._first_process, "the first process of the machine")
        wait_until(self._is_up, "the machine to be up", 60)
        return self

    def _first_process(self):
        assert self._booted.poll() is None, (self._folder / "log").read_text()
        children = Path(f"/proc/{self._booted.pid}/task/{self._booted.pid}/children").read_text().split()
        return next((child for child in children if Path(f"/proc/{child}/comm").read_text() == "systemd\n"), None)

    def _is_up(self):
        return self.command("systemctl", "is-system-running", check=False).strip() in {"running", "degraded"}

    def __exit__(self, *_):
        if self._booted:
            self._booted.terminate()  # asks the machine to halt …
            self._booted.terminate()  # … and does not wait for it
            self._booted.wait(20)
        for mount in (self.root, self._folder / "layers"):
            subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
        shutil.rmtree(self._folder)


PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
"""The environment of a root shell, without what pytest's has."""


def _mount(kind, what, where, options="defaults"):
    command = ["mount", "-t", kind, "-o", options, what, where]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def a_machine(lent=MappingProxyType({})):
    """To be entered; see ``Machine``. Skips where there can be none."""
    needs(NSPAWN, "systemd-nspawn (Debian: apt-get install systemd-container)")
    if os.geteuid():
        pytest.skip("only root can boot a machine")
    return Machine(lent)
