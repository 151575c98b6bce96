"""A training program at work for the page: begun, followed by the lines that it writes, ended."""

import json
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from inspector.bundle import GateRecord, Promise
from inspector.errors import ConfigError

LINES: Final = 12
"""Of what it said last, kept for whoever wants to know why it failed."""

NICENESS: Final = 19
KILL_AFTER_S: Final = 10.0
"""It was asked to end, and has not."""


class Step(StrEnum):
    """Where a job is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class Made(BaseModel):
    """What the program says of the bundle that it has written: a part of its ``--json``."""

    digest: str
    name: str
    threshold: float
    held_out_normals: int
    anomaly_types: dict[str, int]
    gate: GateRecord | None
    promise: Promise | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Status:
    """Of a job, as a page shows it."""

    step: Step
    doing: str = ""
    """What it is at, in its own words."""
    done: int = 0
    of: int = 0
    """0 where nobody knows."""
    said: str = ""
    """Its last words, of a job that failed."""
    made: Made | None = None


class Job:
    """One run of a program, in a process group of its own; nothing waits for it but its own thread.

    ``ended`` is called once, in that thread. Raises ConfigError where the program cannot be started.
    """

    def __init__(self, command: Sequence[str], *, longest_s: float, ended: Callable[[Status], None]) -> None:
        self._status = Status(Step.RUNNING)
        self._ended = ended
        self._last = deque[str](maxlen=LINES)
        self._ends_s = time.monotonic() + longest_s
        self._asked_to_stop = threading.Event()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the configuration's program, and no shell
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise ConfigError(f"ui.training.command {command[0]} cannot be started: {error.strerror}") from error
        _give_way(self._process.pid)
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._follow, self._watch)]
        for thread in self._threads:
            thread.start()

    @property
    def status(self) -> Status:
        """As it is now."""
        return self._status

    def stop(self) -> None:
        """Have it end, at once or soon."""
        self._asked_to_stop.set()

    def wait(self, timeout_s: float) -> None:
        """Until it has ended."""
        self._threads[0].join(timeout_s)

    def _follow(self) -> None:
        out: list[str] = []
        with self._process as process:
            reader = threading.Thread(target=lambda: out.extend(process.stdout or ()), daemon=True)
            reader.start()
            for line in process.stderr or ():
                self._hear(line)
            reader.join()
        self._status = self._result(self._process.returncode, "".join(out))
        self._ended(self._status)

    def _hear(self, line: str) -> None:
        try:
            told: Any = json.loads(line)
            doing, done, of = str(told["step"]), int(told["done"]), int(told["of"])
        except (ValueError, KeyError, TypeError):
            self._last.append(line.rstrip())
        else:
            self._status = replace(self._status, doing=doing, done=done, of=of)

    def _result(self, status: int, out: str) -> Status:
        if self._asked_to_stop.is_set():
            return Status(Step.STOPPED)
        said = "\n".join(self._last)
        if status:
            return Status(Step.FAILED, said=said or f"exit status {status}")
        try:
            return Status(Step.DONE, made=Made.model_validate_json(out))
        except ValidationError as error:
            return Status(Step.FAILED, said=f"it did not say what it made: {error.error_count()} mistakes in its JSON")

    def _watch(self) -> None:
        """End it when it is asked for, or has taken too long."""
        while self._process.poll() is None:
            if self._asked_to_stop.wait(max(0.0, min(1.0, self._ends_s - time.monotonic()))):
                break
            if time.monotonic() >= self._ends_s:
                self._last.append("it took too long, and was ended")
                break
        else:
            return
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_AFTER_S)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _give_way(pid: int) -> None:
    """Let it have what nobody else wants of the cores; threads that it starts later do the same (sched(7))."""
    with suppress(ProcessLookupError, PermissionError):  # it is over, or the sandbox forbids it
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
