"""Whether something keeps this machine's clock right: its time stands on every verdict."""

import ctypes
from collections.abc import Iterator
from typing import Final

from inspector.doctor.findings import Finding, Subject, bad, good, unclear

UNSYNCHRONISED: Final = 5
"""TIME_ERROR of adjtimex(2)."""

TIMEX_BYTES: Final = 256
"""More than ``struct timex`` has; all zeros ask, and change nothing."""


def look_at_clock(_: Subject) -> Iterator[Finding]:
    """One finding, as the kernel tells it: whichever program sets the clock tells the kernel."""
    state = _state()
    if state < 0:
        yield unclear("clock", "the kernel does not say whether it is synchronised")
    elif state == UNSYNCHRONISED:
        yield bad("clock", "nothing synchronises it", "apt-get install chrony, or timedatectl set-ntp true")
    else:
        yield good("clock", "synchronised")


def _state() -> int:
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except AttributeError:  # not every C library has it
        return -1
    return state
