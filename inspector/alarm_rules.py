"""When an alarm is raised: what inspections and the clock have to say about it."""

from collections import deque

from pydantic import Field, PositiveFloat, PositiveInt

from inspector.alarms import AlarmName, Alarms
from inspector.drift import DriftSettings
from inspector.inspection import Inspection, Outcome, Reason
from inspector.settings import Settings


class FailRateSettings(Settings):
    """Too many defects in a row of parts, be they good ones in between or not."""

    share: float = Field(gt=0, le=1)
    """Raised when this share of the last ``parts`` parts is FAIL."""
    parts: PositiveInt = 50
    """Length of the window; before so many parts were judged nothing is raised."""


class AlarmSettings(Settings):
    """What raises an alarm besides a lost camera and a failing record, which always do."""

    consecutive_fails: PositiveInt | None = None
    """``consecutive_fails``: so many FAIL without a PASS in between."""
    fail_rate: FailRateSettings | None = None
    """``fail_rate``: too large a share of FAIL."""
    consecutive_errors: PositiveInt | None = 5
    """``no_verdict``: so many ERROR without a verdict in between; null never raises it."""
    sink_down_s: PositiveFloat | None = 60.0
    """``sink_degraded``: a broker that has been away for so long; null never raises it."""
    drift: DriftSettings | None = DriftSettings()
    """``drift``: the parts, or the camera, are no longer like the normals of the bundle; null compares nothing."""
    stop_line: tuple[AlarmName, ...] = ()
    """Alarms that also raise ``stop_line``, for the PLC to act on."""


class AlarmRules:
    """Counts what a station reports. ``observe`` is called by one thread at a time."""

    def __init__(self, settings: AlarmSettings, alarms: Alarms) -> None:
        self._settings = settings
        self._alarms = alarms
        self._fails = 0
        self._errors = 0
        self._window: deque[bool] = deque(maxlen=settings.fail_rate.parts if settings.fail_rate else 1)

    def observe(self, inspection: Inspection) -> None:
        """Count one inspection, and raise or relieve what it decides."""
        if inspection.outcome is Outcome.ERROR:
            self._observe_error(inspection)
        else:
            self._errors = 0
            self._alarms.relieve("no_verdict")
            self._observe_verdict(failed=inspection.outcome is Outcome.FAIL)

    def _observe_error(self, inspection: Inspection) -> None:
        if inspection.reason == Reason.PAUSED:
            return  # as somebody wished
        self._errors += 1
        limit = self._settings.consecutive_errors
        if limit and self._errors >= limit:
            self._alarms.raise_("no_verdict", f"{self._errors} inspections in a row were ERROR, {inspection.reason}")

    def _observe_verdict(self, *, failed: bool) -> None:
        self._fails = self._fails + 1 if failed else 0
        limit = self._settings.consecutive_fails
        if limit and self._fails >= limit:
            self._alarms.raise_("consecutive_fails", f"{self._fails} parts in a row failed: look at the process")
        elif not self._fails:
            self._alarms.relieve("consecutive_fails")
        self._observe_rate(failed=failed)

    def _observe_rate(self, *, failed: bool) -> None:
        rule = self._settings.fail_rate
        if not rule:
            return
        self._window.append(failed)
        fails = sum(self._window)
        if len(self._window) == rule.parts and fails >= rule.share * rule.parts:
            self._alarms.raise_("fail_rate", f"{fails} of the last {rule.parts} parts failed: look at the process")
        else:
            self._alarms.relieve("fail_rate")
