"""The first parts that a new model judges, watched for what can be no chance."""

from dataclasses import dataclass
from threading import Event
from typing import Final

from inspector.binomial import at_least, at_most, bounds
from inspector.inspection import Inspection, Outcome, Reason

DOUBT: Final = 1e-3
"""How probable it may be that a model which is as it was expected to be is taken back all the same: half of it on each
side, and half of that each for what was counted before and for the parts that are counted now."""

ERRORS_ALLOWED: Final = 2
"""Verdicts that came too late, out of a whole probation; one that the model could not give is one too many."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a model's FAILs: so many of so many parts. Of no parts, nothing is known."""

    fails: int
    parts: int


class Probation:
    """``see`` is called by the station's thread; ``decided`` is set when there is nothing more to wait for."""

    def __init__(self, bundle: str, parts: int, expected: Expected) -> None:
        """``bundle`` is the digest of the model that is watched. Takes some milliseconds."""
        self._bundle = bundle
        self._parts = parts
        self._expected = expected
        self._limits = limits(expected, parts)
        self._seen = self._fails = self._late = 0
        self.decided = Event()
        self.trouble: str | None = None
        """Why the model has to go; None while, and if, there is nothing against it."""
        if not parts:
            self.decided.set()

    def see(self, inspection: Inspection) -> None:
        """Count one verdict, if it is the model's."""
        if self.decided.is_set() or inspection.bundle != self._bundle:
            return
        if inspection.outcome is Outcome.ERROR:
            self._count_error(inspection.reason)
            return
        self._seen += 1
        self._fails += inspection.outcome is Outcome.FAIL
        least, most = self._limits[self._seen - 1]
        if not least <= self._fails <= most:
            expected = f"{self._expected.fails} of {self._expected.parts} were expected"
            self.end(f"{self._fails} of the first {self._seen} parts failed, where {expected}")
        elif self._seen == self._parts:
            self.end(None)

    def end(self, trouble: str | None) -> None:
        """Decide; the first decision counts."""
        if not self.decided.is_set():
            self.trouble = trouble
            self.decided.set()

    def _count_error(self, reason: str | None) -> None:
        if reason == Reason.MODEL_ERROR:
            self.end("it could not judge a part: model_error")
        elif reason in {Reason.DEADLINE, Reason.LATE}:
            self._late += 1
            if self._late > ERRORS_ALLOWED:
                self.end(f"{self._late} verdicts came too late in the first {self._seen + self._late} parts")


def limits(expected: Expected, parts: int) -> list[tuple[int, int]]:
    """The fewest and the most FAILs that may be among the first 1, 2, … parts."""
    doubt = DOUBT / 4
    lowest, highest = bounds(expected.fails, expected.parts, doubt)
    each = doubt / max(1, parts)  # every part is a chance to be wrong
    found: list[tuple[int, int]] = []
    least = most = 0
    for seen in range(1, parts + 1):
        while least < seen and at_most(least, seen, lowest) <= each:
            least += 1
        while most < seen and at_least(most + 1, seen, highest) > each:
            most += 1
        found.append((least, most))
    return found
