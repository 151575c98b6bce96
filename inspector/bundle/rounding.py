"""The room that a threshold leaves for two machines that round differently."""

from typing import Final

from inspector.inspection import Floats

ROUNDING: Final = 1e-3
"""By what two machines may differ in their rounding, as a share of the scores' own size. No fixed amount would do: some
distances stay far below 1 for every picture, and would let every defect pass."""


def room(score: float, scores: Floats) -> float:
    """By how much this score may differ elsewhere, among the (n,) scores."""
    return ROUNDING * max(abs(score), float(scores.std()))
