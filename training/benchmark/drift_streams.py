"""Streams of parts before the comparison that a daemon makes: false alarms, and frames until an alarm."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np

from inspector.bundle import Normals
from inspector.drift.comparison import Cause
from inspector.drift.reference import BLOCKS, Reference
from inspector.drift.settings import DriftSettings
from inspector.drift.window import Part
from inspector.drift.witness import Run, Told
from inspector.errors import DataError
from training.benchmark.drift_seen import DriftSet, Numbers
from training.normals import summed_up

LONGEST: Final = 3000
"""Frames after which a change counts as not found."""

DEFECT_SHARE: Final = 0.3
"""Of the parts in a wave of defects, which shall raise nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one change: frames until the alarm of each stream that had one, and what the alarms said.

    ``finally_says``: after the second look, a window later.
    """

    streams: int
    frames: list[int]
    says: Counter[str]
    finally_says: Counter[str]

    def as_json(self) -> dict[str, Any]:
        """Counts, and quantiles over all streams; None where too few had an alarm."""
        return {
            "streams": self.streams,
            "alarms": len(self.frames),
            "median": self._quantile(0.5),
            "nine_of_ten": self._quantile(0.9),
            "says": dict(self.says),
            "finally_says": dict(self.finally_says),
        }

    def _quantile(self, share: float) -> int | None:
        place = int(np.ceil(share * self.streams)) - 1
        return sorted(self.frames)[place] if place < len(self.frames) else None


def false_alarms(seen: DriftSet, settings: DriftSettings, *, frames: int, splits: int, seed: int) -> int:
    """Alarms among so many frames of normals, drawn again and again from those that the bundle has never seen.

    Neither held-out nor tested normals have taught the scorers anything, so they are dealt anew for each of the
    ``splits`` into a reference, as large as the bundle's own, and a stream.
    """
    rng, alarms = np.random.default_rng(seed), 0
    both = Numbers(
        np.concatenate([seen.held_out.numbers, seen.tested.numbers]),
        np.concatenate([seen.held_out.vectors, seen.tested.vectors]),
    )
    for _ in range(splits):
        order = rng.permutation(len(both))
        kept, streamed = order[: len(seen.held_out)], order[len(seen.held_out) :]
        normals = _normals(both, kept, seen.normals)
        parts = Numbers(both.numbers[streamed], both.vectors[streamed]).parts(seen.threshold)
        alarms += _alarms(_reference(normals, seen, settings), settings, drawn(parts, frames // splits, rng))
    return alarms


def until_alarm(seen: DriftSet, changed: Sequence[Part], settings: DriftSettings, *, streams: int, seed: int) -> Found:
    """Frames from a change to the alarm, each stream after a full window of normals."""
    rng, reference = np.random.default_rng(seed), _reference(seen.normals, seen, settings)
    normal = seen.tested.parts(seen.threshold)
    frames, says, finally_says = [], Counter[str](), Counter[str]()
    for _ in range(streams):
        run = Run(reference, settings.window)
        for part in drawn(normal, settings.window, rng):
            run.add(part)
        if alarm := _first_alarm(run, drawn(changed, LONGEST, rng)):
            number, cause, final_cause = alarm
            frames.append(number)
            says[cause] += 1
            finally_says[final_cause] += 1
    return Found(streams, frames, says, finally_says)


def wave(seen: DriftSet, seed: int) -> list[Part]:
    """Normals with a large share of defects among them."""
    normal, defects = seen.tested.parts(seen.threshold), seen.defects.parts(seen.threshold)
    rng, count = np.random.default_rng(seed), LONGEST
    return [next(drawn(defects if is_defect else normal, 1, rng)) for is_defect in rng.random(count) < DEFECT_SHARE]


def drawn(parts: Sequence[Part], count: int, rng: np.random.Generator) -> Iterator[Part]:
    """So many of the parts, at random and with repetition."""
    for row in rng.integers(len(parts), size=count):
        yield parts[row]


def _first_alarm(run: Run, parts: Iterator[Part]) -> tuple[int, Cause, Cause] | None:
    """Frames until the first alarm, what it says, and what it says after its second look; None where there is none."""
    numbered = ((number, run.add(part)) for number, part in enumerate(parts, start=1))
    compared = ((number, comparison) for number, comparison in numbered if comparison)
    for number, first in compared:
        if first.cause:
            told = Told(first.cause)
            for _, later in islice(compared, BLOCKS):
                told.look_again(later)
            return number, first.cause, told.cause
    return None


def _alarms(reference: Reference, settings: DriftSettings, parts: Iterator[Part]) -> int:
    """Each is reset at once, and the comparison begins anew."""
    run, alarms = Run(reference, settings.window), 0
    for part in parts:
        comparison = run.add(part)
        if comparison and comparison.cause:
            run, alarms = Run(reference, settings.window), alarms + 1
    return alarms


def _normals(both: Numbers, kept: np.ndarray[Any, np.dtype[np.intp]], like: Normals) -> Normals:
    score, bright, sharp = both.numbers[kept].T
    return summed_up((score, bright, sharp), both.vectors[kept], like.camera * like.spread)


def _reference(normals: Normals, seen: DriftSet, settings: DriftSettings) -> Reference:
    reference = Reference.of(normals, seen.threshold, settings)
    if reference is None:
        raise DataError(f"{len(normals.score)} held-out normals are too few to tell drift by")
    return reference
