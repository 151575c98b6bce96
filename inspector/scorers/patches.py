"""Distance of each place of the picture to the nearest place of any normal picture: finds small defects."""

from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers.bank import MemoryBank
from inspector.scorers.places import drawn, mean_of_worst, number_of_worst
from inspector.settings import Settings

SEED: Final = 0
PROJECTED: Final = 24
"""Dimensions in which the coreset is chosen: distances survive a random projection (Johnson and Lindenstrauss)."""


class PatchesSettings(Settings):
    """``kind: patches``: a memory bank of normal patches, searched exactly.

    Roth et al., "Towards Total Recall in Industrial Anomaly Detection" (2022), sections 3.1 and 3.2.
    """

    kind: Literal["patches"] = "patches"
    bank_size: PositiveInt = 4000
    """Most patches kept: 4,000 of 432 numbers take 6.9 MB."""
    candidates: PositiveInt = 20_000
    """Most patches that the bank is chosen from; of more, so many are drawn at random."""
    worst_share: float = Field(default=0.05, gt=0, le=1)
    """Share of a picture's patches, the most abnormal ones, whose mean distance is the picture's score."""

    def fit(self, normals: Features) -> "Patches":
        """The bank of the (n, rows, columns, c) patches of normal pictures. Raises DataError when there are none."""
        if normals.patches is None or not len(normals):
            raise DataError("A memory bank needs normal pictures with their patches, got none: add normal pictures")
        patches = normals.patches.reshape(-1, normals.patches.shape[-1])
        if not np.isfinite(patches).all():
            raise DataError("The patches of normal pictures hold NaN or infinity: the backbone's weights are damaged")
        rng = np.random.default_rng(SEED)
        patches = drawn(patches, self.candidates, rng)
        chosen = greedy_k_centre(_projected(patches, rng), self.bank_size)
        return Patches(bank=MemoryBank.of(patches[chosen]), worst_share=self.worst_share)


def _projected(points: Floats, rng: np.random.Generator) -> Floats:
    matrix = rng.standard_normal((points.shape[1], PROJECTED), dtype=np.float32)
    projected: Floats = points @ matrix
    return projected


def greedy_k_centre(points: Floats, k: int) -> NDArray[np.intp]:
    """The rows of k of the (n, d) points, each the farthest from those before it; all rows where n is at most k.

    No other choice can leave its worst covered point less than half as far (Gonzalez 1985).
    """
    if len(points) <= k:
        return np.arange(len(points))
    squares = np.vecdot(points, points)
    chosen = np.empty(k, dtype=np.intp)
    gap = np.full(len(points), np.inf, dtype=np.float32)
    farthest = 0
    for place in range(k):
        chosen[place] = farthest
        np.minimum(gap, squares + squares[farthest] - 2 * (points @ points[farthest]), out=gap)
        farthest = int(gap.argmax())
    return chosen


@dataclass(frozen=True, slots=True)
class Patches:
    """``bank``: the normal patches that were kept. ``worst_share``: see ``PatchesSettings``."""

    bank: MemoryBank
    worst_share: float

    def score(self, features: Features) -> Floats:
        """(n,) mean distance of each picture's most abnormal patches to the bank."""
        pictures = [_places(grid) for grid in _grids(features)]
        worst = [self.bank.farthest(each, number_of_worst(len(each), self.worst_share)) for each in pictures]
        return np.array([each.mean() for each in worst], np.float32)

    def score_of_map(self, grids: Floats) -> Floats:
        """The same from what ``map`` gave."""
        return mean_of_worst(grids, self.worst_share)

    def map(self, features: Features) -> Floats:
        """(n, rows, columns) distance of each place to the nearest patch of the bank: the heat map."""
        grids = _grids(features)
        # One picture at a time, so that the matrix of distances stays in the cache.
        distances = [self.bank.nearest(_places(grid)).reshape(grid.shape[:-1]) for grid in grids]
        return np.stack(distances) if distances else np.zeros((0, 1, 1), np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores."""
        return {"bank": self.bank.patches, "worst_share": np.array(self.worst_share)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        return cls(bank=MemoryBank.of(arrays["bank"]), worst_share=float(arrays["worst_share"]))


def _grids(features: Features) -> Floats:
    if features.patches is None:
        raise ValueError("these features have no patches")
    return features.patches


def _places(grid: Floats) -> Floats:
    return grid.reshape(-1, grid.shape[-1])
