"""One JSON object a line for every trigger, once nothing more is to be expected of it."""

import json
import time
from pathlib import Path
from typing import Any, Final, Self

from inspector.plc_sim.ledger import GRACE_S, Entry, Ledger

SETTLED_S: Final = GRACE_S + 1.0
"""How long after its deadline a trigger is written; an answer that comes still later is in the figures only."""


class TriggerLog:
    """Writes the triggers of a ledger in their order; without a file it writes nowhere. Raises OSError."""

    def __init__(self, file: Path | None) -> None:
        self._stream = file.open("w", encoding="utf-8") if file else None
        self._written = 0

    def write(self, ledger: Ledger, *, until_s: float | None = None) -> None:
        """Those that are settled, or whose deadline was before ``until_s`` of the monotonic clock."""
        if self._stream is None:
            return
        now_s = time.monotonic()
        until_s = now_s - SETTLED_S if until_s is None else until_s
        for entry in list(ledger.entries.values())[self._written :]:
            if entry.deadline_s > until_s:
                break
            self._stream.write(json.dumps(_line(entry, now_s)) + "\n")
            self._written += 1
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream:
            self._stream.close()


def _line(entry: Entry, now_s: float) -> dict[str, Any]:
    return {
        "id": entry.id,
        "part_id": entry.part_id,
        "sent_at": entry.sent_at.isoformat(),
        "deadline_ms": entry.deadline_ms,
        "copies": entry.copies,
        "acknowledged_ms": None if entry.acknowledged_s is None else (entry.acknowledged_s - entry.sent_s) * 1000,
        "answers": [
            {
                "after_ms": (answer.received_s - entry.sent_s) * 1000,
                "inspection": answer.inspection.id,
                "outcome": answer.inspection.outcome,
                "reason": answer.inspection.reason,
            }
            for answer in entry.answers
        ],
        "accepted": entry.accepted,
        "why": entry.why(now_s),
        "defect": entry.defect,
        "breaches": entry.breaches(now_s),
    }
