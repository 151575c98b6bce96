"""A model of the highest normal scores, for what too few normals cannot promise. It is a model and no guarantee.

Peaks over a threshold: what exceeds a high level follows nearly a generalised Pareto distribution, whatever the scores'
own (Balkema & de Haan 1974; Pickands 1975). How far it can be trusted beyond the data is the reader's judgement, so the
fit is shown. Coles, "An Introduction to Statistical Modeling of Extreme Values" (2001), chapter 4.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.stats import genpareto, norm

from inspector.errors import DataError
from inspector.inspection import Floats
from training.promise import Terms

SHARE: Final = 0.1
"""Of the scores that are taken for the tail, unless they are fewer than ``FEWEST``."""

FEWEST: Final = 30
"""Exceedances, and at least as many scores lie below them."""

LEAST_P: Final = 0.1
"""Chance below which a fit is refused, and so one in ten that are right (Choulakian & Stephens 2001)."""

REPLICAS: Final = 199

Doubles = NDArray[np.float64]


def check_modelled(scores: int) -> None:
    """Raise DataError where a tail of so many scores is too short."""
    if scores < 2 * FEWEST:
        raise DataError(
            f"a model of the tail takes {2 * FEWEST} held-out normals, or groups of them; there are {scores}: "
            "add normals, or take the best promise"
        )


@dataclass(frozen=True, slots=True)
class Tail:
    """Scores above ``level`` exceed it by a generalised Pareto variable; ``exceeding`` of ``scores`` did.

    ``excesses``: by how much, in ascending order.
    """

    level: float
    shape: float
    scale: float
    excesses: Doubles
    scores: int

    @classmethod
    def fit(cls, scores: Floats) -> Self:
        """By maximum likelihood, to the highest tenth of the (n,) scores, at least 30 of them.

        Raises DataError where they are too few, or all alike.
        """
        check_modelled(len(scores))
        count = max(FEWEST, math.ceil(SHARE * len(scores)))
        ordered = np.sort(scores.astype(np.float64))
        return cls.above(float(ordered[-count - 1]), ordered)

    @classmethod
    def above(cls, level: float, scores: Doubles) -> Self:
        """The same of what exceeds the given level."""
        excesses = np.sort(scores[scores > level] - level)
        if len(excesses) < 2 or excesses[0] == excesses[-1]:
            raise DataError("the highest scores of the held-out normals are all alike: there is no tail to model")
        shape, scale = _fitted(excesses)
        return cls(level, shape, scale, excesses, len(scores))

    @property
    def exceeding(self) -> int:
        """Scores above the level."""
        return len(self.excesses)

    def quantile(self, share: float) -> float:
        """The score that this share exceeds, by the fit alone; Coles' equation 4.12."""
        beyond = share * self.scores / self.exceeding
        return self.level + float(genpareto.isf(beyond, self.shape, scale=self.scale))

    def at_most(self, terms: Terms) -> float:
        """The upper confidence limit of the score that the terms' share exceeds, by profile likelihood.

        All three unknowns count: shape, scale and how often the level is exceeded. The limit is the highest score whose
        best fit is not less likely than the best of all by more than the confidence allows (Coles, section 4.3.3).
        """
        share = terms.max_false_reject
        estimate = self.quantile(share)
        best = self._log_likelihood(self.shape, self.scale, self.exceeding / self.scores)
        allowed = float(norm.ppf(terms.confidence)) ** 2 / 2

        def too_unlikely(score: float) -> float:
            return best - self._profile(score, share) - allowed

        reach = max(estimate - self.level, self.scale)
        high = estimate + reach
        while too_unlikely(high) < 0:
            reach *= 2
            high = estimate + reach
        return float(brentq(too_unlikely, estimate, high, rtol=1e-6))

    def distances(self) -> tuple[float, float]:
        """Of the fit from the exceedances: Kolmogorov's and Smirnov's, and Anderson's and Darling's."""
        return _distances(genpareto.cdf(self.excesses, self.shape, scale=self.scale))

    def chance(self) -> float:
        """How often exceedances that do follow the model are as far from their own fit, by Anderson and Darling.

        A parametric bootstrap, since the fit has seen the exceedances (Stute et al. 1993); always the same draws.
        """
        rng, own = np.random.default_rng(0), self.distances()[1]
        further = 0
        for _ in range(REPLICAS):
            drawn = np.sort(genpareto.rvs(self.shape, scale=self.scale, size=self.exceeding, random_state=rng))
            shape, scale = _fitted(drawn)
            further += _distances(genpareto.cdf(drawn, shape, scale=scale))[1] >= own
        return (further + 1) / (REPLICAS + 1)

    def _profile(self, score: float, share: float) -> float:
        """The highest log likelihood of all tails that this share of scores exceeds ``score`` by."""

        def unlikely(free: Doubles) -> float:
            shape, scale = float(free[0]), math.exp(float(free[1]))
            beyond = _survival(score - self.level, shape, scale)
            exceeds = share / beyond if beyond > 0 else math.inf
            return -self._log_likelihood(shape, scale, exceeds)

        steepest = max(self.shape, 0.05)
        starts = [(shape, _scale_through(self, score, share, shape)) for shape in (self.shape, steepest, 2 * steepest)]
        return max(-_minimum(unlikely, start) for start in starts)

    def _log_likelihood(self, shape: float, scale: float, exceeds: float) -> float:
        if not 0 < exceeds < 1:
            return -math.inf
        often = self.exceeding * math.log(exceeds) + (self.scores - self.exceeding) * math.log1p(-exceeds)
        return often + _log_density(self.excesses, shape, scale)


def _fitted(excesses: Doubles) -> tuple[float, float]:
    """Shape and scale of the highest likelihood; shapes below -1, where it has no maximum, are left out."""

    def unlikely(free: Doubles) -> float:
        return -_log_density(excesses, float(free[0]), math.exp(float(free[1]))) if free[0] > -1 else math.inf

    mean = float(excesses.mean())
    starts = [(0.1, math.log(0.9 * mean)), (-0.2, math.log(max(1.2 * mean, 0.21 * float(excesses[-1]))))]
    found = [
        minimize(unlikely, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8}) for start in starts
    ]
    best = min(found, key=lambda each: each.fun)
    return float(best.x[0]), math.exp(float(best.x[1]))


def _minimum(function: Callable[[Doubles], float], start: tuple[float, float]) -> float:
    found = minimize(function, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-7, "maxiter": 400})
    return float(found.fun)


def _scale_through(tail: Tail, score: float, share: float, shape: float) -> float:
    """Logarithm of the scale with which a tail of this shape, exceeded as often as it was, passes through a score."""
    beyond = share * tail.scores / tail.exceeding
    return math.log((score - tail.level) / float(genpareto.isf(beyond, shape)))


def _log_density(excesses: Doubles, shape: float, scale: float) -> float:
    if abs(shape) < 1e-9:
        return float(-len(excesses) * math.log(scale) - excesses.sum() / scale)
    inside = 1 + shape * excesses / scale
    if inside.min() <= 0:
        return -math.inf
    return float(-len(excesses) * math.log(scale) - (1 + 1 / shape) * np.log(inside).sum())


def _survival(excess: float, shape: float, scale: float) -> float:
    if abs(shape) < 1e-9:
        return math.exp(-excess / scale)
    inside = 1 + shape * excess / scale
    return float(inside ** (-1 / shape)) if inside > 0 else 0.0


def _distances(uniform: Doubles) -> tuple[float, float]:
    """Of ascending values that are uniform between 0 and 1 if the model is right."""
    n, place = len(uniform), np.arange(1, len(uniform) + 1)
    inside = uniform.clip(1e-12, 1 - 1e-12)
    furthest = np.maximum(place / n - inside, inside - (place - 1) / n).max()
    squared = -n - ((2 * place - 1) * (np.log(inside) + np.log1p(-inside[::-1]))).sum() / n
    return float(furthest), float(squared)
