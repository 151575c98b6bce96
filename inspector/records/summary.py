"""What a station has said in a span of time, counted."""

import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from inspector.inspection import Outcome
from inspector.records.chain import time_text
from inspector.records.filter import Filter

COUNT = """
    SELECT substr(at, 1, 16), outcome, json_extract(payload, '$.nearest_type'), json_extract(payload, '$.reason'),
           count(*)
    FROM rows INDEXED BY rows_at WHERE at >= ? AND at < ? AND kind = 'inspection' GROUP BY 1, 2, 3, 4
"""
"""By the minute: no zone of the world is off by less."""


@dataclass(frozen=True, slots=True)
class Hour:
    """The outcomes of one hour of the day, or of the part of it that was asked for."""

    begins: datetime
    outcomes: Counter[Outcome]


@dataclass(frozen=True, slots=True)
class Summary:
    """``types``: FAIL by the known anomaly type that they look like. ``reasons``: ERROR by why there is no verdict."""

    since: datetime
    until: datetime
    outcomes: Counter[Outcome]
    types: Counter[str]
    reasons: Counter[str]
    hours: list[Hour]
    alarms: list[dict[str, Any]]
    """What became of alarms meanwhile, the oldest first."""

    @property
    def parts(self) -> int:
        """Inspections, whatever became of them."""
        return self.outcomes.total()

    @property
    def availability(self) -> float | None:
        """The share of inspections with a verdict; None where there were none."""
        return 1 - self.outcomes[Outcome.ERROR] / self.parts if self.parts else None

    def share(self, outcome: Outcome) -> float | None:
        """Of all inspections; None where there were none."""
        return self.outcomes[outcome] / self.parts if self.parts else None


def summarise(connection: sqlite3.Connection, since: datetime, until: datetime) -> Summary:
    """Count a record's rows from ``since`` until before ``until``; hours are those of the zone of ``since``."""
    outcomes, types, reasons = Counter[Outcome](), Counter[str](), Counter[str]()
    hours: dict[datetime, Counter[Outcome]] = {each: Counter() for each in _hours(since, until)}
    for minute, said, nearest_type, reason, count in connection.execute(COUNT, (time_text(since), time_text(until))):
        outcome = Outcome(said)
        outcomes[outcome] += count
        hours[_hour_of(minute, since.tzinfo)][outcome] += count
        if outcome is Outcome.FAIL:
            types[nearest_type or "unknown"] += count
        elif outcome is Outcome.ERROR:
            reasons[reason] += count
    alarms = [row.content for row in Filter(kind="alarm", since=since, until=until).all(connection)]
    counted = [Hour(begins, outcome) for begins, outcome in hours.items()]
    return Summary(since, until, outcomes, types, reasons, counted, alarms)


def nothing(since: datetime, until: datetime) -> Summary:
    """Of a record that has not begun."""
    return Summary(since, until, Counter(), Counter(), Counter(), [], [])


def _hours(since: datetime, until: datetime) -> list[datetime]:
    begins, found = since.replace(minute=0, second=0, microsecond=0), []
    while begins < until:
        found.append(begins)
        begins += timedelta(hours=1)
    return found


def _hour_of(minute: str, zone: tzinfo | None) -> datetime:
    moment = datetime.fromisoformat(minute).replace(tzinfo=UTC).astimezone(zone)
    return moment.replace(minute=0)
