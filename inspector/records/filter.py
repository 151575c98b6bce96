"""Which rows of a record are asked for."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from inspector.records.chain import time_text
from inspector.records.reading import AT_ONCE, Row
from inspector.records.rows import escaped


@dataclass(frozen=True, slots=True)
class Filter:
    """All of what is set must hold."""

    part_id: str | None = None
    trigger_id: str | None = None
    outcome: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None

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
        texts = {"part_id": self.part_id, "trigger_id": self.trigger_id, "outcome": self.outcome, "kind": self.kind}
        asked = {f"{name} = ?": escaped(text) for name, text in texts.items() if text is not None}
        # The plus keeps SQLite from the index of times, out of which it would have to sort the rows: the numbers that
        # the index gives at once are narrow enough.
        asked |= {f"+at {sign} ?": time_text(time) for sign, time in self._times()}
        conditions = " AND ".join(["number BETWEEN ? AND ?", *asked])
        question = f"SELECT number, kind, payload, hash FROM rows WHERE {conditions}"  # noqa: S608 - no value
        return question, list(asked.values()), self._numbers(connection)

    def _numbers(self, connection: sqlite3.Connection) -> tuple[int, int]:
        """The first and the last row of these times."""
        conditions = " AND ".join(["true", *(f"at {sign} ?" for sign, _ in self._times())])
        question = f"SELECT ifnull(min(number), 0), ifnull(max(number), -1) FROM rows WHERE {conditions}"  # noqa: S608
        found: tuple[int, int] = connection.execute(question, [time_text(time) for _, time in self._times()]).fetchone()
        return found

    def _times(self) -> list[tuple[str, datetime]]:
        bounds = ((">=", self.since), ("<", self.until))
        return [(sign, time) for sign, time in bounds if time is not None]
