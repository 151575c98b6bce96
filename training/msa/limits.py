"""The usual limits of an attribute study, and whether the parts of this one prove that they are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from training.msa.shares import Share, parts_to_prove
from training.msa.study import Appraisal


class Grade(StrEnum):
    """What the AIAG's table calls an appraiser by one criterion."""

    ACCEPTABLE = "acceptable"
    MARGINAL = "marginal"
    UNACCEPTABLE = "unacceptable"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A figure of the appraisal and the most that may be wrong by it; of effectiveness, parts not judged right."""

    figure: str
    """Name of the share in the Appraisal."""
    acceptable: Fraction
    marginal: Fraction
    wants_high: bool = False
    """Whether the share counts what is right, so that the limits hold for the rest."""


CRITERIA: Final = (
    Criterion("effectiveness", Fraction(10, 100), Fraction(20, 100), wants_high=True),
    Criterion("miss_rate", Fraction(2, 100), Fraction(5, 100)),
    Criterion("false_alarm_rate", Fraction(5, 100), Fraction(10, 100)),
)
"""AIAG MSA, 4th edition, chapter III, section C: effectiveness at least 90 % (marginal 80 %), miss rate at most 2 %
(5 %), false-alarm rate at most 5 % (10 %)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One criterion decided."""

    criterion: str
    grade: Grade
    """By the estimate alone, as the AIAG's table has it."""
    proven: bool
    """Whether the one-sided bound keeps the grade's limit too; of unacceptable, whether it breaks the marginal one."""
    parts: int
    """Parts that told: of the miss rate the defective ones, of the false-alarm rate the good ones."""
    wrong_parts: int
    """Parts that were judged wrong in at least one presentation."""
    parts_to_prove: int
    """The fewest parts that prove acceptable, if no more are judged wrong than were."""


def verdicts(appraisal: Appraisal, confidence: float) -> Iterator[Verdict]:
    """One of each criterion. Expects an appraisal of good and of defective parts."""
    for criterion in CRITERIA:
        share = getattr(appraisal, criterion.figure)
        if share is not None:
            yield _decided(criterion, share, confidence)


def _decided(criterion: Criterion, share: Share, confidence: float) -> Verdict:
    high = criterion.wants_high
    estimate = 1 - share.estimate if high else share.estimate
    at_most, at_least = (1 - share.at_least, 1 - share.at_most) if high else (share.at_most, share.at_least)
    wrong = share.parts - share.always if high else share.ever
    if estimate <= criterion.acceptable:
        grade, proven = Grade.ACCEPTABLE, at_most <= criterion.acceptable
    elif estimate <= criterion.marginal:
        grade, proven = Grade.MARGINAL, at_most <= criterion.marginal
    else:
        grade, proven = Grade.UNACCEPTABLE, at_least > criterion.marginal
    needed = parts_to_prove(criterion.acceptable, wrong, confidence)
    return Verdict(criterion.figure, grade, proven, share.parts, wrong, needed)
