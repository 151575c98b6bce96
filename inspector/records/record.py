"""The durable record of one station: what it said, in order, and which sink has not delivered what yet."""

import json
import logging
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from threading import Lock
from typing import Any, Final

from inspector import metrics
from inspector.inspection import Inspection, Reason
from inspector.records.keeper import Keeper
from inspector.records.lookup import Lookup
from inspector.records.rows import INSPECTION, LOST, Draft
from inspector.records.space import Space
from inspector.records.store import Store
from inspector.records.trouble import Trouble
from inspector.records.unwritten import Unwritten

log = logging.getLogger(__name__)

CHECKPOINT_S: Final = 5.0
"""How often what was written goes from the log into the file and the disk is waited for: without ``power`` a power cut
takes no more than that."""

CHECKPOINT_ROWS: Final = 1000
"""Or after so many rows: the more there is to carry, the longer the disk is busy with it."""

LONGEST_LOG_PAGES: Final = 16_384
"""Of 4 KiB. Appends wait until a log that has grown longer is in the file: under a load that never pauses it would
grow for ever."""

AT_ONCE: Final = 100
"""Rows of a backlog that are written in one transaction: a verdict waits for no more."""

MARKS_AT_ONCE: Final = 200
"""Results that are written down as delivered in one transaction, for each sink."""

YIELD_S: Final = 0.001
"""Between two of these transactions, so that a verdict which waits has its turn."""

NO_ANSWERS: Final = {Reason.LATE, Reason.DUPLICATE_TRIGGER}
"""A verdict that came too late was not sent, and one id for two parts leaves the first its own answer."""

KIND: Final = re.compile(r"[a-z][a-z0-9_]*")


class Record:
    """Opened by ``RecordSettings.open``; every method may be called from any thread.

    An inspection's number in ``backlog`` and ``delivered`` is its ``sequence``. Rows that the disk does not take stay
    in memory, up to 10,000, and are written in order once it does.
    """

    def __init__(
        self,
        station: str,
        *,
        receivers: Sequence[str],
        store: Store,
        lookup: Lookup,
        unwritten: Unwritten,
        trouble: Trouble,
        space: Space,
        opened: ExitStack,
    ) -> None:
        """``opened`` is what has to be closed at the end."""
        self._station, self._store, self._lookup, self._unwritten = station, store, lookup, unwritten
        self._trouble, self._space, self._opened = trouble, space, opened
        self._next_sequence = store.chain.next_sequence
        self._delivered: dict[str, set[int]] = {receiver: set() for receiver in receivers}
        self._writing, self._marking = Lock(), Lock()
        self._closing = self._closed = False
        self._carried, self._next_checkpoint_s = store.chain.head_number, 0.0
        self._seconds = metrics.RECORD_SECONDS.labels(station)
        self._lost = metrics.RECORD_ROWS_LOST.labels(station)
        self._keeper = Keeper(f"record-{station}", self.tend)
        self._keeper.start()

    def append(self, entry: Inspection) -> Inspection:
        """The inspection with its sequence; on the disk, unless there is trouble, and waiting for every receiver.

        The sequence that ``entry`` comes with does not matter.
        """
        began_s = time.perf_counter()
        with self._writing:
            inspection = entry.model_copy(update={"sequence": self._next_sequence})
            self._add(Draft.of_inspection(inspection))
            self._next_sequence += 1
        self._seconds.observe(time.perf_counter() - began_s)
        return inspection

    def note(self, kind: str, payload: Mapping[str, Any]) -> None:
        """An audit row in the same chain: a command, an alarm, a start. It gets ``at``: when it was noted.

        Raises ValueError for a kind that is not of the form ``set_recipe``, or that the record itself writes, and
        TypeError for a payload that is no JSON.
        """
        if not KIND.fullmatch(kind) or kind in {INSPECTION, LOST}:
            raise ValueError(f"{kind!r} is no kind of note")
        draft = Draft.of_note(kind, payload, self._store.now())
        with self._writing:
            self._add(draft)

    def answer_to(self, trigger_id: str) -> Inspection | None:
        """What answered the trigger, be it before a restart; None where it is not to be found.

        Of several inspections the last: it is what overtook a verdict that a stalling disk held for too long.
        """
        with self._writing:
            recent = self._unwritten.answers(trigger_id)
        payloads = [*self._lookup.answers(trigger_id), *recent]
        answers = (
            answer
            for answer in map(json.loads, payloads)
            if answer["trigger_id"] == trigger_id and answer["reason"] not in NO_ANSWERS
        )
        *_, last = (None, *answers)
        return None if last is None else Inspection.model_validate(last)

    def backlog(self, receiver: str, after: int = -1, limit: int = 100) -> list[tuple[int, str]]:
        """Sequences, and JSON as it was recorded, of inspections that the receiver has not delivered; the oldest first.

        Only those with a sequence beyond ``after``; the first inspection of all has 0. Fewer than ``limit`` are all
        that there are.
        """
        with self._marking:
            delivered = frozenset(self._delivered[receiver])
        with self._writing:
            recent = {sequence: draft.payload for sequence, draft in self._unwritten.inspections().items()}
        # The delivered ones may still be in the file, and what was in memory may by now be there as well.
        waiting = dict(self._lookup.waiting(receiver, after, limit + len(delivered))) | recent
        left = [row for row in waiting.items() if row[0] > after and row[0] not in delivered]
        return left[:limit]

    def delivered(self, receiver: str, rows: Iterable[int]) -> None:
        """The inspections of these sequences need not be sent again. Never waits for the disk.

        It is on the disk with the next append, or 0.2 s later: a crash in between has them sent twice.
        """
        lost, said = self._unwritten.lost, range(self._next_sequence)
        with self._marking:
            self._delivered[receiver].update(row for row in rows if row in said and not (lost and lost.holds(row)))

    def newest(self) -> int:
        """Sequence of the last inspection, -1 before the first."""
        return self._next_sequence - 1

    def notes(self, kind: str, limit: int = 100) -> list[dict[str, Any]]:
        """Payloads of the last notes of a kind that are in the file, the newest first."""
        return [json.loads(payload) for payload in self._lookup.notes(kind, limit)]

    def waiting(self, receiver: str) -> int:
        """How many inspections the receiver has not delivered; those of the last 0.2 s may count."""
        with self._writing:
            return self._waiting(receiver)

    def tend(self) -> None:
        """Write what waits, prune, tell of trouble: the keeper does all that need not be done while a verdict waits."""
        if self._trouble.file_is_there():
            self._write_backlog()
        if (
            time.monotonic() >= self._next_checkpoint_s
            or self._store.chain.head_number > self._carried + CHECKPOINT_ROWS
        ):
            self._checkpoint()
        for receiver in self._delivered:
            rows = self.waiting(receiver)
            metrics.OUTBOX_ROWS.labels(self._station, receiver).set(rows)
            self._store.drops.waiting(receiver, rows)
        self._trouble.tell()

    def close(self) -> None:
        """Write what is in hand and let the file go. Safe to call twice."""
        with self._writing:
            if self._closing:
                return
            self._closing = True
        # Until the keeper has ended, whoever it tells of trouble may note it.
        self._keeper.stop()
        if self._trouble.file_is_there():
            self._write_backlog()
        with self._writing:
            self._closed = True
        if len(self._unwritten):
            self._lost.inc(len(self._unwritten))
            extra = {"station": self._station}
            log.error("%d rows of the record could not be written and are lost", len(self._unwritten), extra=extra)
        self._opened.close()

    def _add(self, draft: Draft) -> None:
        """Where nothing else waits for the disk, the row is on it when this returns."""
        if self._closed:
            raise RuntimeError(f"the record of {self._station} is closed")
        if self._keeper.failure:
            raise RuntimeError(f"the record of {self._station} is not tended any more") from self._keeper.failure
        given_up = self._unwritten.add(draft)
        if given_up:
            self._give_up(given_up)
        if self._trouble.now is None:
            try:
                self._write()
            except sqlite3.Error as error:
                self._trouble.begin(error)
                self._keeper.wake()

    def _give_up(self, draft: Draft) -> None:
        self._lost.inc()
        if draft.sequence is None:
            return
        with self._marking:
            for receiver, sequences in self._delivered.items():
                if draft.sequence not in sequences:
                    metrics.OUTBOX_DROPPED.labels(self._station, receiver).inc()
                sequences.discard(draft.sequence)

    def _write_backlog(self) -> None:
        """All of it, and prune; only this ends a trouble, and what is said meanwhile goes behind what waits."""
        more = True
        while more:
            with self._writing:
                try:
                    more = self._write() or self._store.prune()
                except sqlite3.Error as error:
                    self._trouble.begin(error)
                    return
                if not more:
                    self._trouble.end()
            time.sleep(YIELD_S)

    def _write(self) -> bool:
        """Some of what waits for the disk, the first that was said first; whether there is more."""
        with self._marking:
            delivered = {receiver: set(islice(marks, MARKS_AT_ONCE)) for receiver, marks in self._delivered.items()}
        if not len(self._unwritten) and not any(delivered.values()):
            return False
        self._store.write(self._unwritten.first(AT_ONCE, self._store.now()), delivered)
        self._unwritten.written(AT_ONCE)
        with self._marking:
            for receiver, sequences in delivered.items():
                self._delivered[receiver] -= {each for each in sequences if each < self._store.chain.next_sequence}
        return len(self._unwritten) > 0 or any(len(sequences) == MARKS_AT_ONCE for sequences in delivered.values())

    def _checkpoint(self) -> None:
        """Carry the log into the file. Where that fails the log grows, until appends fail and say so."""
        self._carried, self._next_checkpoint_s = self._store.chain.head_number, time.monotonic() + CHECKPOINT_S
        with suppress(sqlite3.Error):
            if self._store.checkpoint() > LONGEST_LOG_PAGES:
                with self._writing:
                    self._store.checkpoint()
        self._space.show()

    def _waiting(self, receiver: str) -> int:
        recent = self._unwritten.inspections()
        return self._store.waiting(receiver) + sum(sequence not in self._delivered[receiver] for sequence in recent)
