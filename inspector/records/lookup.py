"""What the daemon looks up in its own record, beside the connection that writes."""

import logging
import sqlite3
from pathlib import Path
from threading import Lock
from typing import Any

from inspector.records.rows import INSPECTION, escaped
from inspector.records.schema import connect

log = logging.getLogger(__name__)

ANSWERS = "SELECT payload FROM rows WHERE trigger_id = ? AND kind = ? ORDER BY number"
NOTES = "SELECT payload FROM rows WHERE kind = ? AND kind <> 'inspection' ORDER BY number DESC LIMIT ?"
WAITING = """
    SELECT outbox.sequence, rows.payload FROM outbox JOIN rows ON rows.number = outbox.number
    WHERE outbox.receiver = ? AND outbox.sequence > ? ORDER BY outbox.sequence LIMIT ?
"""


class Lookup:
    """Any thread may ask. A file that cannot be read is said in the log and has no answers: the line goes on."""

    def __init__(self, file: Path, station: str) -> None:
        self._file, self._station = file, station
        self._connection = connect(file)
        self._asking = Lock()

    def answers(self, trigger_id: str) -> list[str]:
        """Payloads of the inspections that may be of this trigger, in their order."""
        return [payload for (payload,) in self._ask(ANSWERS, escaped(trigger_id), INSPECTION)]

    def notes(self, kind: str, limit: int) -> list[str]:
        """Payloads of the last notes of a kind, the newest first."""
        return [payload for (payload,) in self._ask(NOTES, kind, limit)]

    def waiting(self, receiver: str, after: int, limit: int) -> list[tuple[int, str]]:
        """Sequences and payloads of what has not been delivered, in their order."""
        return self._ask(WAITING, receiver, after, limit)

    def close(self) -> None:
        """Let the file go."""
        with self._asking:
            self._connection.close()

    def _ask(self, question: str, *values: object) -> list[Any]:
        try:
            with self._asking:
                return self._connection.execute(question, values).fetchall()
        except sqlite3.Error as error:
            log.error("%s cannot be read: %s", self._file, error, extra={"station": self._station})  # noqa: TRY400
            return []
