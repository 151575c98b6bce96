"""Which inspections are kept."""

from enum import Enum, auto

from inspector.inspection import Inspection, Outcome, Reason


class Why(Enum):
    """What an inspection is kept for."""

    REJECT = auto()
    NEAR_THRESHOLD = auto()
    SAMPLE = auto()
    """One PASS of many: the first to be given up where there is no room for all."""


class Choice:
    """``keep_passes``: of so many PASS the first is a sample; 0 for none. ``near_threshold``: a share of it."""

    def __init__(self, keep_passes: int, near_threshold: float) -> None:
        self._keep_passes = keep_passes
        self._near_threshold = near_threshold
        self._passes = 0

    def why(self, inspection: Inspection) -> Why | None:
        """None for what is not kept. Counts: each inspection is to be shown once."""
        if inspection.reason == Reason.NO_MODEL:
            return None
        if inspection.outcome is not Outcome.PASS:
            return Why.REJECT
        number, self._passes = self._passes, self._passes + 1
        if self._is_near(inspection):
            return Why.NEAR_THRESHOLD
        return Why.SAMPLE if self._keep_passes and number % self._keep_passes == 0 else None

    def _is_near(self, inspection: Inspection) -> bool:
        """A threshold may be 0 or less: scores are deviations from normal."""
        score, threshold = inspection.score, inspection.threshold
        if score is None or threshold is None:
            return False
        return 0 < self._near_threshold * abs(threshold) > threshold - score
