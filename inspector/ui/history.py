"""What a station has said, read from its record while the daemon writes it."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from inspector.errors import ConfigError
from inspector.inspection import Inspection, Outcome
from inspector.plc import AlarmMessage, AlarmState
from inspector.records.filter import Filter
from inspector.records.reading import EmptyRecordError, Row, reading
from inspector.records.rows import INSPECTION
from inspector.records.schema import file_of
from inspector.records.summary import Summary, nothing, summarise

REJECTS: Final = (Outcome.FAIL, Outcome.ERROR)

ALARM: Final = "alarm"
"""The kind of the notes that say what became of an alarm."""

ALARM_NOTES: Final = 1000
"""Notes in which the last state of each alarm is looked for, as the daemon does at its start."""

LAST_SCORES: Final = (
    "SELECT at, json_extract(payload, '$.score'), json_extract(payload, '$.bundle') FROM rows"
    " WHERE kind = 'inspection' ORDER BY number DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Part:
    """An inspection and the number of its row, by which the pages of a list go on."""

    number: int
    inspection: Inspection


@dataclass(frozen=True, slots=True)
class Scored:
    """As little of an inspection as a thousand of them are drawn of."""

    at: datetime
    score: float | None
    bundle: str | None


class History:
    """The record of one station. Each call opens it anew: the daemon may have begun another file since.

    Raises ConfigError where it cannot be read.
    """

    def __init__(self, folder: Path, station: str) -> None:
        self.station = station
        self._file = file_of(folder, station)
        self._alarms: tuple[int, list[AlarmMessage]] = (0, [])

    def parts(self, wanted: Filter, count: int, outcomes: tuple[Outcome, ...] = ()) -> list[Part]:
        """The last parts that fit, the newest first; of these outcomes, or of any."""
        filters = [replace(wanted, kind=INSPECTION, outcome=outcome) for outcome in outcomes or (None,)]
        with self._open() as connection:
            if not connection:
                return []
            found = [row for each in filters for row in each.last(connection, count)]
        newest_first = sorted(found, key=lambda row: row.number, reverse=True)
        return [_part(row) for row in newest_first[:count]]

    def named(self, ids: Iterable[str], wanted: Filter, count: int) -> list[Part]:
        """The first of these inspections that fit, in this order."""
        with self._open() as connection:
            if not connection:
                return []
            rows = (row for each in ids for row in replace(wanted, id=each).last(connection, 1))
            return [_part(row) for row in islice(rows, count)]

    def part(self, inspection_id: str) -> Part | None:
        """The part of an inspection, None where the record has none of that id."""
        found = self.parts(Filter(id=inspection_id), 1)
        return found[0] if found else None

    def scored(self, count: int) -> list[Scored]:
        """The last inspections, the newest first."""
        with self._open() as connection:
            if not connection:
                return []
            rows = connection.execute(LAST_SCORES, (count,))
            return [Scored(datetime.fromisoformat(at), score, bundle) for at, score, bundle in rows]

    def alarms(self) -> list[AlarmMessage]:
        """Those that are not reset, in the order of their names."""
        with self._open() as connection:
            newest = Filter(kind=ALARM).last(connection, 1) if connection else []
            if not connection or not newest:
                return []
            if newest[0].number != self._alarms[0]:
                rows = Filter(kind=ALARM).last(connection, ALARM_NOTES)
                self._alarms = (newest[0].number, _not_reset(rows))
        return self._alarms[1]

    def summary(self, since: datetime, until: datetime) -> Summary:
        """What was said from ``since`` until before ``until``, counted."""
        with self._open() as connection:
            return summarise(connection, since, until) if connection else nothing(since, until)

    def newest(self) -> int:
        """The number of the last row, 0 before the first."""
        with self._open() as connection:
            if not connection:
                return 0
            (number,) = connection.execute("SELECT head_number FROM chain").fetchone()
        return int(number)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        """None before the daemon has made the file, and while it does."""
        if not self._file.exists():
            yield None
            return
        try:
            with reading(self._file) as connection:
                yield connection
        except EmptyRecordError:
            yield None
        except sqlite3.Error as error:
            raise ConfigError(f"{self._file}: cannot be read: {error}") from error


def _not_reset(rows: list[Row]) -> list[AlarmMessage]:
    last = {alarm.alarm: alarm for row in rows for alarm in [AlarmMessage.model_validate(row.content)]}
    return [last[name] for name in sorted(last) if last[name].state is not AlarmState.RESET]


def _part(row: Row) -> Part:
    return Part(row.number, Inspection.model_validate_json(row.payload))
