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

CROWDED: Final = 1 / 24
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
    longest: np.float32
    """Largest squared distance of a patch from the centre."""

    @classmethod
    def of(cls, patches: Floats) -> Self:
        """The bank of (m, d) patches."""
        centre = patches.mean(axis=0)
        centred = patches - centre
        _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        falling = axes[:, ::-1].astype(np.float32)
        coarse, fine = (Glance.along(np.ascontiguousarray(falling[:, :count]), centred) for count in (COARSE, FINE))
        return cls(patches, centre, coarse, fine, np.vecdot(centred, centred).max())

    def farthest(self, queries: Floats, k: int) -> Floats:
        """(k,) the largest distances of (n, d) queries to their nearest patch, NaN among them; k is at most n.

        Exact, and most of the others are never known.
        """
        at_most = self._at_most(queries)
        order = np.argsort(-at_most)
        likely, others = order[: 3 * k], order[3 * k :]
        distances = self._farthest(queries[likely], k)
        # Whatever is not a number is not below the least, and is looked at.
        others = others[~(at_most[others] <= distances.min())]
        if len(others):
            distances = np.concatenate([distances, self._farthest(queries[others], min(k, len(others)))])
        return np.partition(distances, -k)[-k:]

    def _farthest(self, queries: Floats, k: int) -> Floats:
        look = Look.at(self, queries)
        order = np.argsort(-look.distances)
        look.refine(order[:k])
        look.refine(order[k:][look.distances[order[k:]] > look.distances[order[:k]].min()])
        return np.partition(look.distances, -k)[-k:]

    def nearest(self, queries: Floats) -> Floats:
        """(n,) distances of (n, d) queries to the nearest patch; NaN for a query that is not finite."""
        look = Look.at(self, queries)
        look.refine(np.arange(len(queries)))
        return look.distances

    def _at_most(self, queries: Floats) -> Floats:
        """(n,) distances to a patch that is among the nearest: the nearest is no farther."""
        promise, _ = self.coarse.promise(queries - self.centre)
        return self.distances(queries, promise.argmax(axis=1))

    def nearest_of_all(self, queries: Floats) -> Floats:
        """The same as ``nearest``, without bounds."""
        half_squares = np.vecdot(self.patches, self.patches) / 2
        return self.distances(queries, (half_squares - queries @ self.patches.T).argmin(axis=1))

    def distances(self, queries: Floats, rows: Rows) -> Floats:
        """(n,) distances of (n, d) queries to these rows of the bank.

        From the differences, not from the products: no cancellation, and a patch of the bank is at 0 exactly.
        """
        distances: Floats = np.linalg.norm(queries - self.patches[rows], axis=1)
        return distances


@dataclass(frozen=True, slots=True)
class Look:
    """Queries seen along the fine axes. ``distances``: (n,) to the most promising patch, until they are refined."""

    bank: MemoryBank
    queries: Floats
    promise: Floats
    squares: Floats
    distances: Floats

    @classmethod
    def at(cls, bank: MemoryBank, queries: Floats) -> Self:
        """A first look; the distance of a query that is not finite is NaN and stays it."""
        promise, squares = bank.fine.promise(queries - bank.centre)
        distances = bank.distances(queries, promise.argmax(axis=1))
        distances[~np.isfinite(distances)] = np.nan
        return cls(bank, queries, promise, squares, distances)

    def refine(self, rows: Rows) -> None:
        """Make the distances of these rows those to the nearest patch."""
        rows = rows[np.isfinite(self.distances[rows])]
        squares, distances = self.squares[rows], self.distances[rows]
        enough = (squares - distances**2) / 2 - np.float32(SLACK) * (squares + self.bank.longest)
        hopeful = self.promise[rows] >= enough[:, None]
        crowded = np.count_nonzero(hopeful, axis=1) > max(1, CROWDED * len(self.bank.patches))
        if crowded.any():
            self.distances[rows[crowded]] = self.bank.nearest_of_all(self.queries[rows[crowded]])
            hopeful[crowded] = False
        which, columns = np.divmod(np.flatnonzero(hopeful), len(self.bank.patches))
        np.minimum.at(self.distances, rows[which], self.bank.distances(self.queries[rows[which]], columns))
