"""What waits for the disk: bounded, rejects first, samples given up first."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import Final

from inspector.archive.choice import Why
from inspector.inspection import Evidence

MOST: Final = 1000
"""Pictures that wait, however small they are."""


@dataclass(frozen=True, slots=True)
class Item:
    """An inspection that is to be kept, and since when it waits by the monotonic clock."""

    evidence: Evidence
    why: Why
    since_s: float
    bytes: int

    @classmethod
    def of(cls, evidence: Evidence, why: Why, now_s: float) -> "Item":
        """Its bytes are those of the two arrays that are large."""
        patches = evidence.features.patches if evidence.features else None
        taken = evidence.frame.pixels.nbytes + (0 if patches is None else patches.nbytes)
        return cls(evidence, why, now_s, taken)


class Waiting:
    """Whoever puts never waits; one thread takes.

    Samples stand in a line of their own: the other line goes first, and samples are what has to go when there is no
    room. Where only others wait the newcomer has to go: how a row of rejects began tells more than how it goes on.
    """

    def __init__(self, most_bytes: int, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._most, self._clock = most_bytes, most, clock
        self._changed = Condition()
        self._samples: deque[Item] = deque()
        self._others: deque[Item] = deque()
        self._bytes = 0
        self._ended = False

    def put(self, evidence: Evidence, why: Why) -> int:
        """Line up. Returns how many, this one among them, had to be given up for it. A picture alone always fits."""
        item = Item.of(evidence, why, self._clock())
        given_up = 0
        with self._changed:
            if self._ended:
                return 1
            while not self._fits(item):
                if not self._samples:
                    return given_up + 1
                self._forget(self._samples.popleft())
                given_up += 1
            (self._samples if why is Why.SAMPLE else self._others).append(item)
            self._bytes += item.bytes
            self._changed.notify()
        return given_up

    def take(self) -> Item | None:
        """The next in line, as soon as there is one; None when there is none and none will come."""
        with self._changed:
            self._changed.wait_for(lambda: len(self) or self._ended)
            if not len(self):
                return None
            item = (self._others or self._samples).popleft()
            self._forget(item)
            return item

    def end(self) -> None:
        """Nothing is lined up any more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def give_up(self) -> int:
        """Let go of all that waits; how many."""
        with self._changed:
            count = len(self)
            self._samples.clear()
            self._others.clear()
            self._bytes = 0
            return count

    def __len__(self) -> int:
        return len(self._samples) + len(self._others)

    @property
    def bytes(self) -> int:
        """What they take of the memory."""
        return self._bytes

    @property
    def since_s(self) -> float | None:
        """When the oldest was lined up; None where there is none."""
        with self._changed:
            return min((line[0].since_s for line in (self._samples, self._others) if line), default=None)

    def _fits(self, item: Item) -> bool:
        return not len(self) or (len(self) < self._most and self._bytes + item.bytes <= self._most_bytes)

    def _forget(self, item: Item) -> None:
        self._bytes -= item.bytes
