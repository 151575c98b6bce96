"""What a camera's helper process and its station say to each other, and the memory that the pictures lie in.

Only the standard library is needed, so that any Python can be a helper, also one without numpy: a script beside this
file that is run by the system's own interpreter imports it as ``wire``.

The helper inherits two file descriptors. One is a socket that keeps messages apart (SOCK_SEQPACKET), each a JSON
object. The other is memory without a name (memfd_create): it is gone with the last process that has it, however that
one ended. It is far larger than a picture, since only what was written to takes any room.

::

    station                                 helper
       │  ◀───  started                       │  has its libraries
       │  {station, settings}  ───▶           │  connects
       │  ◀───  open {free_running}           │  or: lost {message}
       │  ◀───  shot {slot, size, grid, …}    │  a picture lies in that slot
       │  release {slot}  ───▶                │  the slot may be written to again
       │  fire  ───▶                          │  a trigger by software
       │  ◀───  refused {reason, message}     │  one picture was no good
       │  ◀───  alive {counts}                │  twice a second, or the driver hangs
       │  ◀───  lost {message}                │  and ends
       x  closes the socket                   │  lets the camera go, and ends
"""

import ctypes
import json
import mmap
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

SLOTS: Final = 4
"""Pictures in memory: one is being written, one is the newest, one is being read, one's message is on its way."""

SLOT_BYTES: Final = 1 << 28
"""Room for the largest picture: a quarter of a gigabyte."""

LONGEST_MESSAGE: Final = 1 << 16

ALIVE_S: Final = 0.5
"""How often a helper says that its driver comes round."""

GRACE_S: Final = 0.5
"""What the driver may take to let the camera go once the station has closed the socket."""

PR_SET_PDEATHSIG: Final = 1


def memory(descriptor: int) -> mmap.mmap:
    """The slots, one after the other."""
    return mmap.mmap(descriptor, SLOTS * SLOT_BYTES)


def send(talk: socket.socket, message: Mapping[str, Any], flags: int = 0) -> None:
    """Say one thing. Raises OSError when nobody is there to hear it."""
    talk.send(json.dumps(message).encode(), flags)


def receive(talk: socket.socket) -> dict[str, Any] | None:
    """What is said next, or None when the other side has gone."""
    try:
        data = talk.recv(LONGEST_MESSAGE)
    except ConnectionError:
        return None
    return dict(json.loads(data)) if data else None


class Helper:
    """The helper's end. ``order`` is what the station asks for; from then on no process outlives the other."""

    def __init__(self, socket_descriptor: int, memory_descriptor: int) -> None:
        _die_with_parent()
        self._talk = socket.socket(fileno=socket_descriptor)
        self._memory = memory(memory_descriptor)
        self._free = list(range(SLOTS))
        self._lock = threading.Lock()
        self._alive_s = 0.0
        self._unslotted = 0
        self.closing = threading.Event()
        self._say("started")
        self.order = receive(self._talk) or {}

    def opened(self, *, free_running: bool, fire: Callable[[], None]) -> None:
        """The camera is open; ``fire`` triggers a picture, in a thread of its own."""
        self._say("open", free_running=free_running)
        threading.Thread(target=self._listen, args=(fire,), daemon=True).start()

    def shot(self, data: Any, **facts: Any) -> None:
        """Hand over a picture, a contiguous buffer, with what ``Shot`` wants to know of it."""
        view = memoryview(data).cast("B")
        if view.nbytes > SLOT_BYTES:
            raise ValueError(f"a picture of {view.nbytes} bytes came; {SLOT_BYTES} are the limit")
        with self._lock:
            slot = self._free.pop() if self._free else None
        if slot is None:  # the station does not come round
            self._unslotted += 1
            return
        self._memory[slot * SLOT_BYTES : slot * SLOT_BYTES + view.nbytes] = view
        self._say("shot", slot=slot, size=view.nbytes, **facts)

    def refused(self, reason: str, message: str) -> None:
        """One picture was no good."""
        self._say("refused", reason=reason, message=message)

    def alive(self, counts: Mapping[Any, int]) -> None:
        """The driver has come round; to be called each time, said only now and then."""
        now_s = time.monotonic()
        if now_s - self._alive_s >= ALIVE_S:
            self._alive_s = now_s
            dropped = counts.get("buffers_dropped", 0) + self._unslotted
            self._say("alive", counts={**counts, "buffers_dropped": dropped})

    def lost(self, message: str) -> None:
        """The camera is lost. The helper is to end now."""
        self._say("lost", message=message)

    def _say(self, what: str, **fields: Any) -> None:
        try:
            send(self._talk, {"say": what, **fields})
        except OSError:
            self.closing.set()  # the station has gone

    def _listen(self, fire: Callable[[], None]) -> None:
        while message := receive(self._talk):
            if message["say"] == "release":
                with self._lock:
                    self._free.append(message["slot"])
            elif message["say"] == "fire":
                fire()
        self.closing.set()
        time.sleep(GRACE_S)
        os._exit(1)  # the driver hangs


def _die_with_parent() -> None:
    """Have Linux kill this process when the thread that started it ends, whatever native code is doing (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
