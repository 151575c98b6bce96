"""Heartbeats: every stage says that it is alive, and one question tells which has fallen silent."""

import time
from collections.abc import Callable
from threading import Lock


class Heartbeats:
    """Safe to use from several threads. ``clock`` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._limits_s: dict[str, float] = {}
        self._last_s: dict[str, float] = {}

    def expect(self, stage: str, limit_s: float) -> None:
        """From now on ``stage`` must beat at least every ``limit_s``; this counts as its first beat."""
        with self._lock:
            self._limits_s[stage] = limit_s
            self._last_s[stage] = self._clock()

    def forget(self, stage: str) -> None:
        """``stage`` has ended as it should; its silence means nothing."""
        with self._lock:
            self._limits_s.pop(stage, None)
            self._last_s.pop(stage, None)

    def beat(self, stage: str) -> None:
        """``stage`` is alive. A stage that nobody expects is a KeyError."""
        with self._lock:
            if stage not in self._limits_s:
                raise KeyError(stage)
            self._last_s[stage] = self._clock()

    def stale(self) -> list[str]:
        """The stages that have been silent for longer than their limit, sorted."""
        with self._lock:
            now_s = self._clock()
            return sorted(stage for stage, limit_s in self._limits_s.items() if now_s - self._last_s[stage] > limit_s)
