"""Results that the broker has not acknowledged, sent again: oldest first, a few at a time, behind whatever is live."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Condition
from typing import Final

from inspector.inspection import Inspection, Outbox
from inspector.sinks.mqtt_receipts import Receipts

WINDOW: Final = 5
"""Results sent again and not yet acknowledged: so few that a live one never waits long behind them."""

RETRY_S: Final = 30.0
"""After a denial: whoever has to correct an access list needs a while."""


class NothingWaits:
    """The outbox of a sink that has none."""

    def backlog(self, receiver: str, after: int, limit: int) -> list[tuple[int, str]]:  # noqa: ARG002 - see above
        """See ``Outbox``."""
        return []

    def delivered(self, receiver: str, sequences: Iterable[int]) -> None:
        """See ``Outbox``."""

    def newest(self) -> int:
        """See ``Outbox``."""
        return -1


class Backlog:
    """Works through the outbox of one receiver whenever it is woken, in a thread of its own.

    ``send`` publishes one message, unless the connection has ended meanwhile, and returns whether it did.
    ``newest`` tells the number of the last result that was handed to the sink: beyond it nothing is in arrears.
    """

    def __init__(
        self,
        receiver: str,
        *,
        receipts: Receipts,
        changed: Condition,
        send: Callable[[int, str], bool],
        newest: Callable[[], int],
    ) -> None:
        self.outbox: Outbox = NothingWaits()
        self._receiver = receiver
        self._receipts = receipts
        self._changed = changed
        self._send = send
        self._newest = newest
        self._cursor = -1
        self._due = False
        self._retry_s: float | None = None
        self._stopped = False
        self._round = 0

    @property
    def due(self) -> bool:
        """Whether there may be something left to send."""
        return self._due

    def wake(self, after: int = -1) -> None:
        """Something beyond sequence ``after`` waits, and there is a connection to send it."""
        with self._changed:
            self._begin(min(self._cursor, after) if self._due else after)
            self._changed.notify_all()

    def retry(self) -> None:
        """Something was denied: begin again later."""
        with self._changed:
            self._retry_s = self._retry_s or time.monotonic() + RETRY_S
            self._changed.notify_all()

    def halt(self) -> None:
        """There is no connection."""
        with self._changed:
            self._due, self._retry_s = False, None

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def run(self) -> None:
        """The thread."""
        while work := self._wait():
            batch = self._batch(work)
            for sequence, text in batch:
                self._step(work, sequence, text)
            if not batch:
                self._rest(work)

    def _begin(self, cursor: int) -> None:
        self._cursor, self._due, self._retry_s = cursor, True, None
        self._round += 1

    def _wait(self) -> "_Work | None":
        with self._changed:
            while not self._stopped:
                if self._retry_s is not None and time.monotonic() >= self._retry_s:
                    self._begin(-1)
                room = WINDOW - self._receipts.sent_again
                if self._due and room > 0:
                    return _Work(self._round, self._cursor, room)
                self._changed.wait(None if self._retry_s is None else max(0.0, self._retry_s - time.monotonic()))
            return None

    def _batch(self, work: "_Work") -> list[tuple[int, str]]:
        newest = self._newest()
        waiting = self.outbox.backlog(self._receiver, work.cursor, work.room)
        return [(sequence, text) for sequence, text in waiting if sequence <= newest]

    def _step(self, work: "_Work", sequence: int, text: str) -> None:
        with self._changed:
            if not self._due or self._round != work.round:
                return
            is_on_its_way = self._receipts.holds(sequence)
        if is_on_its_way or self._send(sequence, as_historical(text)):
            with self._changed:
                if self._round == work.round:
                    self._cursor = sequence

    def _rest(self, work: "_Work") -> None:
        with self._changed:
            if self._round == work.round:
                self._due = False
                self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class _Work:
    """``room`` results beyond ``cursor`` may be sent. A ``round`` ends when the backlog is begun anew."""

    round: int
    cursor: int
    room: int


def as_historical(text: str) -> str:
    """The message of an inspection, said to be one of the past."""
    return Inspection.model_validate(json.loads(text)).model_copy(update={"historical": True}).model_dump_json()
