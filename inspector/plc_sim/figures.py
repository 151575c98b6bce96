"""A ledger in numbers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from inspector.plc_sim.ledger import Entry, Ledger


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from sending to arrival."""

    count: int
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, durations_s: Iterable[float]) -> Self | None:
        """None of nothing."""
        durations_ms = np.fromiter(durations_s, float) * 1000
        if not len(durations_ms):
            return None
        p50, p99 = np.percentile(durations_ms, [50, 99])
        return cls(len(durations_ms), float(p50), float(p99), float(durations_ms.max()))


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of every trigger so far."""

    triggers: int
    accepted: int
    rejected: int
    waiting: int
    decided_by: dict[str, int]
    """Triggers by what decided: pass, fail, error, late, silence."""
    reasons: dict[str, int]
    """Answers of outcome ERROR by their reason."""
    sent_again: int
    """Copies of triggers, beyond the first."""
    answered_again: int
    """Answers beyond the first."""
    excused: int
    """Triggers without an answer while the station or the connection was away."""
    strays: dict[str, int]
    """Messages that belong to no trigger of this PLC, by what they are."""
    breaches: dict[str, int]
    """Triggers by what the station must not have done."""
    answer_ms: Latency | None
    acknowledge_ms: Latency | None

    @classmethod
    def of(cls, ledger: Ledger, now_s: float) -> Self:
        """``now_s``: a reading of ``time.monotonic()``."""
        entries = list(ledger.entries.values())
        decided = Counter(str(why) for each in entries if (why := each.why(now_s)))
        accepted = sum(each.accepted for each in entries)
        return cls(
            triggers=len(entries),
            accepted=accepted,
            rejected=decided.total() - accepted,
            waiting=len(entries) - decided.total(),
            decided_by=dict(decided),
            reasons=dict(_reasons(entries)),
            sent_again=sum(each.copies - 1 for each in entries),
            answered_again=sum(max(len(each.answers) - 1, 0) for each in entries),
            excused=sum(each.excused and not each.answers for each in entries),
            strays=dict(ledger.strays),
            breaches=dict(Counter(str(breach) for each in entries for breach in each.breaches(now_s))),
            answer_ms=Latency.of(each.answers[0].received_s - each.sent_s for each in entries if each.answers),
            acknowledge_ms=Latency.of(
                each.acknowledged_s - each.sent_s for each in entries if each.acknowledged_s is not None
            ),
        )


def _reasons(entries: Iterable[Entry]) -> Counter[str]:
    firsts = (each.answers[0].inspection for each in entries if each.answers)
    return Counter(inspection.reason for inspection in firsts if inspection.reason)
