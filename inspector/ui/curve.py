"""The curve of the last minutes as points of an SVG: scores by their time, against the threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inspector.inspection import Inspection, Outcome

WIDTH: Final = 600
HEIGHT: Final = 120
TOP: Final = 2.0
"""Thresholds at the upper edge; what is beyond stays at the edge."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One inspection: where it is, and what became of it."""

    x: float
    y: float
    outcome: Outcome


def dots(inspections: Sequence[Inspection], minutes: float) -> list[Dot]:
    """The last of so many minutes, the newest at the right. An ERROR is at the upper edge: it is a reject."""
    if not inspections:
        return []
    ends = inspections[-1].captured_at
    return [_dot(each, (ends - each.captured_at).total_seconds() / (60 * minutes)) for each in inspections]


def _dot(inspection: Inspection, age: float) -> Dot:
    ratio = TOP if inspection.outcome is Outcome.ERROR else _ratio(inspection)
    return Dot(
        round(WIDTH * (1 - age), 1), round(HEIGHT * (1 - min(max(ratio, 0.0), TOP) / TOP), 1), inspection.outcome
    )


def _ratio(inspection: Inspection) -> float:
    """Thresholds can be 0 or less, at a huge false-reject rate: then only the side of it is shown."""
    if inspection.score is None or inspection.threshold is None:
        return TOP
    if inspection.threshold > 0:
        return inspection.score / inspection.threshold
    return 1.5 if inspection.score > inspection.threshold else 0.5
