"""A driver in a helper process of its own: native code that hangs or crashes takes no more than the helper with it."""

import os
import select
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np

from inspector.cameras import wire
from inspector.cameras.device import Shot, Trouble, lost
from inspector.cameras.pixel_formats import Grid
from inspector.errors import CameraError, FrameError

PACKAGES: Final = Path(__file__).parents[2]
"""Where a Python that is started anew finds this package."""

START_S: Final = 20.0
"""What a helper may take to import its libraries, on a machine that is busy starting others."""

KILL_WAIT_S: Final = 1.0

STDERR: Final = 2


class IsolatedDevice:
    """A ``Device`` whose driver runs in a helper process; each picture's bytes are copied once more for it.

    ``command`` is the helper's program, which gets the numbers of two file descriptors as its last arguments; ``order``
    is what it is told first. A helper that has said nothing for ``silence_s`` hangs: the camera is lost, and closing
    kills the helper. Raises CameraError when the camera does not open in ``open_timeout_s``.
    """

    def __init__(
        self,
        command: Sequence[str],
        order: Mapping[str, Any],
        *,
        station: str,
        source: str,
        open_timeout_s: float,
        silence_s: float,
    ) -> None:
        self._lost = partial(lost, station, source)
        self._silence_s = max(silence_s, 3 * wire.ALIVE_S)
        self._counts: dict[Trouble, int] = {}
        self._sending = Lock()
        try:
            self._talk, self._memory, self._process = _started(command)
        except OSError as error:
            raise self._lost(f"cannot start its helper process {command[0]} ({error.strerror})") from error
        self._heard_s = time.monotonic()
        try:
            self._awaited("started", START_S)
            wire.send(self._talk, order)
            self.free_running = bool(self._awaited("open", open_timeout_s)["free_running"])
        except OSError as error:
            self.close()
            raise self._lost(self._end()) from error
        except CameraError:
            self.close()
            raise

    def grab(self, timeout_s: float) -> Shot | None:
        """See ``Device``. Raises CameraError when the helper has ended, or hangs."""
        message = self._heard(timeout_s)
        if message is None and time.monotonic() - self._heard_s > self._silence_s:
            raise self._lost(f"hangs: its driver has not come round for {self._silence_s:g} s")
        return None if message is None else self._told(message)

    def fire(self) -> None:
        """See ``Device``. Raises CameraError when the helper takes no more."""
        try:
            self._say({"say": "fire"})
        except OSError as error:
            raise self._lost(self._end()) from error

    def counts(self) -> Mapping[Trouble, int]:
        """See ``Device``, as of half a second ago."""
        return self._counts

    def close(self) -> None:
        """See ``Device``. Returns within two seconds, whatever the driver does."""
        with self._sending:
            self._talk.close()
        self._memory = np.empty(0, np.uint8)  # the pictures go now, and not when the garbage is collected
        try:
            self._process.wait(wire.GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(KILL_WAIT_S)

    def _awaited(self, what: str, timeout_s: float) -> dict[str, Any]:
        message = self._heard(timeout_s)
        if message is None or message["say"] != what:
            raise self._lost(f"is not {what} after {timeout_s:g} s")
        return message

    def _heard(self, timeout_s: float) -> dict[str, Any] | None:
        """What the helper says next, or None when that takes too long. Raises CameraError when it has ended."""
        poll = select.poll()
        poll.register(self._talk, select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            return None
        message = wire.receive(self._talk)
        if message is None:
            raise self._lost(self._end())
        if message["say"] == "lost":
            raise CameraError(message["message"])
        self._heard_s = time.monotonic()
        return message

    def _told(self, message: dict[str, Any]) -> Shot | None:
        match message["say"]:
            case "shot":
                return self._shot(message)
            case "refused":
                raise FrameError(message["message"], reason=message["reason"])
            case "alive":
                self._counts = message["counts"]
        return None

    def _shot(self, message: dict[str, Any]) -> Shot:
        slot, size = message["slot"], message["size"]
        start = slot * wire.SLOT_BYTES
        return Shot(
            self._memory[start : start + size],
            Grid(*message["grid"]),
            monotonic_s=message["monotonic_s"],
            exposed=message["exposed"],
            device_frame=message["device_frame"],
            device_time_s=message["device_time_s"],
            part_id=message["part_id"],
            release=partial(self._release, slot),
        )

    def _release(self, slot: int) -> None:
        try:
            self._say({"say": "release", "slot": slot})
        except OSError:
            return  # the helper has gone, and its memory with it

    def _say(self, message: dict[str, Any]) -> None:
        """Never waits for a helper that hangs: that raises OSError too."""
        with self._sending:
            wire.send(self._talk, message, socket.MSG_DONTWAIT)

    def _end(self) -> str:
        try:
            status = self._process.wait(KILL_WAIT_S)
        except subprocess.TimeoutExpired:
            return "has a helper process that takes no more orders"
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        return f"has lost its helper process, which ended {how}"


def _started(
    command: Sequence[str],
) -> tuple[socket.socket, np.ndarray[Any, np.dtype[np.uint8]], subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    descriptor = os.memfd_create("camera")
    try:
        os.ftruncate(descriptor, wire.SLOTS * wire.SLOT_BYTES)
        inherited = (theirs.fileno(), descriptor)
        process = subprocess.Popen(  # noqa: S603 - a program of this package
            [*command, *map(str, inherited)],
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            stdout=STDERR,  # what native code prints belongs into the log
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGES), os.getenv("PYTHONPATH")]))},
        )
        return ours, np.frombuffer(wire.memory(descriptor), np.uint8), process
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(descriptor)
