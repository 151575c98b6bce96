"""Looks on while a station judges, and tells when what it sees is no longer what its bundle was trained on."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from inspector import metrics
from inspector.alarms import Alarms
from inspector.bundle import Bundle, compared
from inspector.drift.comparison import Cause, Comparison
from inspector.drift.reference import BLOCKS, Reference
from inspector.drift.settings import DriftSettings
from inspector.drift.window import Part, Tally, Window
from inspector.inspection import Evidence
from inspector.picture_quality import brightness, sharpness

log = logging.getLogger(__name__)


class Run:
    """The parts that one bundle has judged since the comparison began.

    Those that pass are compared, so that a wave of defects is no drift; all of them where most of the last ones fail,
    for then nobody can call it a wave.
    """

    def __init__(self, reference: Reference, window: int) -> None:
        self._passed = Window(window, reference)
        self._all = Window(window, reference)
        self._reference = reference
        self._most_fail = False

    def add(self, part: Part) -> Comparison | None:
        """One part more. Returns how the last ones compare, each time that a tenth of them is new."""
        seen = self._all.add(part)
        if seen:
            self._most_fail = 2 * seen.fails > seen.parts
        passed = self._passed.add(part) if part.passed else None
        tally: Tally | None = seen if self._most_fail else passed
        return Comparison.of(tally, self._reference) if tally else None


@dataclass(slots=True)
class Told:
    """What was said of a change, and how many comparisons ago.

    A change is found while most of the window is older than it is, and what it is can hardly be seen then: a window
    later one looks again.
    """

    cause: Cause
    comparisons: int = 0

    def look_again(self, comparison: Comparison) -> bool:
        """One comparison more. Returns whether it is the second look, and another cause is told by it."""
        self.comparisons += 1
        if self.comparisons != BLOCKS or comparison.cause is None or comparison.cause == self.cause:
            return False
        self.cause = comparison.cause
        return True


class Drift:
    """A witness of one station. ``bundles``: those that judge now, each of which has normals of its own."""

    def __init__(
        self, station: str, settings: DriftSettings, alarms: Alarms, bundles: Callable[[], Iterable[Bundle]]
    ) -> None:
        self._station = station
        self._settings = settings
        self._alarms = alarms
        self._bundles = bundles
        self._runs: dict[str, Run | None] = {}
        self._told: dict[str, Told] = {}

    def see(self, evidence: Evidence) -> None:
        """See ``Witness``."""
        inspection, picture, features = evidence.inspection, evidence.picture, evidence.features
        score, threshold, digest = inspection.score, inspection.threshold, inspection.bundle
        if picture is None or features is None or score is None or threshold is None or digest is None:
            return
        self._begin_anew_after_reset()
        run = self._run(digest)
        if run is None:
            return
        numbers = np.array([score, brightness(picture), sharpness(picture)])
        comparison = run.add(Part(numbers, compared(features)[0], passed=score <= threshold))
        if comparison:
            self._tell(comparison, digest)

    def close(self) -> None:
        """See ``Witness``. Nothing is in hand."""

    def _run(self, digest: str) -> Run | None:
        """Of the bundle with this digest; None where it has nothing to be compared with."""
        if digest not in self._runs:
            bundles = {each.digest: each for each in self._bundles()}
            self._runs = {each: run for each, run in self._runs.items() if each in bundles}
            if digest in bundles:
                self._runs[digest] = self._begun(bundles[digest])
        return self._runs.get(digest)

    def _begun(self, bundle: Bundle) -> Run | None:
        normals = bundle.normals
        reference = Reference.of(normals, bundle.threshold, self._settings) if normals else None
        if reference is None:
            log.warning(
                "%s has no held-out normals, or too few, to tell drift by: export it again",
                bundle.path,
                extra={"station": self._station},
            )
            return None
        return Run(reference, self._settings.window)

    def _tell(self, comparison: Comparison, digest: str) -> None:
        for each in comparison.differences:
            metrics.DRIFT.labels(self._station, each.of).set(each.value)
            metrics.DRIFT_TO_LIMIT.labels(self._station, each.of).set(each.value / each.limit)
        if told := self._told.get(digest):
            if told.look_again(comparison):
                self._alarms.restate("drift", str(comparison))
        elif comparison.cause:
            self._told[digest] = Told(comparison.cause)
            self._alarms.raise_("drift", str(comparison))
            # Found once is found: it may be reset at any time, and is found again if it is still there.
            self._alarms.relieve("drift")

    def _begin_anew_after_reset(self) -> None:
        if self._told and not self._alarms.is_raised("drift"):
            self._told.clear()
            self._runs.clear()
