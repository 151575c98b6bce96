"""What a PLC sent, what came back and when, and what it made of that: the PLC's half of the contract, without MQTT.

The PLC's rule: a part passes only if the first answer to its trigger is PASS and came before the PLC's own deadline.
Silence, ERROR and everything else is a reject.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from inspector.inspection import Inspection, Outcome, Reason

GRACE_S: Final = 1.0
"""How long after its deadline an answer is late and not missing."""

LONGEST_WAIT_S: Final = 60.0
"""How far back an open trigger is looked for when the station or the connection goes away."""


class Breach(StrEnum):
    """What a station must never do, by the name that it is counted under."""

    FALSE_ACCEPT = "false_accept"
    """A part that is known to be a defect was accepted."""
    CONTRADICTION = "contradiction"
    """A second answer to a trigger was not the first one again."""
    MISSING = "missing"
    """No answer, although station and connection were there all the time."""
    HISTORICAL = "historical"
    """A record of what was, sent as an answer."""
    RETAINED = "retained"
    """The broker kept the answer for whoever comes later."""
    WRONG_PART = "wrong_part"
    """The answer to this trigger names another part."""
    WRONG_CORRELATION = "wrong_correlation"
    """The answer's CorrelationData is that of another trigger."""


class Why(StrEnum):
    """What decided over a part."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    ERROR = "error"
    LATE = "late"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Answer:
    """One message on the topic of answers. ``received_s`` is a reading of ``time.monotonic()``."""

    inspection: Inspection
    received_s: float
    retained: bool = False
    correlation: bytes | None = None


@dataclass(slots=True)
class Entry:
    """One trigger and all that followed. Readings of ``time.monotonic()`` end in ``_s``."""

    id: str
    part_id: str
    deadline_ms: float
    sent_at: datetime
    sent_s: float
    deadline_s: float
    """The PLC's own: what comes later is of no use to it."""
    defect: bool | None = None
    """Whether the part is known to be a defect, or good; None where nobody knows."""
    copies: int = 1
    """How many times it was sent, all alike."""
    contested: bool = False
    """The same id was also sent with other content: that is answered ERROR, duplicate_trigger."""
    acknowledged_s: float | None = None
    answers: list[Answer] = field(default_factory=list)
    excused: bool = False
    """The station or the connection was away before the deadline: silence is no breach, and still a reject."""

    def why(self, now_s: float) -> Why | None:
        """What decided over the part; None while nothing has."""
        if self.answers and self.answers[0].received_s <= self.deadline_s:
            return Why(self.answers[0].inspection.outcome.lower())
        if now_s <= self.deadline_s:
            return None
        return Why.LATE if self.answers else Why.SILENCE

    @property
    def accepted(self) -> bool:
        """Whether the part passes. Once it does or its deadline is over, nothing changes that any more."""
        return self.why(self.deadline_s) is Why.PASS

    def breaches(self, now_s: float) -> list[Breach]:
        """What the station did wrong with this trigger, each kind once."""
        answers = self.answers
        silent = not answers and now_s > self.deadline_s + GRACE_S
        found = {
            Breach.FALSE_ACCEPT: self.accepted and self.defect is True,
            Breach.CONTRADICTION: any(each.inspection != answers[0].inspection for each in answers),
            Breach.MISSING: silent and not self.excused,
            Breach.HISTORICAL: any(each.inspection.historical for each in answers),
            Breach.RETAINED: any(each.retained for each in answers),
            Breach.WRONG_PART: any(each.inspection.part_id != self.part_id for each in answers),
            Breach.WRONG_CORRELATION: any(each.correlation not in (None, self.id.encode()) for each in answers),
        }
        return [breach for breach, is_so in found.items() if is_so]


class Ledger:
    """Every trigger of one PLC, oldest first, by its id."""

    def __init__(self, *, margin_ms: float, is_defect: Callable[[str], bool | None]) -> None:
        self.entries: dict[str, Entry] = {}
        self.strays: Counter[str] = Counter()
        """Messages that belong to none of its triggers, or that cannot be read, by what they are."""
        self._margin_ms = margin_ms
        self._is_defect = is_defect
        self.absences: list[tuple[float, float]] = []
        """From when to when the station or the connection was away; the last one may not be over."""
        self.away = True
        """Whether the station or the connection is away now, so that no answer can be expected."""

    def send(self, trigger_id: str, part_id: str, deadline_ms: float, *, at: datetime, now_s: float) -> Entry:
        """A trigger goes out now."""
        entry = Entry(
            id=trigger_id,
            part_id=part_id,
            deadline_ms=deadline_ms,
            sent_at=at,
            sent_s=now_s,
            deadline_s=now_s + (deadline_ms + self._margin_ms) / 1000,
            defect=self._is_defect(part_id),
            excused=self.away,
        )
        self.entries[trigger_id] = entry
        return entry

    def acknowledge(self, trigger_id: str, now_s: float) -> None:
        """The station says that it took a trigger."""
        entry = self.entries.get(trigger_id)
        if entry is None:
            self.strays["acknowledge"] += 1
        elif entry.acknowledged_s is None:
            entry.acknowledged_s = now_s

    def answer(self, answer: Answer) -> None:
        """The station says what it makes of a part."""
        entry = self.entries.get(answer.inspection.trigger_id or "")
        if entry is None:
            self.strays["answer"] += 1
        elif not (entry.contested and _is_about_the_other(answer)):
            entry.answers.append(answer)

    def set_away(self, *, away: bool, now_s: float) -> None:
        """The station or the connection went away, or is back. Whatever waits for an answer now is excused."""
        if away and not self.away:
            self.absences.append((now_s, float("inf")))
        elif not away and self.away and self.absences:
            self.absences[-1] = (self.absences[-1][0], now_s)
        self.away = away
        if away:
            for entry in reversed(self.entries.values()):
                if entry.deadline_s < now_s - LONGEST_WAIT_S:
                    break
                entry.excused = entry.excused or (not entry.answers and now_s <= entry.deadline_s)


def _is_about_the_other(answer: Answer) -> bool:
    inspection = answer.inspection
    return inspection.outcome is Outcome.ERROR and inspection.reason == Reason.DUPLICATE_TRIGGER
