"""A memory bank of patches, searched exactly though most distances are never computed."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Floats

Rows = NDArray[np.intp]

COARSE: Final = 24
"""Principal axes of the first look: enough to tell which places are near to normal."""

FINE: Final = 128
"""Principal axes of the second look: the nearest patch is then among a handful."""

SLACK: Final = 1e-5
"""Of the squared lengths: what rounding may take from a product of single precision, ten times over."""

CROWDED: Final = 1 / 32
"""Share of the bank from which on it is quicker to compare with all of it."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What a few principal axes of the bank tell of a distance: never more than it is.

    ``axes``: (d, r). ``keys``: (r + 2, m), each patch along these axes, its length across them, and minus half of its
    squared length.
    """

    axes: Floats
    keys: Floats

    @classmethod
    def along(cls, axes: Floats, centred: Floats) -> Self:
        """The bank's (m, d) patches, less their mean, along (d, r) axes of length 1 that are square to each other."""
        along, across, squares = _parts(axes, centred)
        return cls(axes, np.ascontiguousarray(np.column_stack([along, across, -squares / 2]).T))

    def promise(self, centred: Floats) -> tuple[Floats, Floats]:
        """(n, m): the most that half of |query|² less half of the squared distance to each patch can be; and |query|².

        Along the axes the distance is known, and across them it is at least the difference of the two lengths.
        """
        along, across, squares = _parts(self.axes, centred)
        promise: Floats = np.column_stack([along, across, np.ones_like(across)]) @ self.keys
        return promise, squares


def _parts(axes: Floats, centred: Floats) -> tuple[Floats, Floats, Floats]:
    along, squares = centred @ axes, np.vecdot(centred, centred)
    return along, np.sqrt(np.maximum(squares - np.vecdot(along, along), 0)), squares


@dataclass(frozen=True, slots=True)
class MemoryBank:
    """``patches``: (m, d) float32, the bank; the rest is made of them.

    Exact search by bounds that grow tighter with each principal axis: the partial distance search of Bei and Gray, "An
    improvement of the minimum distortion encoding algorithm for vector quantization" (1985), two steps of it as matrix
    products, and with the length that is left as one more axis.
    """

    patches: Floats
    centre: Floats
    coarse: Glance
    fine: Glance
    longest: float
    """Largest squared distance of a patch from the centre."""

    @classmethod
    def of(cls, patches: Floats) -> Self:
        """The bank of (m, d) patches."""
        centre = patches.mean(axis=0)
        centred = patches - centre
        _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        falling = axes[:, ::-1].astype(np.float32)
        coarse, fine = (Glance.along(np.ascontiguousarray(falling[:, :count]), centred) for count in (COARSE, FINE))
        return cls(patches, centre, coarse, fine, float(np.vecdot(centred, centred).max()))

    def at_most(self, queries: Floats) -> Floats:
        """(n,) distances of (n, d) queries to a patch that is among the nearest: the nearest is no farther."""
        promise, _ = self.coarse.promise(queries - self.centre)
        return self._distances(queries, promise.argmax(axis=1))

    def nearest(self, queries: Floats) -> Floats:
        """(n,) distances of (n, d) queries to the nearest patch; NaN for a query that is not finite."""
        distances = np.full(len(queries), np.nan, np.float32)
        finite = np.isfinite(queries).all(axis=1)
        distances[finite] = self._nearest(queries[finite])
        return distances

    def _nearest(self, queries: Floats) -> Floats:
        promise, squares = self.fine.promise(queries - self.centre)
        distances = self._distances(queries, promise.argmax(axis=1))
        enough = (squares - distances**2) / 2 - np.float32(SLACK) * (squares + np.float32(self.longest))
        hopeful = promise >= enough[:, None]
        crowded = np.count_nonzero(hopeful, axis=1) > max(1, CROWDED * len(self.patches))
        distances[crowded] = self._nearest_of_all(queries[crowded])
        hopeful[crowded] = False
        rows, columns = np.divmod(np.flatnonzero(hopeful), len(self.patches))
        np.minimum.at(distances, rows, self._distances(queries[rows], columns))
        return distances

    def _nearest_of_all(self, queries: Floats) -> Floats:
        half_squares = np.vecdot(self.patches, self.patches) / 2
        return self._distances(queries, (half_squares - queries @ self.patches.T).argmin(axis=1))

    def _distances(self, queries: Floats, rows: Rows) -> Floats:
        # From the differences, not from the products: no cancellation, and a patch of the bank is at 0 exactly.
        distances: Floats = np.linalg.norm(queries - self.patches[rows], axis=1)
        return distances
