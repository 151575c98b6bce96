"""Which results still wait for which receiver: a table that changes in the same transactions as the rows."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

AGED_AT_ONCE: Final = 100
"""Rows that are given up for their age in one transaction: a verdict waits for no more."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may wait for each receiver, and how long."""

    rows: int
    bytes: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Pile:
    """What waits for one receiver."""

    rows: int = 0
    bytes: int = 0

    def plus(self, size: int) -> "Pile":
        """With one more row of ``size`` bytes."""
        return Pile(self.rows + 1, self.bytes + size)

    def minus(self, sizes: Sequence[int]) -> "Pile":
        """Without rows of these sizes in bytes."""
        return Pile(self.rows - len(sizes), self.bytes - sum(sizes))


class Outbox:
    """Works within the transactions of its caller, who says how they ended: ``settle`` or ``undo``.

    ``piles``: what waits, by receiver, as of the last transaction that was committed.
    """

    def __init__(self, connection: sqlite3.Connection, receivers: Iterable[str], bounds: Bounds) -> None:
        self._connection = connection
        self._bounds = bounds
        waiting = connection.execute("SELECT receiver, count(*), sum(bytes) FROM outbox GROUP BY receiver")
        self.piles: dict[str, Pile] = dict.fromkeys(receivers, Pile())
        self.piles |= {receiver: Pile(rows, size) for receiver, rows, size in waiting}
        self.undo()

    def undo(self) -> None:
        """The transaction was rolled back."""
        self._piles = dict(self.piles)
        self._dropped: dict[str, int] = {}

    def settle(self) -> dict[str, int]:
        """The transaction was committed; how many results were given up in it, by receiver."""
        dropped = self._dropped
        self.piles = self._piles
        self.undo()
        return dropped

    def put(self, receivers: Iterable[str], sequence: int, number: int, size: int, now_s: float) -> None:
        """Row ``number`` of ``size`` bytes waits for these."""
        for receiver in receivers:
            entry = (receiver, sequence, number, size, now_s)
            self._connection.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?)", entry)
            self._piles[receiver] = self._piles[receiver].plus(size)

    def take(self, receiver: str, sequences: Iterable[int]) -> None:
        """These were delivered; what does not wait any more is passed over."""
        self._remove(receiver, "sequence IN (SELECT value FROM json_each(?))", json.dumps(list(sequences)))

    def trim(self) -> None:
        """Give the oldest up until the rest is within the bounds of rows and bytes."""
        for receiver in self._piles:
            while (excess := self._excess(receiver)) > 0:
                self._give_up_oldest(receiver, excess)

    def aged(self, now_s: float) -> list[str]:
        """The receivers for which something waits for longer than allowed."""
        return [receiver for receiver in self._piles if self._oldest_s(receiver, now_s) < now_s - self._bounds.age_s]

    def give_up_aged(self, receivers: Iterable[str], now_s: float) -> None:
        """Give up some of what waits for them for longer than allowed."""
        for receiver in receivers:
            self._give_up_oldest(receiver, AGED_AT_ONCE, before_s=now_s - self._bounds.age_s)

    def forget_rows(self, last_number: int, last_sequence: int) -> None:
        """Rows up to these are pruned and can wait no longer."""
        for receiver in list(self._piles):
            sizes = self._remove(receiver, "sequence <= ? AND number <= ?", last_sequence, last_number)
            self._count_dropped(receiver, len(sizes))

    def forget_receivers(self, known: Iterable[str]) -> None:
        """Give up what waits for receivers that are not there any more."""
        for receiver in set(self._piles) - set(known):
            sizes = self._remove(receiver, "true")
            self._count_dropped(receiver, len(sizes))
            del self._piles[receiver]

    def _excess(self, receiver: str) -> int:
        pile, bounds = self._piles[receiver], self._bounds
        return max(pile.rows - bounds.rows, 1 if pile.bytes > bounds.bytes else 0)

    def _oldest_s(self, receiver: str, empty_s: float) -> float:
        oldest = "SELECT queued_at_s FROM outbox WHERE receiver = ? ORDER BY sequence LIMIT 1"
        found: tuple[float] | None = self._connection.execute(oldest, (receiver,)).fetchone()
        return found[0] if found else empty_s

    def _give_up_oldest(self, receiver: str, count: int, before_s: float = float("inf")) -> None:
        oldest = "SELECT sequence FROM outbox WHERE receiver = ? AND queued_at_s < ? ORDER BY sequence LIMIT ?"
        sizes = self._remove(receiver, f"sequence IN ({oldest})", receiver, before_s, count)
        self._count_dropped(receiver, len(sizes))

    def _count_dropped(self, receiver: str, count: int) -> None:
        if count:
            self._dropped[receiver] = self._dropped.get(receiver, 0) + count

    def _remove(self, receiver: str, condition: str, *values: object) -> list[int]:
        """The sizes of what was removed, bytes."""
        statement = f"DELETE FROM outbox WHERE receiver = ? AND {condition} RETURNING bytes"  # noqa: S608 - not a value
        sizes = [size for (size,) in self._connection.execute(statement, (receiver, *values)).fetchall()]
        self._piles[receiver] = self._piles[receiver].minus(sizes)
        return sizes
