"""Exact binomial bounds: what a share may be, given what was counted, and which counts are no chance.

Source: Clopper and Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934).
"""

from collections.abc import Callable
from math import exp, inf, lgamma, log, log1p
from typing import Final

HALVINGS: Final = 60


def at_least(count: int, trials: int, share: float) -> float:
    """How probable so many or more of the trials are."""
    return min(1.0, sum(_exactly(each, trials, share) for each in range(count, trials + 1)))


def at_most(count: int, trials: int, share: float) -> float:
    """How probable so many or fewer are."""
    return min(1.0, sum(_exactly(each, trials, share) for each in range(count + 1)))


def bounds(count: int, trials: int, doubt: float) -> tuple[float, float]:
    """Between which the share lies that gave ``count`` of ``trials``; each of the two is wrong with this ``doubt``."""
    lowest = _where(lambda share: at_least(count, trials, share) >= doubt) if count else 0.0
    highest = _where(lambda share: at_most(count, trials, share) <= doubt) if count < trials else 1.0
    return lowest, highest


def _where(holds: Callable[[float], bool]) -> float:
    """The least share from which on it holds."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _exactly(count: int, trials: int, share: float) -> float:
    ways = lgamma(trials + 1) - lgamma(count + 1) - lgamma(trials - count + 1)
    hits = count * log(share) if share > 0 else (-inf if count else 0.0)
    misses = (trials - count) * log1p(-share) if share < 1 else (-inf if count < trials else 0.0)
    return exp(ways + hits + misses)
