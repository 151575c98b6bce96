"""The nearest normals of a picture, exactly: what kNN and LOF are made of."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Floats
from inspector.scorers.normals import Doubles

Rows = NDArray[np.intp]

BLOCK: Final = 64
"""Queries at a time: enough for a fast product, and the memory of a large batch stays bounded."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """``points``: (m, d), in double precision so that no two of them change places; ``squares``: |point|², (m,)."""

    points: Doubles
    squares: Doubles

    @classmethod
    def among(cls, embedding: Floats | Doubles) -> Self:
        """The neighbours to be found among (m, d) embeddings."""
        points = embedding.astype(np.float64)
        return cls(points=points, squares=np.vecdot(points, points))

    def __len__(self) -> int:
        return len(self.points)

    def nearest(self, queries: Floats | Doubles, k: int) -> tuple[Doubles, Rows]:
        """Distances to the k nearest points and the rows of these points, both (n, k), in no order; k is at most m."""
        distances = np.empty((len(queries), k))
        rows = np.empty((len(queries), k), dtype=np.intp)
        for start in range(0, len(queries), BLOCK):
            block = slice(start, start + BLOCK)
            distances[block], rows[block] = self._nearest(queries[block].astype(np.float64), k)
        return distances, rows

    def nearest_others(self, k: int) -> tuple[Doubles, Rows]:
        """``nearest`` for the points themselves, of which none is its own neighbour; k is below m."""
        distances, rows = self.nearest(self.points, k + 1)
        own = rows == np.arange(len(self))[:, None]
        # A point with more than k duplicates may not be among its own neighbours: any duplicate stands for it.
        own[~own.any(axis=1), 0] = True
        return distances[~own].reshape(-1, k), rows[~own].reshape(-1, k)

    def _nearest(self, queries: Doubles, k: int) -> tuple[Doubles, Rows]:
        # |query|² is the same for all points of a row, so the ranking does without it.
        ranking = self.squares - 2 * (queries @ self.points.T)
        rows = np.argpartition(ranking, k - 1, axis=1)[:, :k]
        # From the differences, not from the ranking: no cancellation, and duplicates are at 0 exactly.
        return np.linalg.norm(queries[:, None] - self.points[rows], axis=2), rows
