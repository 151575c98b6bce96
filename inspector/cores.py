"""The machine's cores: which of them there are, how stations share them, and who computes on which.

Only a network shares its work among threads. numpy and OpenCV compute in the thread that calls them: a pool of theirs
belongs to the whole process, so it would take cores that are another station's, and OpenBLAS lets its threads spin for
20 ms after every product.
"""

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Final

import cv2
from threadpoolctl import threadpool_limits

Cores = tuple[int, ...]
"""Numbers of logical cores, as the kernel counts them."""

NICENESS: Final = 10
"""A thread that gives way gets a tenth of what another one gets of a core that both want."""


def usable_cores() -> Cores:
    """The cores that this process may run on: a container or ``taskset`` may have left it some of the machine's."""
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def share_out(claims: Sequence[Cores], usable: Cores) -> list[int]:
    """How many threads each of n stations has, at least 1, given the cores that it names.

    A core that several name is divided among them. Stations that name none share the ``usable`` cores that nobody
    names, or all of them where none is left.
    """
    named = {core for claim in claims for core in claim}
    rest = tuple(core for core in usable if core not in named) or usable
    wanted = [claim or rest for claim in claims]
    sharers = Counter(core for claim in wanted for core in claim)
    return [max(1, int(sum(Fraction(1, sharers[core]) for core in claim))) for claim in wanted]


@contextmanager
def pinned(cores: Cores) -> Iterator[None]:
    """Keep the calling thread, and the threads that it starts meanwhile, on these cores; none given is no limit."""
    if not cores or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def compute_in_the_calling_thread() -> None:
    """Take numpy's and OpenCV's thread pools out of use, for the whole process."""
    threadpool_limits(1, user_api="blas")
    cv2.setNumThreads(1)


def give_way() -> None:
    """Let every other thread of the machine have a core before the calling one: what it does has time."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
