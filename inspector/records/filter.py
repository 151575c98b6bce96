"""Which rows of a record are asked for."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from inspector.records.chain import time_text
from inspector.records.reading import AT_ONCE, Row
from inspector.records.rows import INSPECTION, escaped


@dataclass(frozen=True, slots=True)
class Filter:
    """All of what is set must hold."""

    part_id: str | None = None
    trigger_id: str | None = None
    outcome: str | None = None
    kind: str | None = None
    id: str | None = None
    """Of an inspection."""
    nearest_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    below: int | None = None
    """Only rows before the one of this number."""
    above: int | None = None
    """Only rows after it."""

    def last(self, connection: sqlite3.Connection, count: int) -> list[Row]:
        """The last rows that fit, the oldest first."""
        question, values, (first, last) = self._question(connection)
        found = connection.execute(f"{question} ORDER BY number DESC LIMIT ?", (first, last, *values, count))
        return [Row(*each) for each in reversed(found.fetchall())]

    def all(self, connection: sqlite3.Connection) -> Iterator[Row]:
        """Every row that fits, in order, of which never more than some are in memory."""
        question, values, (first, last) = self._question(connection)
        while found := connection.execute(
            f"{question} ORDER BY number LIMIT ?", (first, last, *values, AT_ONCE)
        ).fetchall():
            yield from (Row(*each) for each in found)
            first = found[-1][0] + 1

    def _question(self, connection: sqlite3.Connection) -> tuple[str, list[str], tuple[int, int]]:
        """What to ask, the values in it, and between which numbers it may hold, which come first of the values."""
        texts = {
            "id": self.id,
            "part_id": self.part_id,
            "trigger_id": self.trigger_id,
            "outcome": self.outcome,
            "kind": self.kind,
            "json_extract(payload, '$.nearest_type')": self.nearest_type,
        }
        asked = {f"{name} = ?": escaped(text) for name, text in texts.items() if text is not None}
        # Notes have an index of their own, which SQLite takes only where it is told that these are notes.
        notes = ["kind <> 'inspection'"] if self.kind not in {None, INSPECTION} else []
        # The plus keeps SQLite from the index of times, out of which it would have to sort the rows: the numbers that
        # the index gives at once are narrow enough.
        asked |= {f"+at {sign} ?": time_text(time) for sign, time in self._times()}
        conditions = " AND ".join(["number BETWEEN ? AND ?", *notes, *asked])
        question = f"SELECT number, kind, payload, hash FROM rows WHERE {conditions}"  # noqa: S608 - no value
        return question, list(asked.values()), self._numbers(connection)

    def _numbers(self, connection: sqlite3.Connection) -> tuple[int, int]:
        """The first and the last row of these times."""
        conditions = " AND ".join(["true", *(f"at {sign} ?" for sign, _ in self._times())])
        times = [time_text(time) for _, time in self._times()]
        # Two questions: SQLite finds a least or a greatest number by its index, and both at once by reading all.
        first, last = (
            connection.execute(f"SELECT {which}(number) FROM rows WHERE {conditions}", times).fetchone()[0]  # noqa: S608
            for which in ("min", "max")
        )
        if first is None or last is None:
            return 0, -1
        return (
            first if self.above is None else max(first, self.above + 1),
            last if self.below is None else min(last, self.below - 1),
        )

    def _times(self) -> list[tuple[str, datetime]]:
        bounds = ((">=", self.since), ("<", self.until))
        return [(sign, time) for sign, time in bounds if time is not None]
