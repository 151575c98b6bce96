"""Rows that the disk has not taken yet."""

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from inspector.records.rows import LOST, Draft, escaped

MOST: Final = 10_000
"""Rows that are kept in memory; beyond them the oldest are given up."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Rows that were given up one after the other, and the inspections among them."""

    rows: int
    inspections: int
    first_sequence: int | None
    last_sequence: int | None
    since: str
    until: str

    @classmethod
    def of(cls, draft: Draft) -> "Lost":
        """Of one row."""
        return cls(1, int(draft.sequence is not None), draft.sequence, draft.sequence, draft.at, draft.at)

    def plus(self, draft: Draft) -> "Lost":
        """With the row that follows."""
        more = replace(self, rows=self.rows + 1, until=draft.at)
        if draft.sequence is None:
            return more
        first = draft.sequence if self.first_sequence is None else self.first_sequence
        return replace(more, inspections=self.inspections + 1, first_sequence=first, last_sequence=draft.sequence)

    def holds(self, sequence: int) -> bool:
        """Whether the inspection of this sequence is one of them."""
        if self.first_sequence is None or self.last_sequence is None:
            return False
        return self.first_sequence <= sequence <= self.last_sequence

    def draft(self, now: datetime) -> Draft:
        """The note that stands in the record where the rows are missing."""
        note = Draft.of_note(LOST, {name: getattr(self, name) for name in self.__slots__}, now)
        return note if self.last_sequence is None else replace(note, next_sequence=self.last_sequence + 1)


class Unwritten:
    """In order, the oldest first, bounded; ``lost`` tells of those before the first that were given up."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rows: deque[Draft] = deque()
        self.lost: Lost | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, draft: Draft) -> Draft | None:
        """The row that had to be given up for it, if any."""
        self._rows.append(draft)
        if len(self._rows) <= self._most:
            return None
        oldest = self._rows.popleft()
        self.lost = self.lost.plus(oldest) if self.lost else Lost.of(oldest)
        return oldest

    def first(self, count: int, now: datetime) -> list[Draft]:
        """What is to be written next, the note of what was lost before it included."""
        rows = [self._rows[index] for index in range(min(count, len(self._rows)))]
        return [self.lost.draft(now), *rows] if self.lost else rows

    def written(self, count: int) -> None:
        """What ``first`` gave for that count is on the disk."""
        self.lost = None
        for _ in range(min(count, len(self._rows))):
            self._rows.popleft()

    def answers(self, trigger_id: str) -> list[str]:
        """Payloads of the inspections that may be of this trigger, in their order."""
        return [draft.payload for draft in self._rows if draft.trigger_id == escaped(trigger_id)]

    def inspections(self) -> dict[int, Draft]:
        """Those of the rows that are inspections by their sequences, the oldest first."""
        return {draft.sequence: draft for draft in self._rows if draft.sequence is not None}
