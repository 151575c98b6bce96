"""Which inspections are kept."""

from datetime import datetime
from enum import Enum, auto
from typing import Final

from inspector.inspection import Inspection, Outcome, Reason


class Why(Enum):
    """What an inspection is kept for."""

    REJECT = auto()
    NEAR_THRESHOLD = auto()
    SAMPLE = auto()
    """One PASS of many, or one of the parts that no model judges: the first to go where there is no room for all."""


FIRST_EVERY_S: Final = 0.5
FIRST_MOST: Final = 1000
"""Parts of a station that has no model: enough of them to make a first one of, and no flood of rejects."""


class Choice:
    """``keep_passes``: of so many PASS the first is a sample; 0 for none. ``near_threshold``: a share of it."""

    def __init__(self, keep_passes: int, near_threshold: float) -> None:
        self._keep_passes = keep_passes
        self._near_threshold = near_threshold
        self._passes = 0
        self._firsts = 0
        self._first_at: datetime | None = None

    def why(self, inspection: Inspection) -> Why | None:
        """None for what is not kept. Counts: each inspection is to be shown once."""
        if inspection.reason == Reason.NO_MODEL:
            return Why.SAMPLE if self._is_due(inspection.captured_at) else None
        if inspection.outcome is not Outcome.PASS:
            return Why.REJECT
        number, self._passes = self._passes, self._passes + 1
        if self._is_near(inspection):
            return Why.NEAR_THRESHOLD
        return Why.SAMPLE if self._keep_passes and number % self._keep_passes == 0 else None

    def _is_due(self, at: datetime) -> bool:
        """Whether a part without a verdict is kept; whoever sets the clock back does not end that."""
        is_soon = self._first_at is not None and abs(at - self._first_at).total_seconds() < FIRST_EVERY_S
        if is_soon or self._firsts == FIRST_MOST:
            return False
        self._firsts, self._first_at = self._firsts + 1, at
        return True

    def _is_near(self, inspection: Inspection) -> bool:
        """A threshold may be 0 or less: scores are deviations from normal."""
        score, threshold = inspection.score, inspection.threshold
        if score is None or threshold is None:
            return False
        return 0 < self._near_threshold * abs(threshold) > threshold - score
