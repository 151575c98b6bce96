"""Keeping a replay to its rate."""

import time


class Pace:
    """Due times on an absolute schedule, so that the time which a frame takes does not lower the rate.

    Whoever falls behind by more than one frame gets a new schedule: a pause is not followed by a burst.
    """

    def __init__(self, rate_hz: float | None) -> None:
        self._period_s = 1 / rate_hz if rate_hz else 0.0
        self._due_s = float("-inf")

    def wait(self, deadline_s: float) -> bool:
        """Whether the next frame is due, after waiting for that until ``deadline_s`` of the monotonic clock."""
        wake_s = min(self._due_s, deadline_s)
        while (now_s := time.monotonic()) < wake_s:
            time.sleep(wake_s - now_s)
        return now_s >= self._due_s

    def step(self, taken_s: float) -> None:
        """A frame was taken at ``taken_s``: the next one is due a period after this one was."""
        is_behind = taken_s - self._due_s > self._period_s
        self._due_s = (taken_s if is_behind else self._due_s) + self._period_s
