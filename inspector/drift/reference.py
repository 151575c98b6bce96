"""A bundle's normals, ready to be compared with: bins, means, and what is more than chance."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from inspector.bundle import Normals
from inspector.drift.chance import index_limit, shift_limit
from inspector.drift.settings import DriftSettings
from inspector.inspection import Floats

NUMBERS: Final = ("score", "brightness", "sharpness")
EMBEDDING: Final = "embedding"

BLOCKS: Final = 10
"""A window moves on by a tenth of its length."""

MOST_BINS: Final = 10
FEWEST_BINS: Final = 3
NORMALS_PER_BIN: Final = 5
PARTS_PER_BIN: Final = 20
"""With fewer, chance does not keep to its limit."""

NOISE: Final = 1e-3
"""Of the longest way of the camera: what is shorter is no direction of its own."""

FEWEST_NORMALS: Final = FEWEST_BINS * NORMALS_PER_BIN // 2
"""Below so many nothing is compared."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The held-out normals that pass: a part that fails is not compared either.

    ``edges``: (numbers, bins - 1), that put equal shares of the normals into each bin, ``counts``: (numbers, bins).
    ``means``: (numbers,). ``mean`` and ``spread``: (d,), of the feature vectors. ``camera``: (directions, d), of length
    1 and at right angles, that span where their mean goes, in spreads, when the camera changes. ``limits``: by what is
    compared, what is worth an alarm.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    means: NDArray[np.float64]
    mean: Floats
    spread: Floats
    camera: NDArray[np.float64]
    limits: dict[str, float]

    @property
    def size(self) -> int:
        """The number of normals."""
        return int(self.counts[0].sum())

    @classmethod
    def of(cls, normals: Normals, threshold: float, settings: DriftSettings) -> Self | None:
        """Of a bundle's normals; None where there are too few to tell a change by."""
        numbers = np.array([getattr(normals, name) for name in NUMBERS], np.float64)
        numbers = numbers[:, normals.score <= threshold]
        size = numbers.shape[1]
        if size < FEWEST_NORMALS:
            return None
        bins = max(FEWEST_BINS, min(MOST_BINS, size // NORMALS_PER_BIN, settings.window // PARTS_PER_BIN))
        edges = np.quantile(numbers, np.arange(1, bins) / bins, axis=1).T
        tail = _tail(settings)
        index = max(settings.psi, index_limit(bins, (settings.window, size), tail))
        shift = max(settings.shift, shift_limit(normals.shares, (settings.window, size), tail))
        return cls(
            edges=edges,
            counts=_counts(numbers, edges),
            means=numbers.mean(axis=1),
            mean=normals.mean,
            spread=normals.spread,
            camera=_directions(normals.camera),
            limits={**dict.fromkeys(NUMBERS, index), EMBEDDING: shift},
        )


def binned(numbers: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(numbers, bins): the bin that each of the (numbers,) falls into."""
    places = (numbers[:, None] > edges).sum(axis=1)
    own: NDArray[np.bool_] = places[:, None] == np.arange(edges.shape[1] + 1)
    return own


def _counts(numbers: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """(numbers, bins): how many of the (numbers, n) fall into each bin."""
    bins = edges.shape[1] + 1
    places = (np.searchsorted(own, values) for own, values in zip(edges, numbers, strict=True))
    return np.array([np.bincount(each, minlength=bins) for each in places])


def _directions(ways: Floats) -> NDArray[np.float64]:
    """Of length 1 and at right angles, in the plane of the (changes, d) ways; as many as are more than noise."""
    _, lengths, directions = np.linalg.svd(ways.astype(np.float64), full_matrices=False)
    plane: NDArray[np.float64] = directions[lengths > NOISE * lengths.max(initial=0)]
    return plane


def _tail(settings: DriftSettings) -> float:
    """The chance that one comparison may have to be wrong: there are four of them, each time the window moves on."""
    comparisons = 100_000 / (settings.window // BLOCKS) * (len(NUMBERS) + 1)
    return min(settings.false_alarms / comparisons, 0.01)
