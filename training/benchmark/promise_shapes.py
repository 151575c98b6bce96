"""How often a promised threshold breaks its promise, beside a plain quantile and the model of the tail.

What a threshold truly rejects is read from the distribution itself, so that nothing is estimated but the share.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from inspector.errors import DataError
from inspector.inspection import Floats
from training.contract import line, promised_threshold
from training.promise import Terms, at_least, at_most

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """A distribution of scores: ``draw`` gives so many, ``rejected`` the share of it that lies above a score."""

    name: str
    draw: Callable[[np.random.Generator, tuple[int, ...]], Doubles]
    rejected: Callable[[Doubles], Doubles]


def _two_humps(rng: np.random.Generator, size: tuple[int, ...]) -> Doubles:
    return rng.standard_normal(size) + 6 * (rng.random(size) < RARE)


RARE: Final = 0.1
"""Share of the normals in the second hump."""

SHAPES: Final = (
    Shape("normal", lambda rng, size: rng.standard_normal(size), stats.norm.sf),
    Shape("lognormal", lambda rng, size: rng.lognormal(size=size), lambda x: stats.lognorm.sf(x, 1)),
    Shape("heavy tail", lambda rng, size: rng.standard_t(2, size=size), lambda x: stats.t.sf(x, 2)),
    Shape("two humps", _two_humps, lambda x: (1 - RARE) * stats.norm.sf(x) + RARE * stats.norm.sf(x - 6)),
    Shape("ties", lambda rng, size: rng.geometric(0.1, size=size).astype(np.float64), lambda x: 0.9 ** np.floor(x)),
)


def of_scores(name: str, scores: Floats) -> Shape:
    """Real scores as the whole truth: drawn with replacement, so that what lies above is counted."""
    ordered = np.sort(scores.astype(np.float64))
    return Shape(
        name,
        lambda rng, size: rng.choice(ordered, size),
        lambda x: 1 - np.searchsorted(ordered, x, side="right") / len(ordered),
    )


def broken(shape: Shape, n: int, share: float, calibrations: int) -> dict[str, Any]:
    """In how many of so many calibrations with n normals more than the share is rejected, promised and by quantile."""
    drawn, terms = _drawn(shape, n, calibrations), Terms(share)
    promised = np.array([promised_threshold(scores, terms) for scores in drawn])
    return {
        "scores": shape.name,
        "normals": n,
        "promised": share,
        "calibrations": calibrations,
        "promise": _counted(shape.rejected(promised) > share),
        "quantile": _counted(shape.rejected(np.quantile(drawn, 1 - share, axis=1)) > share),
    }


def modelled(shape: Shape, n: int, share: float, calibrations: int) -> dict[str, Any]:
    """The same of the tail's model, where n is too few for a promise; what it refuses to fit is no calibration."""
    limits = np.array(list(_limits(_drawn(shape, n, calibrations), Terms(share))))
    return {
        "scores": shape.name,
        "normals": n,
        "modelled": share,
        "calibrations": calibrations,
        "fitted": len(limits),
        "tail": _counted(shape.rejected(limits) > share),
    }


def _drawn(shape: Shape, n: int, calibrations: int) -> Floats:
    """(calibrations, n) scores, others for each shape and always the same."""
    seed = (n, *shape.name.encode())
    return shape.draw(np.random.default_rng(seed), (calibrations, n)).astype(np.float32)


def _limits(drawn: Floats, terms: Terms) -> Iterator[float]:
    for scores in drawn:
        try:
            yield line(scores, terms, tail=True).threshold
        except DataError:
            continue


def _counted(happened: NDArray[np.bool_]) -> dict[str, float]:
    """The share that happened, with the two-sided interval at 95 % of Clopper and Pearson."""
    hits, n = int(happened.sum()), len(happened)
    return {"share": hits / n, "low": at_least(hits, n, 0.975), "high": at_most(hits, n, 0.975)} if n else {}
