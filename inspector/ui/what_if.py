"""What another threshold would have made of the last parts, and of those that people have labelled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from inspector.inspection import Floats, Inspection
from inspector.labels.label import Label, Says
from inspector.ui.history import Scored

SHIFT_S: Final = 8 * 3600

BARS: Final = 60
"""Of the histogram."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The last parts that one model has judged, and those that people have labelled."""

    scores: Floats
    """(n,) of the last parts."""
    errors: int
    """Parts among them without a score, which no threshold lets pass."""
    left_out: int
    """Of the parts that were looked at, those that another model has judged."""
    span_s: float
    """From the first of them to the last."""
    good: Floats
    """Of parts that people call good."""
    defects: Mapping[str, Floats]
    """By type."""

    @property
    def parts(self) -> int:
        """How many last parts count."""
        return len(self.scores) + self.errors

    def extent(self, threshold: float) -> tuple[float, float]:
        """Between which scores the page draws, the threshold always among them; a few odd parts are at the edge."""
        every = np.concatenate([self.scores, self.good, *self.defects.values(), np.array([threshold], np.float32)])
        low, high = float(every.min()), float(np.quantile(every, 0.99))
        room = 0.05 * max(high - low, abs(threshold), 1e-6)
        return low - room, max(high, 1.5 * threshold, threshold + room) + room


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a threshold would have made of what was seen."""

    passes: int
    fails: int
    errors: int
    false_rejects: int
    """Of the parts that people call good."""
    escapes: Mapping[str, int]
    """Defects by type that would pass."""
    minutes: float | None
    """Of re-inspection in a shift of eight hours, at this rate of parts; None where no rate can be told."""


def seen(rows: Sequence[Scored], bundle: str, labelled: Iterable[tuple[Label, Inspection]]) -> Seen:
    """Sort the last parts, the newest first, and the labelled ones, which may be older; other models' do not count."""
    own = [row for row in rows if row.bundle == bundle]
    good, defects = list[float](), dict[str, list[float]]()
    for label, said in labelled:
        if said.bundle != bundle or said.score is None:
            continue
        if label.says is Says.FALSE_REJECT:
            good.append(said.score)
        elif label.anomaly:
            defects.setdefault(label.anomaly.type, []).append(said.score)
    return Seen(
        scores=np.array([row.score for row in own if row.score is not None], np.float32),
        errors=sum(row.score is None for row in own),
        left_out=len(rows) - len(own),
        span_s=(own[0].at - own[-1].at).total_seconds() if own else 0.0,
        good=np.array(good, np.float32),
        defects={name: np.array(own, np.float32) for name, own in sorted(defects.items())},
    )


def outcomes(of: Seen, threshold: float, reinspection_s: float) -> Outcomes:
    """A person needs ``reinspection_s`` for each reject."""
    fails = int((of.scores > threshold).sum())
    per_shift = SHIFT_S / of.span_s if of.span_s > 0 else None
    return Outcomes(
        passes=len(of.scores) - fails,
        fails=fails,
        errors=of.errors,
        false_rejects=int((of.good > threshold).sum()),
        escapes={name: int((own <= threshold).sum()) for name, own in of.defects.items()},
        minutes=None if per_shift is None else (fails + of.errors) * per_shift * reinspection_s / 60,
    )


def bars(of: Seen, low: float, high: float) -> list[int]:
    """Parts by score; those beyond an edge are at it."""
    counts, _ = np.histogram(of.scores.clip(low, high), BARS, (low, high))
    return [int(count) for count in counts]
