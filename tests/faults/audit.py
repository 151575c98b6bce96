"""What a run of faults leaves behind: the PLC's ledger, the witness's notes and the record, held against each other."""

import json
import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import AwareDatetime, TypeAdapter

from inspector.inspection import Outcome, Reason
from inspector.plc_sim.ledger import Breach
from tests.faults.line import STATION

MOMENT = TypeAdapter(AwareDatetime)
LAST_SECOND = timedelta(seconds=1)

NOT_TERMINAL = {"late", "duplicate_trigger"}
"""Reasons of inspections that have a trigger's id and are no answer to it."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything down to ``end of what must be 0`` must be 0, and ``chain`` empty."""

    false_accepts: int
    two_different_answers: int
    answers_that_must_not_be: int
    """Historical, retained, of another part or another trigger."""
    unanswered_outside_down_times: int
    absences_outside_down_times: int
    """How often the PLC thought the station away while nothing was wrong."""
    two_terminal_answers_in_the_record: int
    answers_missing_in_the_record: int
    gaps_in_the_record: int
    rows_never_delivered: int
    duplicates_not_recognisable: int
    chain: str
    """What ``inspector records verify`` complains of."""

    triggers: int
    accepted: int
    rejected: int
    sent_again: int
    answered_again: int
    late: int
    unanswered_in_down_times: int
    reasons: dict[str, int]
    rows: int
    rows_delivered_later: int
    """With ``historical: true``."""
    rows_delivered_twice: int
    rows_lost_with_the_broker: int
    """Made in the last second before a broker was killed: it took them, as far as MQTT tells, and had nobody told."""
    outages: dict[str, int]
    seconds: float
    """From the first trigger to the last."""
    down_s: float
    """Of these, in which no answer could be expected."""
    answer_ms: dict[str, float] | None
    unanswered: list[dict[str, str]]
    """Those outside down times: trigger, when it was sent, and what the record says of it."""

    @property
    def broken(self):
        """What must be 0 and is not, by name."""
        names = list(self.__dataclass_fields__)
        return {name: value for name in names[: names.index("triggers")] if (value := getattr(self, name))}


def rows_of(line, station=STATION):
    """Every inspection in a station's record, oldest first, past the program that wrote it."""
    file = Path(line.record["folder"]) / f"{station}.sqlite"
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        found = connection.execute("SELECT payload FROM rows WHERE kind = 'inspection' ORDER BY number").fetchall()
    finally:
        connection.close()
    return [json.loads(payload) for (payload,) in found]


def audit(line, plc, ended_s):
    """After the line has recovered and its daemon was told to end."""
    figures, entries, rows = plc.figures(), list(plc.ledger.entries.values()), rows_of(line)
    down_times = line.down_times()
    silent = [each for each in entries if not each.answers]
    outside = [each for each in silent if not overlaps(each.sent_s, each.deadline_s, down_times)]
    recorded = {row["id"]: row for row in rows}
    told = line.witness.by_id()
    overtaken = {row["trigger_id"] for row in rows if row["reason"] == Reason.DEADLINE}
    terminal = Counter(
        row["trigger_id"]
        for row in rows
        if row["trigger_id"]
        and row["reason"] not in NOT_TERMINAL
        # A verdict that a stalling disk held beyond the deadline is no answer: ERROR is, which stands after it.
        and not (row["trigger_id"] in overtaken and row["outcome"] != Outcome.ERROR)
    )
    breaches = Counter(figures.breaches)
    kills = [each.began_at for each in line.outages if each.kind == "broker killed"]
    undelivered = [row for row in rows if row["id"] not in told]
    lost_with_broker = sum(went_with_the_broker(row, kills) for row in undelivered)
    verified = line.records("verify", line.record["folder"])
    return Audit(
        false_accepts=breaches[Breach.FALSE_ACCEPT],
        two_different_answers=breaches[Breach.CONTRADICTION],
        answers_that_must_not_be=sum(
            breaches[each] for each in (Breach.HISTORICAL, Breach.RETAINED, Breach.WRONG_PART, Breach.WRONG_CORRELATION)
        ),
        unanswered_outside_down_times=len(outside),
        absences_outside_down_times=sum(
            not overlaps(away_s, back_s, down_times) for away_s, back_s in plc.ledger.absences if away_s < ended_s
        ),
        two_terminal_answers_in_the_record=sum(count > 1 for count in terminal.values()),
        answers_missing_in_the_record=sum(not is_recorded(each.inspection, recorded) for each in answers_of(entries)),
        gaps_in_the_record=len(set(range(len(rows))) ^ {row["sequence"] for row in rows}),
        rows_never_delivered=len(recorded.keys() - told.keys()) - lost_with_broker,
        duplicates_not_recognisable=sum(not all_alike(messages) for messages in told.values()),
        chain="" if verified.returncode == 0 else (verified.stdout + verified.stderr).strip(),
        triggers=len(entries),
        accepted=figures.accepted,
        rejected=figures.rejected,
        sent_again=figures.sent_again,
        answered_again=figures.answered_again,
        late=figures.decided_by.get("late", 0),
        unanswered_in_down_times=len(silent) - len(outside),
        reasons=figures.reasons,
        rows=len(rows),
        rows_delivered_later=sum(any(each["historical"] for each in messages) for messages in told.values()),
        rows_delivered_twice=sum(len(messages) > 1 for messages in told.values()),
        rows_lost_with_the_broker=lost_with_broker,
        outages=dict(Counter(each.kind for each in line.outages)),
        seconds=entries[-1].sent_s - entries[0].sent_s,
        down_s=length_s(down_times),
        answer_ms=asdict(figures.answer_ms) if figures.answer_ms else None,
        unanswered=[told_of(entry, rows) for entry in outside],
    )


def overlaps(began_s, ended_s, down_times):
    return any(began_s <= up_s and down_s <= ended_s for down_s, up_s, _ in down_times)


def went_with_the_broker(row, kills):
    """QoS 1 ends at the broker: what it took and had not handed on when it was killed is in the record alone."""
    made_at = MOMENT.validate_python(row["captured_at"])
    return any(kill - LAST_SECOND < made_at <= kill for kill in kills)


def length_s(down_times):
    """Together, what overlaps once."""
    total_s, counted_until_s = 0.0, 0.0
    for began_s, ended_s, _ in sorted(down_times):
        total_s += max(0.0, ended_s - max(began_s, counted_until_s))
        counted_until_s = max(counted_until_s, ended_s)
    return total_s


def told_of(entry, rows):
    said = [f"{row['outcome']} {row['reason'] or ''}".strip() for row in rows if row["trigger_id"] == entry.id]
    return {"id": entry.id, "sent_at": entry.sent_at.isoformat(), "record": ", ".join(said) or "nothing"}


def answers_of(entries):
    return [answer for entry in entries for answer in entry.answers]


def is_recorded(inspection, recorded):
    """Whether the record has it as the PLC got it."""
    row = recorded.get(inspection.id)
    return row is not None and type(inspection).model_validate(row) == inspection


def all_alike(messages):
    """Whether they differ in nothing but that some are historical."""
    first, *others = ({**each, "historical": False} for each in messages)
    return all(each == first for each in others)
