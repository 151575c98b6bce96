"""One frame to one inspection: what a station does with a picture, and nothing of where it comes from or goes to."""

import hashlib
import logging
import math
import time
from collections.abc import Iterable
from functools import partial

import numpy as np
from ulid import ULID

from inspector import metrics
from inspector.bundle import Bundle, Judgement
from inspector.checks import CheckSettings, PictureCheck
from inspector.inspection import Evidence, Features, Floats, Frame, Inspection, Outcome, Pixels, Reason, utc_now
from inspector.logs import Sparing
from inspector.plc import Trigger

log = logging.getLogger(__name__)


class Judge:
    """Judges frames by one bundle, one at a time; what it makes has yet to be numbered.

    Without a bundle nothing is judged: every frame is ERROR, reason ``no_model``. ``config``: digest of the
    station's configuration. ``keeps_hash``: whether the picture's digest goes along, which costs a tenth of a
    millisecond. ``checks``: what a picture has to be; without them all are judged.
    """

    def __init__(
        self,
        station: str,
        bundle: Bundle | None,
        *,
        max_latency_ms: float,
        config: str | None = None,
        keeps_hash: bool = False,
        checks: CheckSettings | None = None,
    ) -> None:
        self.bundle = bundle
        self._station = station
        self._resized = np.empty((*bundle.manifest.input_size, 3), np.uint8) if bundle else None
        self._max_latency_ms = max_latency_ms
        self._config = config
        self._keeps_hash = keeps_hash
        self._check = PictureCheck(checks, bundle.manifest.normals) if bundle and checks else None
        self._sparing = Sparing()

    @property
    def digest(self) -> str | None:
        """Of the bundle."""
        return self.bundle.digest if self.bundle else None

    @property
    def threshold(self) -> float | None:
        """A score above it is FAIL."""
        return self.bundle.threshold if self.bundle else None

    def inspect(self, frame: Frame, trigger: Trigger | None = None) -> Evidence:
        """The verdict on a frame, for a trigger or for whoever listens, with what it was made from."""
        watch = Stopwatch(frame.monotonic_s)
        watch.lap("acquire")
        if self.bundle is None:
            nothing = Judgement(Outcome.ERROR, None)
            return Evidence(self._verdict(frame, nothing, watch, None, trigger, fault=Reason.NO_MODEL), frame)
        picture = self.bundle.prepare(frame.pixels, out=self._resized)
        fault = self._check.fault(frame.pixels, picture) if self._check else None
        watch.lap("preprocess")
        if fault:
            return Evidence(self._refused(frame, fault, watch, picture, trigger), frame, picture)
        features = self.bundle.embedder.embed(picture[None])
        watch.lap("embed")
        (judgement,) = self.bundle.judge(features)
        watch.lap("score")
        inspection = self._verdict(frame, judgement, watch, picture, trigger)
        self._observe(inspection)
        return Evidence(inspection, frame, picture, features, partial(_heat_map, self.bundle, features))

    def failure(self, reason: str, *, part_id: str | None = None, trigger: Trigger | None = None) -> Inspection:
        """ERROR, where there is nothing to be judged."""
        part_id = trigger.part_id if trigger else part_id
        return self._inspection(Outcome.ERROR, reason, trigger, part_id=part_id, captured_at=utc_now())

    def _refused(
        self, frame: Frame, fault: Reason, watch: "Stopwatch", picture: Pixels, trigger: Trigger | None
    ) -> Inspection:
        """ERROR, for a picture that shows nothing to be judged."""
        level, extra = self._sparing.level(fault), {"station": self._station}
        log.log(level, "frame %d is no good: %s", frame.sequence, fault, extra=extra)
        metrics.FRAMES_REFUSED.labels(self._station, fault).inc()
        return self._verdict(frame, Judgement(Outcome.ERROR, None), watch, picture, trigger, fault=fault)

    def _verdict(
        self,
        frame: Frame,
        judgement: Judgement,
        watch: "Stopwatch",
        picture: Pixels | None,
        trigger: Trigger | None,
        *,
        fault: Reason = Reason.MODEL_ERROR,
    ) -> Inspection:
        """``fault``: why, should the judgement be ERROR."""
        outcome, reason = judgement.outcome, None
        if outcome is Outcome.ERROR:
            reason = fault
        elif watch.total_ms > self._max_latency_ms:
            outcome, reason = Outcome.ERROR, Reason.DEADLINE
        return self._inspection(
            outcome,
            reason,
            trigger,
            part_id=frame.part_id if trigger is None or trigger.part_id is None else trigger.part_id,
            captured_at=frame.wall_time,
            review=judgement.review and outcome is Outcome.FAIL,
            score=judgement.score,
            nearest_type=judgement.nearest_type,
            type_confidence=judgement.type_confidence,
            timings_ms={**watch.timings_ms, "total": watch.total_ms},
            picture=hashlib.sha256(picture.data).hexdigest() if self._keeps_hash and picture is not None else None,
        )

    def _inspection(
        self, outcome: Outcome, reason: str | None, trigger: Trigger | None, **fields: object
    ) -> Inspection:
        return Inspection.model_validate(
            {
                "id": str(ULID()),
                "station": self._station,
                "sequence": 0,
                "trigger_id": trigger.id if trigger else None,
                "outcome": outcome,
                "reason": reason,
                "threshold": self.threshold,
                "bundle": self.digest,
                "config": self._config,
                **fields,
            }
        )

    def _observe(self, inspection: Inspection) -> None:
        for stage, duration_ms in inspection.timings_ms.items():
            if stage != "total":
                metrics.STAGE_SECONDS.labels(self._station, stage).observe(duration_ms / 1000)
        metrics.VERDICT_SECONDS.labels(self._station).observe(inspection.timings_ms["total"] / 1000)
        # Scores are deviations from normal: a threshold of 0 or less, at a huge false-reject rate, has no ratio.
        if inspection.score is not None and inspection.threshold is not None and inspection.threshold > 0:
            metrics.SCORE_RATIO.labels(self._station).observe(inspection.score / inspection.threshold)


def show_models(station: str, judges: Iterable[Judge]) -> None:
    """Have the metrics say which models judge at a station."""
    metrics.MODEL_INFO.remove_by_labels({"station": station})
    for bundle in (judge.bundle for judge in judges if judge.bundle):
        kinds = "+".join(part.kind for part in bundle.manifest.parts)
        metrics.MODEL_INFO.labels(station, bundle.digest, bundle.manifest.name, kinds).set(1)


def show_threshold(station: str, judge: Judge) -> None:
    """Have the metrics say by which threshold parts are judged; not a number where none are."""
    metrics.THRESHOLD.labels(station).set(math.nan if judge.threshold is None else judge.threshold)


def _heat_map(bundle: Bundle, features: Features) -> Floats | None:
    grids = bundle.heat_map(features)
    return None if grids is None else grids[0]


class Stopwatch:
    """Milliseconds by stage, each lap from the end of the one before."""

    def __init__(self, started_s: float) -> None:
        self.timings_ms: dict[str, float] = {}
        self._started_s = self._lap_s = started_s

    def lap(self, stage: str) -> None:
        """End ``stage`` now."""
        now_s = time.monotonic()
        self.timings_ms[stage] = (now_s - self._lap_s) * 1000
        self._lap_s = now_s

    @property
    def total_ms(self) -> float:
        """From the start to the last lap."""
        return (self._lap_s - self._started_s) * 1000
