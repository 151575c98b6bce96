"""Latched alarms: what is wrong stays said until a person has acknowledged and reset it.

::

              raise_                    acknowledge                    reset, once the condition is over
    (reset) ─────────▶ active ─────────────────────▶ acknowledged ──────────────────────────────▶ reset
                         ▲                                │
                         └───── the condition comes back ─┘

Source: ANSI/ISA-18.2-2016, section 10 (latching alarms), without shelving and suppression.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any, Final, Literal

from inspector import metrics
from inspector.inspection import utc_now
from inspector.plc import AlarmMessage, AlarmState

log = logging.getLogger(__name__)

AlarmName = Literal[
    "camera_lost",
    "consecutive_fails",
    "fail_rate",
    "no_verdict",
    "drift",
    "sink_degraded",
    "record_degraded",
    "archive_degraded",
    "model_reverted",
    "stop_line",
]

NAMES: Final[tuple[AlarmName, ...]] = AlarmName.__args__  # type: ignore[attr-defined]


class Refused(Exception):  # noqa: N818 - an answer to a command, not an error of ours
    """An alarm does not go from the state it is in to the one that was asked for; the message says why."""


@dataclass(frozen=True, slots=True)
class _Alarm:
    name: AlarmName
    state: AlarmState
    holds: bool
    """Whether its condition holds right now."""
    since: datetime
    message: str
    by: str | None = None

    def told(self) -> AlarmMessage:
        return AlarmMessage(alarm=self.name, state=self.state, since=self.since, message=self.message, by=self.by)


class Alarms:
    """The alarms of one station. ``tell`` and ``note`` are called at each change, one after the other.

    ``stop_line``: alarms that also raise ``stop_line``, which is an alarm like any other. ``before``: what the record
    holds of the alarms of an earlier life, by name, so that a restart resets nothing.
    """

    def __init__(
        self,
        station: str,
        *,
        tell: Callable[[AlarmMessage], None],
        note: Callable[[str, dict[str, Any]], None],
        stop_line: tuple[AlarmName, ...] = (),
        before: Mapping[str, AlarmMessage] | None = None,
    ) -> None:
        self._station = station
        self._tell = tell
        self._note = note
        self._stop_line = frozenset(stop_line)
        self._lock = Lock()
        self._alarms: dict[AlarmName, _Alarm] = {}
        for name in NAMES:
            told = (before or {}).get(name)
            if told and told.state is not AlarmState.RESET:
                self._alarms[name] = _Alarm(name, told.state, holds=False, since=told.since, message=told.message)
            self._show(name)

    def announce(self) -> None:
        """Tell the state of every alarm: what an earlier life has said of them may be out of date."""
        with self._lock:
            for name in NAMES:
                alarm = self._alarms.get(name)
                self._tell(alarm.told() if alarm else _never(name))

    def raise_(self, name: AlarmName, message: str) -> None:
        """Its condition holds: it becomes active, unless a person knows of it and it has not been away since."""
        with self._lock:
            self._raise(name, message)
            if name in self._stop_line:
                self._raise("stop_line", f"{name}: {message}")

    def restate(self, name: AlarmName, message: str) -> None:
        """More is known of what it was raised for: its state stays, and who has acknowledged it; none after a reset."""
        with self._lock:
            alarm = self._alarms.get(name)
            if not alarm or alarm.state is AlarmState.RESET:
                return
            log.error("alarm %s, on a second look: %s", name, message, extra={"station": self._station})
            self._change(replace(alarm, message=message))
            stop = self._alarms.get("stop_line")
            if stop and stop.message == f"{name}: {alarm.message}" and stop.state is not AlarmState.RESET:
                self._change(replace(stop, message=f"{name}: {message}"))

    def relieve(self, name: AlarmName) -> None:
        """Its condition is over: now it can be reset."""
        with self._lock:
            alarm = self._alarms.get(name)
            if alarm and alarm.holds:
                self._alarms[name] = replace(alarm, holds=False)
            if not any(each.holds for each in self._alarms.values() if each.name in self._stop_line):
                stop = self._alarms.get("stop_line")
                if stop:
                    self._alarms["stop_line"] = replace(stop, holds=False)

    def is_raised(self, name: AlarmName) -> bool:
        """Whether it has been raised and nobody has reset it since."""
        with self._lock:
            alarm = self._alarms.get(name)
            return alarm is not None and alarm.state is not AlarmState.RESET

    def acknowledge(self, name: str | None, by: str) -> str:
        """A person has seen it; without a name, all that are active. Raises Refused. Returns what was done."""
        return self._by_command(name, by, self._acknowledged, "acknowledged")

    def reset(self, name: str | None, by: str) -> str:
        """A person declares it over; without a name, all that can be. Raises Refused. Returns what was done."""
        return self._by_command(name, by, self._reset, "reset")

    def _by_command(self, name: str | None, by: str, step: Callable[[AlarmName, str], None], done: str) -> str:
        with self._lock:
            if name is not None and name not in NAMES:
                raise Refused(f"there is no alarm {name}; there are {', '.join(NAMES)}")
            chosen = [each for each in NAMES if name in {None, each}]
            changed, refusals = [], []
            for each in chosen:
                try:
                    step(each, by)
                    changed.append(each)
                except Refused as refusal:
                    refusals.append(str(refusal))
            if not changed:
                raise Refused(refusals[0] if name else f"no alarm can be {done}: {'; '.join(refusals[:3])}")
        return f"{done}: {', '.join(changed)}"

    def _acknowledged(self, name: AlarmName, by: str) -> None:
        alarm = self._alarms.get(name)
        if not alarm or alarm.state is not AlarmState.ACTIVE:
            raise Refused(f"{name} is not active")
        self._change(replace(alarm, state=AlarmState.ACKNOWLEDGED, since=utc_now(), by=by))

    def _reset(self, name: AlarmName, by: str) -> None:
        alarm = self._alarms.get(name)
        if not alarm or alarm.state is AlarmState.RESET:
            raise Refused(f"{name} is not raised")
        if alarm.state is AlarmState.ACTIVE:
            raise Refused(f"{name} has to be acknowledged first")
        if alarm.holds:
            raise Refused(f"{name} still holds: {alarm.message}")
        self._change(replace(alarm, state=AlarmState.RESET, since=utc_now(), by=by))

    def _raise(self, name: AlarmName, message: str) -> None:
        alarm = self._alarms.get(name)
        if alarm and alarm.holds and alarm.state is not AlarmState.RESET:
            return
        if alarm and alarm.state is AlarmState.ACTIVE:
            self._alarms[name] = replace(alarm, holds=True)
            return
        log.error("alarm %s: %s", name, message, extra={"station": self._station})
        self._change(_Alarm(name, AlarmState.ACTIVE, holds=True, since=utc_now(), message=message))

    def _change(self, alarm: _Alarm) -> None:
        self._alarms[alarm.name] = alarm
        self._show(alarm.name)
        self._note("alarm", alarm.told().model_dump(mode="json"))
        self._tell(alarm.told())

    def _show(self, name: AlarmName) -> None:
        alarm = self._alarms.get(name)
        metrics.ALARM_ACTIVE.labels(self._station, name).set(alarm is not None and alarm.state is not AlarmState.RESET)


def _never(name: AlarmName) -> AlarmMessage:
    return AlarmMessage(alarm=name, state=AlarmState.RESET, since=utc_now(), message="not raised")
