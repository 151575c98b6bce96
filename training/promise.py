"""What n held-out normals prove of a threshold, and k caught defects of recall: exact, whatever the scores' shape.

A threshold at the k-th highest of n exchangeable scores rejects a share of new normals that follows Beta(k, n - k + 1)
(Wilks 1941, "Determination of sample sizes for setting tolerance limits"; ties make it less). In split conformal
prediction this is the guarantee given the calibration set (Vovk 2012, "Conditional validity of inductive conformal
predictors"; Angelopoulos & Bates 2021, "A gentle introduction to conformal prediction", section 3.2), where the mean
over all calibration sets promises nothing of the one at hand.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import beta, binom

from inspector.errors import DataError
from inspector.inspection import Floats

CONFIDENCE: Final = 0.95


def at_most(hits: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The share that ``hits`` of n proves not to be exceeded: one-sided, exact (Clopper & Pearson 1934)."""
    return float(beta.ppf(confidence, hits + 1, n - hits)) if hits < n else 1.0


def at_least(hits: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The share that ``hits`` of n proves to be reached, likewise: 10 of 10 prove 0.741 at 95 %."""
    return float(beta.ppf(1 - confidence, hits, n - hits + 1)) if hits else 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """At most this share of good parts rejected, with this confidence; both in (0, 1)."""

    max_false_reject: float
    confidence: float = CONFIDENCE

    def rank(self, n: int) -> int:
        """The k of the lowest threshold, the k-th highest of n scores, that keeps the terms; 0 where none does.

        P(share rejected <= p) is that of at least k of n scores in the highest share p: the binomial's tail.
        """
        doubt = 1 - self.confidence
        k = int(binom.ppf(doubt, n, self.max_false_reject))
        return k + int(binom.cdf(k, n, self.max_false_reject) <= doubt)

    @property
    def needed(self) -> int:
        """The least number of held-out normals that can keep the terms: none of n in the highest share p is doubt."""
        n = math.ceil(math.log1p(-self.confidence) / math.log1p(-self.max_false_reject))
        return next(enough for enough in (n - 1, n, n + 1) if enough > 0 and self.rank(enough))

    def best(self, n: int) -> "Terms":
        """The lowest share that n held-out normals can promise with this confidence, by their highest score."""
        share = -math.expm1(math.log1p(-self.confidence) / n)
        return Terms(share * (1 + 1e-12), self.confidence)  # or its last bit might be too little for ``rank``

    def __str__(self) -> str:
        return f"{percent_up(self.max_false_reject)} at {100 * self.confidence:.6g} %"


@dataclass(frozen=True, slots=True)
class Promised:
    """The terms of a promise, and which pictures hang together: the number of each one's group, None where unknown."""

    terms: Terms
    groups: Sequence[int] | None = None
    group_pattern: str | None = None
    """What told the groups apart, for the record."""
    review: Terms | None = None
    """Of a lower threshold, where parts that lie between the two are rejected for a person to look at."""
    tail: bool = False
    """Whether a model of the tail may go beyond what the held-out normals prove."""


class TooFewNormalsError(DataError):
    """The held-out normals cannot keep the terms; ``terms.best(there)`` is what they can."""

    def __init__(self, terms: Terms, there: int, pictures: int, *, grouped: bool) -> None:
        best = percent_up(terms.best(there).max_false_reject)
        what = "held-out groups of normals" if grouped else "held-out normals"
        of = f" (of {pictures} pictures)" if grouped else ""
        super().__init__(
            f"{terms.needed} {what} are needed for {terms}; there are {there}{of}; "
            f"with {there} the best promise is {best}"
        )
        self.terms, self.there = terms, there


def check_enough(terms: Terms, groups: Sequence[int] | None, pictures: int) -> None:
    """Raise TooFewNormalsError unless there are enough; ``groups`` names the group of each picture, None: its own."""
    there = pictures if groups is None else len(set(groups))
    if not terms.rank(there):
        raise TooFewNormalsError(terms, there, pictures, grouped=groups is not None)


def highest_by_group(scores: Floats, groups: Sequence[int] | None) -> Floats:
    """The highest score of each group: (n,) scores to (groups,); the scores themselves where no groups are known.

    Pictures of one lot or shift go up together, so that a hundred of them prove no more than one lot, and the bounds,
    which need exchangeable scores, hold between groups only. By its highest score a group counts as rejected when any
    of its pictures is: a picture of a new group is then rejected no more often than that. It is the conservative way,
    and the only one that asks nothing about how pictures of a group hang together.
    """
    if groups is None:
        return scores
    names, places = np.unique(groups, return_inverse=True)
    highest = np.full(len(names), -np.inf, scores.dtype)
    np.maximum.at(highest, places, scores)
    return highest


def percent_up(share: float) -> str:
    """In per cent with three digits, rounded up but for the last bits of a float, so that it stays true."""
    per_cent = 100 * share
    unit = 10.0 ** (math.floor(math.log10(per_cent)) - 2) if per_cent > 0 else 1.0
    return f"{math.ceil(per_cent / unit - 1e-9) * unit:.3g} %"
