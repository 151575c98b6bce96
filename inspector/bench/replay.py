"""Both ends of a station that is timed: a camera that replays pictures, and a stopwatch before its sink."""

import itertools
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import Final

from inspector.bench.shifts import Shift
from inspector.errors import SinkError
from inspector.inspection import Camera, EndOfFrames, Frame, Inspection, Pixels, Sink, StationState, utc_now
from inspector.pictures import to_rgb

VERDICT: Final = "verdict"
"""From a frame's arrival to its verdict."""

REFUSED: Final = "refused"
"""Stands among the outcomes for the results that a sink could not take."""


class Replay(Camera):
    """A camera that gives pictures for one shift, as fast as they are taken, and then ends.

    ``pictures`` lie in memory as BGR and become RGB after their arrival, as those of a live camera do. ``cycles_ms``:
    from each frame's arrival until the station asked for the next one, which is what limits its rate.
    """

    def __init__(self, station: str, pictures: Iterator[Pixels], shift: Shift) -> None:
        self.cycles_ms: array[float] = array("d")
        self._station = station
        self._pictures = pictures
        self._shift = shift
        self._sequence = itertools.count()
        self._began_s = self._arrived_s = self._asked_s = 0.0

    @property
    def duration_s(self) -> float:
        """From the beginning of the shift until the station was done with its last frame."""
        return self._asked_s - self._began_s

    def read(self, timeout_s: float) -> Frame:  # noqa: ARG002 - there always is a picture
        """See ``Camera``. Raises EndOfFrames when the shift is over."""
        self._asked_s = time.monotonic()
        if self._began_s:
            self.cycles_ms.append((self._asked_s - self._arrived_s) * 1000)
        else:
            self._shift.begin()
            self._began_s = self._asked_s = time.monotonic()
        if not self._shift.goes_on():
            raise EndOfFrames
        self._arrived_s, wall_time = time.monotonic(), utc_now()
        pixels = to_rgb(next(self._pictures))
        return Frame(pixels, self._arrived_s, wall_time, next(self._sequence), self._station)

    def close(self) -> None:
        """Nothing is held."""


class TimedSink:
    """Hands everything on to another sink, but for the goodbye, since that one serves the next shift too.

    ``laps_ms``: what each inspection took, by stage, and its publication. ``said`` counts outcomes.
    """

    def __init__(self, sink: Sink, said: Counter[str]) -> None:
        self.laps_ms: dict[str, array[float]] = {}
        self._sink = sink
        self._said = said

    def publish(self, inspection: Inspection) -> None:
        """See ``Sink``; a refusal is counted, not raised: at full speed it would be logged many times a second."""
        started_s = time.monotonic()
        try:
            self._sink.publish(inspection)
        except SinkError:
            self._said[REFUSED] += 1
        published_ms = (time.monotonic() - started_s) * 1000
        self._said[inspection.outcome] += 1
        for stage, lap_ms in {**inspection.timings_ms, "publish": published_ms}.items():
            self.laps_ms.setdefault(VERDICT if stage == "total" else stage, array("d")).append(lap_ms)

    def announce(self, state: StationState) -> None:
        """See ``Sink``."""
        self._sink.announce(state)

    def close(self) -> None:
        """See above."""


class DiscardingSink:
    """Takes everything and keeps nothing."""

    def publish(self, inspection: Inspection) -> None:
        """See ``Sink``."""

    def announce(self, state: StationState) -> None:
        """See ``Sink``."""

    def close(self) -> None:
        """See ``Sink``."""
