"""What a row of the record says, before it has a number and its place in the chain."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from inspector.inspection import Inspection
from inspector.records.chain import canonical, time_text

INSPECTION: Final = "inspection"
"""The kind of the rows that are inspections; every other kind is a note."""

LOST: Final = "lost"
"""The kind of the note that stands where rows are missing."""

FOUND_BY: Final = ("at", "sequence", "id", "trigger_id", "part_id", "outcome")
"""Columns that say again what the payload says."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A row that is to be written.

    ``payload`` is canonical JSON, ``next_sequence`` that of the inspection that will follow, where the row changes it;
    the rest is what rows are looked up by, ``FOUND_BY``.
    """

    kind: str
    payload: str
    at: str
    sequence: int | None = None
    id: str | None = None
    trigger_id: str | None = None
    part_id: str | None = None
    outcome: str | None = None
    next_sequence: int | None = None

    @classmethod
    def of_inspection(cls, inspection: Inspection) -> "Draft":
        """The row of a numbered inspection."""
        content = inspection.model_dump(mode="json") | {"captured_at": time_text(inspection.captured_at)}
        found_by = found_by_of(INSPECTION, content)
        return cls(INSPECTION, canonical(content), **found_by, next_sequence=inspection.sequence + 1)

    @classmethod
    def of_note(cls, kind: str, payload: Mapping[str, Any], now: datetime) -> "Draft":
        """The row of a note; ``at`` in its payload is when it was noted."""
        at = time_text(now)
        return cls(kind, canonical({**payload, "at": at}), at)


def found_by_of(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a row with this payload is looked up by."""
    if kind != INSPECTION:
        return {"at": content["at"]}
    known = {name: content[name] for name in ("id", "trigger_id", "part_id", "outcome")}
    texts = {name: None if text is None else escaped(text) for name, text in known.items()}
    return {"at": content["captured_at"], "sequence": content["sequence"], **texts}


def escaped(text: str) -> str:
    """As the columns have it: SQLite holds no lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()
