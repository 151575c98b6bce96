"""Shares of parts, with exact bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from scipy.stats import binom

from training.promise import at_least, at_most


@dataclass(frozen=True, slots=True)
class Share:
    """How often something happened, with what so many parts prove of it; every share is between 0 and 1.

    Pictures of one part resemble each other, so that only parts count as evidence: nine presentations of one part prove
    no more than the part does. ``estimate`` is the mean over the parts of the share of each part's presentations.
    ``low`` and ``high`` bound it from both sides together at the study's confidence; ``at_least`` and ``at_most`` each
    from one side alone, and are what proves a limit. They are those of Clopper and Pearson (1934), from above for the
    parts to which it happened ever, from below for those to which it happened always. Where no part differs from
    presentation to presentation, and in particular with one presentation, both are exact; else they are cautious.
    """

    estimate: Fraction
    parts: int
    ever: int
    """Parts to which it happened in at least one presentation."""
    always: int
    """Parts to which it happened in all presentations."""
    happened: int
    """Presentations in which it happened."""
    presentations: int
    low: float
    high: float
    at_least: float
    at_most: float

    @classmethod
    def of(cls, parts: Sequence[tuple[int, int]], confidence: float) -> Self | None:
        """Of each part in how many of how many presentations it happened; None without parts."""
        if not parts:
            return None
        n = len(parts)
        ever = sum(happened > 0 for happened, _ in parts)
        always = sum(happened == of for happened, of in parts)
        doubt = 1 - confidence
        return cls(
            estimate=sum((Fraction(*part) for part in parts), Fraction()) / n,
            parts=n,
            ever=ever,
            always=always,
            happened=sum(happened for happened, _ in parts),
            presentations=sum(of for _, of in parts),
            low=at_least(always, n, 1 - doubt / 2),
            high=at_most(ever, n, 1 - doubt / 2),
            at_least=at_least(always, n, confidence),
            at_most=at_most(ever, n, confidence),
        )


def parts_to_prove(limit: Fraction, wrong: int, confidence: float) -> int:
    """The fewest parts, ``wrong`` of them wrong, that prove a share of wrong parts of at most ``limit``, in (0, 1)."""

    def prove(parts: int) -> bool:
        return bool(binom.cdf(wrong, parts, float(limit)) <= 1 - confidence)

    enough = wrong + 1
    while not prove(enough):
        enough *= 2
    too_few = wrong
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if prove(middle) else (middle, enough)
    return enough
