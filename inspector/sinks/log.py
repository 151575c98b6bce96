"""Results as structured log lines, for a station without a broker."""

import logging
from typing import Literal

from inspector.errors import SinkError
from inspector.inspection import Inspection, StationState
from inspector.settings import Settings

log = logging.getLogger(__name__)


class LogSettings(Settings):
    """``kind: log``: one line for every inspection."""

    kind: Literal["log"] = "log"

    def open(self, station: str) -> "LogSink":
        """Never fails: the log is always there."""
        return LogSink(station)


class LogSink:
    """Writes to the daemon's own log, at level INFO."""

    def __init__(self, station: str) -> None:
        self._station = station
        self._closed = False

    def publish(self, inspection: Inspection) -> None:
        """One line with the verdict; the whole inspection as its fields. Raises SinkError once closed."""
        if self._closed:
            raise SinkError("the log sink is closed")
        log.info("%s", inspection.outcome, extra={"inspection": inspection.model_dump(mode="json")})

    def announce(self, state: StationState) -> None:
        """One line with the new state."""
        log.info("station is %s", state, extra={"station": self._station})

    def close(self) -> None:
        """Take nothing more."""
        self._closed = True
