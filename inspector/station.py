"""One camera's loop: acquire, inspect, publish, recover. One thread runs it; nothing is queued inside."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, Final

import numpy as np
from ulid import ULID

from inspector import metrics
from inspector.bundle import Bundle, Judgement
from inspector.cores import pinned
from inspector.errors import CameraError, FrameError, SinkError
from inspector.health import Heartbeats
from inspector.inspection import (
    Camera,
    EndOfFrames,
    Frame,
    Inspection,
    Outcome,
    Reason,
    Sink,
    StationState,
    utc_now,
)

log = logging.getLogger(__name__)

READ_TIMEOUT_S: Final = 0.2
"""How long one wait for a frame may be: it bounds how late a stop is noticed."""

LONGEST_STEP_S: Final = 60.0
"""A station that has not come round for this long hangs: opening a camera is the slowest of its steps."""

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
"""The pause before a lost camera is opened again starts at the first and doubles up to the longest."""


class Station:
    """Judges every frame of one camera until it is told to stop.

    ``open_camera`` is called again after each loss; ``sinks`` are the receivers by the name that metrics know them by.
    """

    def __init__(
        self,
        name: str,
        *,
        open_camera: Callable[[], Camera],
        bundle: Bundle,
        sinks: Mapping[str, Sink],
        max_latency_ms: float,
        health: Heartbeats,
    ) -> None:
        self.name = name
        self._open_camera = open_camera
        self._bundle = bundle
        self._resized = np.empty((*bundle.manifest.input_size, 3), np.uint8)
        self._sinks = sinks
        self._max_latency_ms = max_latency_ms
        self._health = health
        self._sequence = 0
        self._pause_s = FIRST_PAUSE_S
        self._lost = False

    def run(self, stop: Event) -> None:
        """Inspect until ``stop`` is set or a finite camera has given its last frame, on the cores of the engine."""
        self._health.expect(self.name, LONGEST_STEP_S)
        self._announce(StationState.STARTING)
        try:
            with pinned(self._bundle.engine.cores):
                self._run_sessions(stop)
        finally:
            self._announce(StationState.STOPPED)
            for sink in self._sinks.values():
                sink.close()
            self._health.forget(self.name)

    def _run_sessions(self, stop: Event) -> None:
        while not stop.is_set():
            self._health.beat(self.name)
            try:
                self._run_session(stop)
            except EndOfFrames:
                log.info("the camera has given its last frame", extra={"station": self.name})
                return
            except CameraError as error:
                self._lose_camera(error)
                # Jitter keeps stations behind one lost switch from coming back all at once.
                stop.wait(self._pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                metrics.CAMERA_REOPENS.labels(self.name).inc()

    def _run_session(self, stop: Event) -> None:
        """From opening the camera to its loss or the stop."""
        camera = self._open_camera()
        try:
            metrics.CAMERA_UP.labels(self.name).set(1)
            self._announce(StationState.RUNNING)
            while not stop.is_set():
                self._health.beat(self.name)
                self._inspect_next(camera)
        finally:
            camera.close()

    def _inspect_next(self, camera: Camera) -> None:
        try:
            frame = camera.read(READ_TIMEOUT_S)
        except FrameError as error:
            log.warning("%s", error, extra={"station": self.name})
            self._publish(self._failure(error.reason, error.part_id))
            return
        if frame is None:
            return
        self._lost, self._pause_s = False, FIRST_PAUSE_S
        metrics.LAST_FRAME.labels(self.name).set(frame.wall_time.timestamp())
        self._publish(self._inspect(frame))

    def _inspect(self, frame: Frame) -> Inspection:
        watch = Stopwatch(frame.monotonic_s)
        watch.lap("acquire")
        picture = self._bundle.prepare(frame.pixels, out=self._resized)
        watch.lap("preprocess")
        features = self._bundle.embedder.embed(picture[None])
        watch.lap("embed")
        (judgement,) = self._bundle.judge(features)
        watch.lap("score")
        inspection = self._verdict(frame, judgement, watch)
        self._observe(inspection)
        return inspection

    def _verdict(self, frame: Frame, judgement: Judgement, watch: "Stopwatch") -> Inspection:
        outcome, reason = judgement.outcome, None
        if outcome is Outcome.ERROR:
            reason = Reason.MODEL_ERROR
        elif watch.total_ms > self._max_latency_ms:
            outcome, reason = Outcome.ERROR, Reason.DEADLINE
        return self._inspection(
            outcome,
            reason,
            part_id=frame.part_id,
            captured_at=frame.wall_time,
            score=judgement.score,
            nearest_type=judgement.nearest_type,
            type_confidence=judgement.type_confidence,
            timings_ms={**watch.timings_ms, "total": watch.total_ms},
        )

    def _failure(self, reason: str, part_id: str | None = None) -> Inspection:
        return self._inspection(Outcome.ERROR, reason, part_id=part_id, captured_at=utc_now())

    def _inspection(self, outcome: Outcome, reason: str | None, **fields: Any) -> Inspection:
        inspection = Inspection(
            id=str(ULID()),
            station=self.name,
            sequence=self._sequence,
            outcome=outcome,
            reason=reason,
            threshold=self._bundle.threshold,
            bundle=self._bundle.digest,
            **fields,
        )
        self._sequence += 1
        return inspection

    def _observe(self, inspection: Inspection) -> None:
        for stage, duration_ms in inspection.timings_ms.items():
            if stage != "total":
                metrics.STAGE_SECONDS.labels(self.name, stage).observe(duration_ms / 1000)
        metrics.VERDICT_SECONDS.labels(self.name).observe(inspection.timings_ms["total"] / 1000)
        # Scores are deviations from normal: a threshold of 0 or less, at a huge false-reject rate, has no ratio.
        if inspection.score is not None and self._bundle.threshold > 0:
            metrics.SCORE_RATIO.labels(self.name).observe(inspection.score / self._bundle.threshold)

    def _publish(self, inspection: Inspection) -> None:
        started_s = time.monotonic()
        metrics.INSPECTIONS.labels(self.name, inspection.outcome).inc()
        for name, sink in self._sinks.items():
            try:
                sink.publish(inspection)
            except SinkError as error:
                metrics.SINK_ERRORS.labels(self.name, name).inc()
                log.error("%s", error, extra={"station": self.name})  # noqa: TRY400 - its message says it all
        metrics.STAGE_SECONDS.labels(self.name, "publish").observe(time.monotonic() - started_s)

    def _lose_camera(self, error: CameraError) -> None:
        """Say the loss once; the attempts to open the camera again only show in the log and the metrics."""
        log.error("%s", error, extra={"station": self.name})
        metrics.CAMERA_UP.labels(self.name).set(0)
        if not self._lost:
            self._lost = True
            self._announce(StationState.CAMERA_LOST)
            self._publish(self._failure(Reason.CAMERA_LOST))

    def _announce(self, state: StationState) -> None:
        for sink in self._sinks.values():
            sink.announce(state)


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
