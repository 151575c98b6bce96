"""Follows the chain of a record from its anchor to its head and says where it does not hold."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.records.chain import link
from inspector.records.reading import AT_ONCE, Row, reading
from inspector.records.rows import FOUND_BY, INSPECTION, LOST, found_by_of
from inspector.records.store import Chain

NEXT_ROWS = (
    f"SELECT number, kind, payload, hash, {', '.join(FOUND_BY)} FROM rows WHERE number > ?"  # noqa: S608 - no value
    f" ORDER BY number LIMIT {AT_ONCE}"
)


class BrokenError(Exception):
    """What is wrong and where; it ends the following of a chain."""


@dataclass
class Report:
    """What was found in a record.

    ``head``: hash of the last good row, hexadecimal. Noted elsewhere, it shows later that nothing up to that row was
    changed, whoever could write to the file. ``pruned``: rows that were taken away in their time. ``lost``: rows that
    the disk did not take, as the record itself says. ``broken``: what is wrong and where; None if nothing is.
    """

    file: Path
    station: str | None = None
    rows: int = 0
    inspections: int = 0
    pruned: int = 0
    lost: int = 0
    last: int = 0
    head: str = ""
    broken: str | None = None


def verify(file: Path) -> Report:
    """Check every row that there was when the reading began. Raises ConfigError for a file that is no record."""
    report = Report(file)
    try:
        with reading(file) as connection:
            _Follower(connection, report).follow()
    except BrokenError as error:
        report.broken = str(error)
    except sqlite3.Error as error:
        report.broken = f"the file is damaged after row {report.last}: {error}"
    return report


class _Follower:
    """Walks from row to row; the daemon may append and prune meanwhile."""

    def __init__(self, connection: sqlite3.Connection, report: Report) -> None:
        self._connection, self._report = connection, report
        self._end = self._chain()
        self._start_from(self._end)

    def follow(self) -> None:
        """Raises BrokenError."""
        (first,) = self._connection.execute("SELECT min(number) FROM rows").fetchone()
        if first is not None and first <= self._end.anchor_number:
            raise BrokenError(f"row {first} stands before row {self._end.anchor_number + 1}, where the record begins")
        for row, found_by in self._rows():
            self._check(row, found_by)
        self._check_end()
        # The rows may all be good while a page of an index, which only ``show`` would use, is not.
        (said,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise BrokenError(f"every row is good, and the file around them is damaged: {' '.join(said.split())}")

    def _chain(self) -> Chain:
        try:
            ((self._report.station,),) = self._connection.execute("SELECT station FROM chain").fetchall()
        except ValueError:
            raise BrokenError("the file does not say where its chain begins") from None
        return Chain.read(self._connection)

    def _start_from(self, chain: Chain) -> None:
        self._number, self._hash, self._sequence = chain.anchor_number, chain.anchor_hash, chain.anchor_sequence
        self._report.pruned = self._report.last = self._number
        self._report.head = self._hash.hex()

    def _rows(self) -> Iterator[tuple[Row, dict[str, Any]]]:
        """Up to the one that was the last when the reading began."""
        while self._number < self._end.head_number:
            found = self._connection.execute(NEXT_ROWS, (self._number,)).fetchall()
            next_number = found[0][0] if found else self._end.head_number + 1
            if next_number > self._number + 1:
                self._step_over(next_number)
            for values in found:
                if values[0] != self._number + 1 or values[0] > self._end.head_number:
                    break
                yield Row(*values[:4]), dict(zip(FOUND_BY, values[4:], strict=True))

    def _step_over(self, next_number: int) -> None:
        """What is missing was pruned since the reading began, or the record is broken."""
        chain = self._chain()
        if chain.anchor_number <= self._number:
            first, last = self._number + 1, next_number - 1
            raise BrokenError(f"row {first} is missing" if first == last else f"rows {first} to {last} are missing")
        self._start_from(chain)

    def _check(self, row: Row, found_by: dict[str, Any]) -> None:
        if row.hash != link(self._hash, row.number, str(row.kind), str(row.payload)):
            raise BrokenError(f"row {row.number} is not what was written there: it was changed, or is another row")
        try:
            self._check_content(row, row.content, found_by)
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenError(f"row {row.number} holds no {row.kind}: {error!r}") from error
        self._number, self._hash = row.number, row.hash
        self._report.rows += 1
        self._report.last, self._report.head = row.number, row.hash.hex()

    def _check_content(self, row: Row, content: dict[str, Any], found_by: dict[str, Any]) -> None:
        expected = found_by_of(row.kind, content)
        for name, found in found_by.items():
            if found != expected.get(name):
                raise BrokenError(f"row {row.number} is found by another {name} than it has: that was changed")
        if row.kind == INSPECTION:
            self._check_sequence(row.number, content["sequence"])
            self._sequence += 1
            self._report.inspections += 1
        if row.kind == LOST:
            self._report.lost += content["rows"]
            if content["inspections"]:
                self._check_sequence(row.number, content["first_sequence"])
                self._sequence = content["last_sequence"] + 1

    def _check_sequence(self, number: int, sequence: int) -> None:
        if sequence != self._sequence:
            raise BrokenError(f"row {number} has sequence {sequence}, after {self._sequence - 1} in the one before it")

    def _check_end(self) -> None:
        # Beyond the end: all that was there at the beginning has been pruned since.
        if self._number == self._end.head_number and (self._hash, self._sequence) != (
            self._end.head_hash,
            self._end.next_sequence,
        ):
            raise BrokenError(f"row {self._number} is not the last one that was written")
        (last,) = self._connection.execute("SELECT max(number) FROM rows").fetchone()
        if last is not None and last > self._chain().head_number:
            raise BrokenError(f"row {last} stands behind the last one that was written")
