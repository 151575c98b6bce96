"""What is timed: real stations, the same with a heat map of every picture, and the bare network."""

import itertools
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from threading import Event
from typing import Final

import numpy as np

from inspector.bench.lone_station import station_alone
from inspector.bench.replay import Replay, TimedSink
from inspector.bench.shifts import Shift, Spell
from inspector.bundle import Bundle, Judgement
from inspector.cores import pinned
from inspector.heatmap import enlarge
from inspector.inspection import Features, Floats, Pixels, Sink

NETWORK: Final = "network"
"""Stage of the bare network: pixels at its input size to features."""

END_TO_END: Final = "end_to_end"
"""From a frame's arrival until its station asks for the next one."""


class StationWorker:
    """A ``Station`` as the daemon runs it, between a replay and a stopwatch. ``said`` counts its outcomes."""

    def __init__(self, name: str, bundle: Bundle, pictures: Sequence[Pixels], sink: Sink) -> None:
        self.said: Counter[str] = Counter()
        self._name = name
        self._bundle = bundle
        self._pictures = itertools.cycle([np.ascontiguousarray(each[..., ::-1]) for each in pictures])
        self._sink = sink

    def work(self, shift: Shift) -> Spell:
        """See ``Worker``."""
        replay, sink = Replay(self._name, self._pictures, shift), TimedSink(self._sink, self.said)
        station_alone(self._name, replay, self._bundle, sink).run(Event())
        return Spell(sink.laps_ms | {END_TO_END: replay.cycles_ms}, len(replay.cycles_ms), replay.duration_s)


class NetworkWorker:
    """The bundle's network and nothing else, in the same engine, on pictures that have its input size already."""

    def __init__(self, bundle: Bundle, pictures: Sequence[Pixels]) -> None:
        self._bundle = bundle
        self._pictures = itertools.cycle([bundle.prepare(each)[None] for each in pictures])

    def work(self, shift: Shift) -> Spell:
        """See ``Worker``."""
        with pinned(self._bundle.engine.cores):
            return self._embed(shift)

    def _embed(self, shift: Shift) -> Spell:
        laps_ms: array[float] = array("d")
        shift.begin()
        began_s = time.monotonic()
        while shift.goes_on():
            started_s = time.monotonic()
            self._bundle.embedder.embed(next(self._pictures))
            laps_ms.append((time.monotonic() - started_s) * 1000)
        return Spell({NETWORK: laps_ms}, len(laps_ms), time.monotonic() - began_s)


class MappingBundle(Bundle):
    """A bundle that, while it judges, also makes the heat map of every picture, at the model's input size."""

    def judge(self, features: Features) -> list[Judgement]:
        """See ``Bundle``."""
        grids = self.heat_map(features)
        if grids is not None:
            self._enlarged(grids)
        return super().judge(features)

    def _enlarged(self, grids: Floats) -> Floats:
        return np.stack([enlarge(grid, *self.manifest.input_size) for grid in grids])


def with_heat_map(bundle: Bundle) -> MappingBundle:
    """The same bundle, sharing all that is loaded."""
    return MappingBundle(**{each.name: getattr(bundle, each.name) for each in fields(bundle)})
