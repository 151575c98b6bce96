"""Disks that can be filled, and a line that goes on beside them."""

import os
import subprocess
from contextlib import contextmanager

from tests.faults.stage import DEFECT, GOOD
from tests.requirements import needs

DEADLINE_MS = 5000
"""Long: how quick a verdict is on a full disk is not what is tested."""


@contextmanager
def small_disk(folder):
    """A real file system of two megabytes."""
    folder.mkdir(parents=True)
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    needs(mounted and mounted.returncode == 0, "the right to mount a file system (root, CAP_SYS_ADMIN)")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def disk_that_can_hang(folder):
    """A real file system in a file; ``fsfreeze`` has each write to it wait, out of reach even of ``kill``."""
    image = folder.with_suffix(".ext4")
    folder.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(16 * 2**20)
    commands = (["mkfs.ext4", "-q", image], ["mount", "-o", "loop", image, folder])
    mounted = os.geteuid() == 0 and all(
        subprocess.run(command, capture_output=True, check=False).returncode == 0 for command in commands
    )
    needs(mounted, "the right to mount a file system in a file (root, CAP_SYS_ADMIN, loop devices)")
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", folder], capture_output=True, check=False)
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file):
    """Until there is no room for another byte."""
    with file.open("wb", buffering=0) as filler:
        for size in (65536, 4096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                continue


def judged(line, plc, count):
    """The outcomes of so many parts, good ones and bad ones in turn."""
    outcomes = []
    for number in range(count):
        kind = (GOOD, DEFECT)[number % 2]
        line.stage.place(kind)
        entry = plc.trigger(f"{kind}-{number}", DEADLINE_MS)
        plc.decide([entry])
        outcomes += [answer.inspection.outcome for answer in entry.answers]
    return outcomes


def is_reset(line, alarm):
    """Whether an operator has got the alarm away; while its cause lasts the station refuses."""
    for command in ("acknowledge", "reset"):
        line.command(command, alarm=alarm)
    return line.witness.alarm(alarm) == "reset"
