"""The threshold of least expected cost: what rejecting a good part costs, and what a defect that escapes costs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from inspector.bundle import EscapeCost
from inspector.bundle.rounding import room
from inspector.inspection import Floats

PER_MILLION: Final = 1e6


@dataclass(frozen=True, slots=True)
class Costs:
    """In any one currency. ``escape``: by anomaly type, what an escape costs and how many parts have such a defect."""

    false_reject: float
    escape: Mapping[str, EscapeCost]

    def expected(self, threshold: float, normals: Floats, anomalies: Mapping[str, Floats]) -> float:
        """The cost of a part, given (n,) scores of held-out normals and those of left-out pictures by type.

        The shares rejected and missed are unknown, and their mean given what was seen counts (Jeffreys' prior): ten of
        ten caught do not prove that no defect ever escapes, so that a rare escape keeps its price.
        """
        defective = sum(each.per_million for each in self.escape.values()) / PER_MILLION
        rejects = (1 - defective) * self.false_reject * _mean_share(normals > threshold)
        escapes = (
            each.per_million / PER_MILLION * each.cost * _mean_share(anomalies.get(name, _NONE) <= threshold)
            for name, each in self.escape.items()
        )
        return float(rejects + sum(escapes))

    def cheapest(self, normals: Floats, anomalies: Mapping[str, Floats], low: float, high: float) -> float:
        """The lowest of the cheapest thresholds from ``low`` to ``high``.

        Going up, the cost falls only where one normal more passes, with room for rounding. The limits themselves count
        where they are finite.
        """
        above = [float(score) + room(float(score), normals) for score in np.unique(normals)]
        allowed = sorted(each for each in (*above, low, high) if low <= each <= high and math.isfinite(each))
        return min(allowed, key=lambda threshold: self.expected(threshold, normals, anomalies))


_NONE: Final = np.zeros(0, np.float32)


def _mean_share(happened: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    return (float(happened.sum()) + 0.5) / (len(happened) + 1)
