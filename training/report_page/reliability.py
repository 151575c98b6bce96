"""Whether a type that is named with 80 % confidence is the right one in 80 % of cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Outcome
from inspector.naming import UNKNOWN
from training.evaluate import Scored
from training.promise import at_least, at_most

BINS: Final = 5
TWO_SIDED: Final = 0.975

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Named types whose confidence lies between ``low`` and ``high``: ``right`` of ``named`` were it.

    ``at_least`` and ``at_most`` bound the share from both sides, exactly, at 95 % together.
    """

    low: float
    high: float
    confidence: float
    named: int
    right: int
    at_least: float
    at_most: float


def reliability(scored: Sequence[Scored], normal: str, known: Sequence[str]) -> list[Bin]:
    """Of all anomalies that failed and were named. ``unknown`` is right for a type that the bundle does not know.

    Good parts have no type to be named rightly, so they do not count. Bins without any are left out.
    """
    named = [one for one in scored if one.label != normal and one.outcome is Outcome.FAIL and one.nearest_type]
    sure = np.array([one.type_confidence or 0.0 for one in named])
    right = np.array([one.nearest_type == (one.label if one.label in known else UNKNOWN) for one in named], np.bool_)
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.digitize(sure, edges) - 1, 0, BINS - 1)
    return [_bin(edges[i : i + 2], sure[place == i], right[place == i]) for i in range(BINS) if (place == i).any()]


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Mean distance of confidence from the share that was right, each picture counting alike; None without any.

    Expected calibration error (Naeini et al. 2015; Guo et al. 2017, section 2).
    """
    named = sum(each.named for each in bins)
    if not named:
        return None
    return sum(abs(each.named * each.confidence - each.right) for each in bins) / named


def _bin(edges: Doubles, sure: Doubles, right: NDArray[np.bool_]) -> Bin:
    hits, n = int(right.sum()), len(right)
    low, high = map(float, edges)
    return Bin(low, high, float(sure.mean()), n, hits, at_least(hits, n, TWO_SIDED), at_most(hits, n, TWO_SIDED))
