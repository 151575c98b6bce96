"""One station's rows on the disk: numbered, chained, pruned, with the outbox in the same transactions."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Final

from inspector.records.chain import link, time_text
from inspector.records.drops import Drops
from inspector.records.outbox import Outbox
from inspector.records.rows import FOUND_BY, Draft
from inspector.records.schema import connect, damaged

PRUNED_AT_ONCE: Final = 100
"""Rows that are pruned in one transaction: a verdict waits for no more. A clock that jumps ahead takes the record with
it no faster than that."""

INSERT: Final = (
    f"INSERT INTO rows (number, kind, payload, hash, {', '.join(FOUND_BY)})"  # noqa: S608 - no value
    f" VALUES ({', '.join('?' * (4 + len(FOUND_BY)))})"
)


@dataclass(frozen=True, slots=True)
class Chain:
    """Where the chain starts and ends; ``next_sequence`` is that of the next inspection."""

    anchor_number: int
    anchor_hash: bytes
    anchor_sequence: int
    head_number: int
    head_hash: bytes
    next_sequence: int

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> "Chain":
        """As the file has it."""
        columns = ", ".join(cls.__slots__)
        return cls(*connection.execute(f"SELECT {columns} FROM chain").fetchone())  # noqa: S608 - no value

    def write(self, connection: sqlite3.Connection) -> None:
        """Into the file."""
        columns = " = ?, ".join(self.__slots__)
        values = [getattr(self, name) for name in self.__slots__]
        connection.execute(f"UPDATE chain SET {columns} = ?", values)  # noqa: S608 - no value


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of the past is kept."""

    days: float
    rows: int


class Store:
    """Whoever calls sees to it that one thread at a time does. What raises sqlite3.Error has changed nothing."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        file: Path,
        *,
        outbox: Outbox,
        drops: Drops,
        keep: Keep,
        now: Callable[[], datetime],
    ) -> None:
        """Raises ConfigError where the last row is not the one that was written last."""
        self._connection, self._outbox, self.drops, self._keep = connection, outbox, drops, keep
        self.now = now
        self._checkpoints = connect(file)
        self.chain = Chain.read(connection)
        last = connection.execute("SELECT number, hash FROM rows ORDER BY number DESC LIMIT 1").fetchone()
        chain = self.chain
        if (last or (chain.anchor_number, chain.anchor_hash)) != (chain.head_number, chain.head_hash):
            raise damaged(file, "its last row is not the one that was written last")

    def write(self, drafts: Sequence[Draft], delivered: Mapping[str, set[int]]) -> None:
        """Append rows, take from the outbox what was delivered, and keep it within its bounds.

        Every receiver waits for each new inspection that is not among the delivered ones.
        """
        with self._transaction():
            chain = self.chain
            for draft in drafts:
                chain = self._insert(chain, draft, delivered)
            for receiver, sequences in delivered.items():
                if sequences:
                    self._outbox.take(receiver, sequences)
            self._outbox.trim()
            if drafts:
                chain.write(self._connection)
        self.chain = chain
        self.drops.count(self._outbox.settle(), "more of them wait than outbox_rows or outbox_bytes allow")

    def prune(self) -> bool:
        """Take away some of what is not to be kept, and of what waits for too long; False if there is no such."""
        now = self.now()
        last, aged = self._last_to_prune(now), self._outbox.aged(now.timestamp())
        if not last and not aged:
            return False
        with self._transaction():
            self._outbox.give_up_aged(aged, now.timestamp())
            chain = self._without_rows_to(last) if last else self.chain
        self.chain = chain
        self.drops.count(self._outbox.settle(), "they wait for longer than outbox_age_s or the record is kept")
        return True

    def forget_receivers(self, known: Sequence[str]) -> None:
        """Let go of what waits for others than these."""
        with self._transaction():
            self._outbox.forget_receivers(known)
        self.drops.count(self._outbox.settle(), "the station has no such sink any more")

    def waiting(self, receiver: str) -> int:
        """How many inspections wait for the receiver."""
        return self._outbox.piles[receiver].rows

    def checkpoint(self) -> int:
        """Carry what was written from the log into the file while others may write; how long the log is, in pages."""
        result: tuple[int, int, int] = self._checkpoints.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return result[1]

    def close(self) -> None:
        """Let the file go, but for the connection that was given."""
        self._checkpoints.close()

    def _insert(self, chain: Chain, draft: Draft, delivered: Mapping[str, set[int]]) -> Chain:
        number = chain.head_number + 1
        row_hash = link(chain.head_hash, number, draft.kind, draft.payload)
        found_by = [getattr(draft, name) for name in FOUND_BY]
        self._connection.execute(INSERT, (number, draft.kind, draft.payload, row_hash, *found_by))
        if draft.sequence is not None:
            receivers = [each for each in self._outbox.piles if draft.sequence not in delivered.get(each, ())]
            self._outbox.put(receivers, draft.sequence, number, len(draft.payload), self.now().timestamp())
        next_sequence = chain.next_sequence if draft.next_sequence is None else draft.next_sequence
        return replace(chain, head_number=number, head_hash=row_hash, next_sequence=next_sequence)

    def _last_to_prune(self, now: datetime) -> int:
        """0 for none."""
        beyond = self.chain.head_number - self._keep.rows
        before = time_text(now - timedelta(days=self._keep.days))
        oldest = self._connection.execute("SELECT number, at FROM rows ORDER BY number LIMIT ?", (PRUNED_AT_ONCE,))
        numbers = [number for number, _ in takewhile(lambda row: row[0] <= beyond or row[1] < before, oldest)]
        oldest.close()
        return numbers[-1] if numbers else 0

    def _without_rows_to(self, last: int) -> Chain:
        ask = self._connection.execute
        (anchor_hash,) = ask("SELECT hash FROM rows WHERE number = ?", (last,)).fetchone()
        (last_sequence,) = ask("SELECT max(sequence) FROM rows WHERE number <= ?", (last,)).fetchone()
        ask("DELETE FROM rows WHERE number <= ?", (last,))
        next_sequence = self.chain.anchor_sequence if last_sequence is None else last_sequence + 1
        self._outbox.forget_rows(last, next_sequence - 1)
        chain = replace(self.chain, anchor_number=last, anchor_hash=anchor_hash, anchor_sequence=next_sequence)
        chain.write(self._connection)
        return chain

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._outbox.undo()
            # After some failures, a full disk among them, SQLite itself has rolled back.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
