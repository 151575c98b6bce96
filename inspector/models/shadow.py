"""A model on trial: it scores what the station has judged already, and nobody hears it."""

from collections import deque
from collections.abc import Callable
from threading import Condition
from typing import Final

from inspector.bundle import Bundle, Judgement
from inspector.inspection import Evidence
from inspector.models.agreement import Agreement, Tally

MOST_WAITING: Final = 4
"""Parts that wait for their comparison; what comes then is skipped, and counted."""

LOOK_ROUND_S: Final = 0.2
"""How late it is noticed that the comparison was called off."""


class Shadow:
    """``see`` is called by the station's thread, ``compare`` by another."""

    def __init__(self, candidate: Bundle, parts: int) -> None:
        self._candidate = candidate
        self._parts = parts
        self._changed = Condition()
        self._waiting: deque[Evidence] = deque()
        self._skipped = 0

    def see(self, evidence: Evidence) -> None:
        """Put the part beside the others that wait; its picture at the station's input size is not kept."""
        with self._changed:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append(evidence)
                self._changed.notify()
            else:
                self._skipped += 1

    def compare(self, off: Callable[[], bool]) -> Agreement:
        """Go on until so many parts are compared, or it is called off."""
        tally = Tally()
        while tally.parts < self._parts and not off():
            if evidence := self._next():
                tally.add(evidence.inspection, self._judged(evidence))
        return tally.result(self._skipped)

    def _next(self) -> Evidence | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, LOOK_ROUND_S)
            return self._waiting.popleft() if self._waiting else None

    def _judged(self, evidence: Evidence) -> Judgement:
        picture = self._candidate.prepare(evidence.frame.pixels)
        (said,) = self._candidate.judge(self._candidate.embedder.embed(picture[None]))
        return said
