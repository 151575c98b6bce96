"""Pruning in a process of its own: in the daemon's, verdicts would wait for the interpreter that reads the folders.

Its standard input is what to do, its standard output what was done, both in JSON; why nothing was is on standard error.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

import inspector
from inspector.archive.prune import Limits, Report, prune
from inspector.errors import ArchiveError

PACKAGES: Final = Path(inspector.__file__).parents[1]
"""Where the process finds this package, from whatever folder the daemon was started."""

PROGRAM: Final = f"from {__name__} import main; main()"

NICENESS: Final = 19
"""It takes what nobody else wants of a core."""


@dataclass(frozen=True, slots=True)
class _Task:
    folder: Path
    limits: Limits
    now: datetime


_TASK: Final = TypeAdapter(_Task)
_REPORT: Final[TypeAdapter[Report | None]] = TypeAdapter(Report | None)


def prune_apart(folder: Path, limits: Limits, now: datetime) -> Report | None:
    """As ``prune`` without waiting. Raises ArchiveError also where there is no process to be had, or it was killed."""
    paths = os.pathsep.join(filter(None, [str(PACKAGES), os.getenv("PYTHONPATH")]))
    try:
        done = subprocess.run(  # noqa: S603 - a program of this package
            [sys.executable, "-c", PROGRAM],
            input=_TASK.dump_json(_Task(folder, limits, now)),
            capture_output=True,
            check=False,
            env=os.environ | {"PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is for the daemon
        )
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be pruned: no process can be started: {error.strerror}") from error
    if done.returncode < 0:
        raise ArchiveError(f"{folder}: pruning ended by signal {-done.returncode}")
    if done.returncode:
        raise ArchiveError(done.stderr.decode(errors="replace").strip())
    return _REPORT.validate_json(done.stdout)


def main() -> None:
    """The process. Raises SystemExit with what is to be said where nothing could be done."""
    os.nice(NICENESS)
    task = _TASK.validate_json(sys.stdin.buffer.read())
    try:
        report = prune(task.folder, task.limits, now=task.now, wait=False)
    except ArchiveError as error:
        raise SystemExit(str(error)) from error
    sys.stdout.buffer.write(_REPORT.dump_json(report))
