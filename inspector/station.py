"""One camera's loop: acquire, inspect, report, recover. One thread runs it; nothing is queued inside."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event, Lock
from typing import Final

from inspector import metrics
from inspector.alarms import Alarms
from inspector.bundle import Bundle
from inspector.cores import Cores, pinned
from inspector.desk import Desk
from inspector.errors import CameraError, FrameError
from inspector.health import Heartbeats
from inspector.inspection import (
    Camera,
    EndOfFrames,
    Evidence,
    Frame,
    Inspection,
    Outcome,
    Reason,
    StationState,
    Witness,
)
from inspector.judge import Judge, show_models, show_threshold
from inspector.logs import Sparing
from inspector.plc import Trigger
from inspector.reporting import Reporter
from inspector.triggers import TriggerSettings

log = logging.getLogger(__name__)

READ_TIMEOUT_S: Final = 0.2
"""How long one wait for a frame may be: it bounds how late a stop is noticed."""

LONGEST_STEP_S: Final = 60.0
"""A station that has not come round for this long hangs: opening a camera is the slowest of its steps."""

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
"""The pause before a lost camera is opened again starts at the first and doubles up to the longest."""

OWN: Final[None] = None
"""The recipe that is the station's own bundle."""

Judges = Mapping[str | None, Judge]
"""By recipe; the station's own bundle is that of ``OWN``."""


class Station:
    """Judges every frame of one camera, or one for each trigger, until it is told to stop.

    ``open_camera`` is called again after each loss, and ``load_judges`` whenever the bundles are to be read again.
    ``desk`` hands out triggers; without ``triggers`` the camera runs free. ``witnesses`` look on. ``cores``: those that
    its thread stays on.
    """

    def __init__(
        self,
        name: str,
        *,
        open_camera: Callable[[], Camera],
        judges: Judges,
        reporter: Reporter,
        desk: Desk,
        alarms: Alarms,
        health: Heartbeats,
        triggers: TriggerSettings | None = None,
        load_judges: Callable[[], Judges] | None = None,
        witnesses: tuple[Witness, ...] = (),
        cores: Cores = (),
    ) -> None:
        self.name = name
        self._open_camera = open_camera
        self._judges = judges
        self._recipe: str | None = OWN
        self._changing = Lock()
        self._reporter = reporter
        self._desk = desk
        self._alarms = alarms
        self._health = health
        self._triggers = triggers
        self._load_judges = load_judges
        self._witnesses = witnesses
        self._cores = cores
        self._sparing = Sparing()
        self._state = StationState.STARTING
        self._paused = False
        self._pause_s = FIRST_PAUSE_S
        self._lost = False

    @property
    def state(self) -> StationState:
        """What the station is doing."""
        return StationState.PAUSED if self._paused and self._state is StationState.RUNNING else self._state

    @property
    def digest(self) -> str | None:
        """Of the bundle that judges parts whose trigger names no recipe."""
        return self._judges[self._recipe].digest

    def admit(self, witness: Witness) -> None:
        """Let one more look on, from the next part on."""
        self._witnesses = (*self._witnesses, witness)

    def run(self, stop: Event) -> None:
        """Inspect until ``stop`` is set or a finite camera has given its last frame."""
        self._health.expect(self.name, LONGEST_STEP_S)
        self._enter(StationState.STARTING)
        try:
            with pinned(self._cores):
                self._run_sessions(stop)
        finally:
            self._shut(Reason.NOT_READY)
            self._enter(StationState.STOPPED)
            self.close()
            self._health.forget(self.name)

    def close(self) -> None:
        """Let sinks, record and witnesses go; ``run`` does so in its end."""
        self._reporter.close()
        for witness in self._witnesses:
            witness.close()

    def refuse(self, trigger: Trigger, reason: str) -> None:
        """Answer a claimed trigger ERROR."""
        self._reporter.answer(self._judges[OWN].failure(reason, trigger=trigger), trigger)

    def pause(self) -> None:
        """Judge nothing until ``resume``; triggers are answered ERROR, frames are left to the camera."""
        self._paused = True
        self._shut(Reason.PAUSED)
        self._reporter.announce(self.state)

    def resume(self) -> None:
        """Judge again."""
        self._paused = False
        self._desk.open(Reason.PAUSED)
        self._reporter.announce(self.state)

    def set_recipe(self, recipe: str | None) -> None:
        """Judge the next parts by this recipe, unless their trigger names one. Raises KeyError for an unknown one."""
        with self._changing:
            self._recipe, judge = recipe, self._judges[recipe]
        show_threshold(self.name, judge)

    @property
    def own(self) -> Judge:
        """What judges parts for which no recipe is set."""
        return self._judges[OWN]

    @property
    def bundles(self) -> dict[str | None, Bundle | None]:
        """Those that judge parts now, by recipe."""
        return {recipe: judge.bundle for recipe, judge in self._judges.items()}

    def use(self, own: Judge) -> None:
        """Judge the next parts by this, unless a recipe is set; the part in hand keeps the judge it has."""
        with self._changing:
            self._take({**self._judges, OWN: own})

    def reload(self) -> str:
        """Read the bundles again, and judge the next parts by them. Raises BundleError, and then nothing changes."""
        if self._load_judges is None:
            return "there is nothing to reload"
        judges, before = self._load_judges(), self._judges
        changed = [each or "own bundle" for each in judges if judges[each].digest != before[each].digest]
        with self._changing:
            self._take(judges)
        return f"read again; changed: {', '.join(changed) or 'nothing'}"

    def _take(self, judges: Judges) -> None:
        self._judges = judges
        show_models(self.name, judges.values())
        show_threshold(self.name, judges[self._recipe])

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
            self._enter(StationState.RUNNING)
            self._desk.open(Reason.CAMERA_LOST)
            self._desk.open(Reason.NOT_READY)
            while not stop.is_set():
                self._health.beat(self.name)
                if self._triggers:
                    self._serve_next(camera, self._triggers, stop)
                elif self._paused:
                    stop.wait(READ_TIMEOUT_S)
                    self._look_at(camera)
                else:
                    self._inspect_next(camera)
        finally:
            camera.close()

    def _inspect_next(self, camera: Camera) -> None:
        try:
            frame = camera.read(READ_TIMEOUT_S)
        except FrameError as error:
            self._refuse(error)
            self._reporter.report(self._judges[OWN].failure(error.reason, part_id=error.part_id))
            return
        if frame is None:
            return
        self._see(frame)
        evidence = self._judges[self._recipe].inspect(frame)
        self._show(evidence, self._reporter.report(evidence.inspection))

    def _serve_next(self, camera: Camera, triggers: TriggerSettings, stop: Event) -> None:
        trigger = self._desk.take(READ_TIMEOUT_S)
        if trigger is None:
            self._look_at(camera)
            return
        try:
            frame = self._frame_for(trigger, camera, trigger.received_s + triggers.delay_ms / 1000, stop)
        except FrameError as error:
            self._refuse(error)
            self._answer_error(trigger, error.reason)
        except CameraError:
            self._answer_error(trigger, Reason.CAMERA_LOST)
            raise
        except EndOfFrames:
            self._answer_error(trigger, Reason.NO_FRAME)
            raise
        else:
            if frame:
                self._answer(trigger, frame)
            else:
                self._answer_error(trigger, Reason.NOT_READY)

    def _frame_for(self, trigger: Trigger, camera: Camera, not_before_s: float, stop: Event) -> Frame | None:
        """The first frame that can show the part, or None when its deadline, or the stop, has come before."""
        self._desk.expect(trigger, Reason.NO_FRAME)
        camera.fire(not_before_s)
        while self._desk.is_open(trigger) and not stop.is_set():
            self._health.beat(self.name)
            frame = camera.read(min(READ_TIMEOUT_S, max(0.0, trigger.deadline_s - time.monotonic())))
            if frame is None:
                continue
            self._see(frame)
            if frame.monotonic_s >= not_before_s:
                self._desk.expect(trigger, Reason.DEADLINE)
                return frame
            self._desk.expect(trigger, Reason.STALE_FRAME)
            metrics.FRAMES_DROPPED.labels(self.name, "before_trigger").inc()
        return None

    def _answer(self, trigger: Trigger, frame: Frame) -> None:
        evidence = self._judges[trigger.recipe or self._recipe].inspect(frame, trigger)
        draft = evidence.inspection
        if self._desk.claim(trigger):
            said = self._reporter.answer(draft, trigger)
        else:
            late = {"outcome": Outcome.ERROR, "reason": Reason.LATE}
            said = self._reporter.report(draft.model_copy(update=late))
        self._show(evidence, said)

    def _answer_error(self, trigger: Trigger, reason: str) -> None:
        if self._desk.claim(trigger):
            self.refuse(trigger, reason)

    def _show(self, evidence: Evidence, said: Inspection) -> None:
        """Let the witnesses look, now that the inspection has left as ``said``."""
        shown = replace(evidence, inspection=said)
        for witness in self._witnesses:
            witness.see(shown)

    def _refuse(self, error: FrameError) -> None:
        self._regain()
        log.log(self._sparing.level(error.reason), "%s", error, extra={"station": self.name})
        metrics.FRAMES_REFUSED.labels(self.name, error.reason).inc()

    def _look_at(self, camera: Camera) -> None:
        """While no frame is asked for, a loss is to be said at once all the same, and so is its end."""
        if camera.check():
            self._regain()

    def _regain(self) -> None:
        if self._lost:
            self._alarms.relieve("camera_lost")
        self._lost, self._pause_s = False, FIRST_PAUSE_S

    def _see(self, frame: Frame) -> None:
        self._regain()
        metrics.LAST_FRAME.labels(self.name).set(frame.wall_time.timestamp())

    def _lose_camera(self, error: CameraError) -> None:
        """Say the loss once; the attempts to open the camera again only show in the log and the metrics."""
        log.error("%s", error, extra={"station": self.name})
        metrics.CAMERA_UP.labels(self.name).set(0)
        if self._state is not StationState.CAMERA_LOST:  # a camera that opens and gives nothing was said to run
            self._enter(StationState.CAMERA_LOST)
        if not self._lost:
            self._lost = True
            self._alarms.raise_("camera_lost", str(error))
            if not self._triggers:
                self._reporter.report(self._judges[OWN].failure(Reason.CAMERA_LOST))
        self._shut(Reason.CAMERA_LOST)

    def _shut(self, reason: Reason) -> None:
        for trigger in self._desk.shut(reason):
            self.refuse(trigger, reason)

    def _enter(self, state: StationState) -> None:
        self._state = state
        self._reporter.announce(self.state)
