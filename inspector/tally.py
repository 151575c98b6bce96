"""What a station has said since the start, counted for whoever asks."""

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from inspector.inspection import Inspection, Outcome

WINDOW_S: Final = 10.0
MOST_TIMES: Final = 2000
"""Times that are kept: at more than 200 inspections a second the window is shorter."""


class Tally:
    """``observe`` is called by one thread at a time, everything else by any."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: Counter[Outcome] = Counter()
        self._times_s: deque[float] = deque(maxlen=MOST_TIMES)

    def observe(self, inspection: Inspection) -> None:
        """Count one."""
        self._counts[inspection.outcome] += 1
        self._times_s.append(self._clock())

    def verdicts(self) -> dict[str, int]:
        """How many of each outcome."""
        return {outcome.value: self._counts[outcome] for outcome in Outcome}

    def rate_hz(self) -> float:
        """Inspections a second, over the last ten seconds, or since the first if that is not so long ago."""
        now_s = self._clock()
        recent = [each for each in tuple(self._times_s) if each > now_s - WINDOW_S]
        return (len(recent) - 1) / (now_s - recent[0]) if len(recent) > 1 else 0.0
