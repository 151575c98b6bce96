"""What an attribute agreement study says of each appraiser, and of their agreement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

from training.msa.kappa import Kappa, cohen, fleiss
from training.msa.shares import Share

GOOD: Final = "good"
"""The truth of a part without a defect; every other truth is a defect's type."""


class Decision(StrEnum):
    """What an appraiser says in one presentation."""

    ACCEPT = "accept"
    REJECT = "reject"
    UNDECIDED = "undecided"
    """The daemon's ERROR, or a person who cannot tell: the part is not accepted, so it counts as a reject."""

    @property
    def accepts(self) -> bool:
        """Whether the part goes on."""
        return self is Decision.ACCEPT


Decisions = Mapping[str, Mapping[int, Decision]]
"""By part and presentation, which count from 1."""

Truths = Mapping[str, str]
"""The reference: of each part ``good``, or the type of its defect."""


@dataclass(frozen=True, slots=True)
class Appraisal:
    """How one appraiser agrees with the reference and with himself.

    A share is None where no part can tell of it.
    """

    appraiser: str
    undecided: int
    """Presentations that got no decision, and count as rejects."""
    effectiveness: Share | None
    """Parts that were judged right in all presentations."""
    right: Share | None
    """Right decisions, of all."""
    miss_rate: Share | None
    """Accepted, of the presentations of defective parts."""
    false_alarm_rate: Share | None
    """Rejected, of the presentations of good parts."""
    repeatability: Share | None
    """Parts with the same decision in all presentations, of those with several."""
    kappa: Kappa
    """Agreement with the reference beyond chance."""
    miss_rates: Mapping[str, Share]
    """By type of defect."""


@dataclass(frozen=True, slots=True)
class Study:
    """All figures of a study."""

    confidence: float
    good: int
    """Good parts of the reference."""
    defective: int
    appraisals: Sequence[Appraisal]
    between: Mapping[tuple[str, str], Kappa]
    """Cohen's kappa of each two appraisers."""
    overall: Kappa | None
    """Fleiss' kappa of all appraisers; None with one."""


def study(truths: Truths, appraisers: Mapping[str, Decisions], confidence: float) -> Study:
    """The figures of appraisers who have each judged every part of the reference at least once.

    Two appraisers are compared in the presentations, by number, that both have judged.
    """
    good = sum(truth == GOOD for truth in truths.values())
    return Study(
        confidence=confidence,
        good=good,
        defective=len(truths) - good,
        appraisals=[appraise(name, truths, own, confidence) for name, own in appraisers.items()],
        between={
            (one, two): cohen(_side_by_side(appraisers[one], appraisers[two]), confidence)
            for one, two in combinations(appraisers, 2)
        },
        overall=fleiss(_in_common(list(appraisers.values()))) if len(appraisers) > 1 else None,
    )


def appraise(appraiser: str, truths: Truths, decisions: Decisions, confidence: float) -> Appraisal:
    """One appraiser against the reference."""
    accepts = {part: [said.accepts for said in own.values()] for part, own in decisions.items()}
    good = [own for part, own in accepts.items() if truths[part] == GOOD]
    bad = [own for part, own in accepts.items() if truths[part] != GOOD]
    right = [*good, *map(_turned, bad)]

    def share(parts: Sequence[Sequence[bool]]) -> Share | None:
        return Share.of([(sum(own), len(own)) for own in parts], confidence)

    return Appraisal(
        appraiser=appraiser,
        undecided=sum(said is Decision.UNDECIDED for own in decisions.values() for said in own.values()),
        effectiveness=share([[all(own)] for own in right]),
        right=share(right),
        miss_rate=share(bad),
        false_alarm_rate=share([_turned(own) for own in good]),
        repeatability=share([[len(set(own)) == 1] for own in accepts.values() if len(own) > 1]),
        kappa=cohen(
            {part: [(said, truths[part] == GOOD) for said in own] for part, own in accepts.items()}, confidence
        ),
        miss_rates={
            kind: missed
            for kind in sorted(set(truths.values()) - {GOOD})
            if (missed := share([own for part, own in accepts.items() if truths[part] == kind]))
        },
    )


def _turned(answers: Sequence[bool]) -> list[bool]:
    return [not answer for answer in answers]


def _side_by_side(one: Decisions, two: Decisions) -> dict[str, list[tuple[bool, bool]]]:
    return {
        part: [(said.accepts, two[part][number].accepts) for number, said in own.items() if number in two[part]]
        for part, own in one.items()
    }


def _in_common(appraisers: Sequence[Decisions]) -> list[list[bool]]:
    return [
        [decisions[part][number].accepts for decisions in appraisers]
        for part, own in appraisers[0].items()
        for number in own
        if all(number in decisions[part] for decisions in appraisers)
    ]
