"""Mean distance to the nearest normals."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers.neighbours import Neighbours
from inspector.scorers.normals import usable
from inspector.settings import Settings


class KnnSettings(Settings):
    """``kind: knn``: follows normals of any shape, also when they fall into several groups."""

    kind: Literal["knn"] = "knn"
    k: PositiveInt = 5
    """Number of nearest normals whose distances are averaged: more is smoother, fewer follows small groups."""

    def fit(self, normals: Features) -> "Knn":
        """The distance from the (n, d) embeddings of normal pictures, all of which are kept.

        Raises DataError for fewer than two normals or fewer than k, or NaN or infinity in them.
        """
        embedding = usable(normals)
        if len(normals) < self.k:
            raise DataError(
                f"kNN with k = {self.k} needs at least {self.k} normal pictures, got {len(normals)}: "
                f"add normal pictures, or set k to {len(normals)} or less"
            )
        return Knn(normals=Neighbours.among(embedding), k=self.k)


@dataclass(frozen=True, slots=True)
class Knn:
    """``normals``: the m embeddings of the fit; ``k``: how many of them are averaged."""

    normals: Neighbours
    k: int

    def score(self, features: Features) -> Floats:
        """(n,) mean distances to the k nearest normals, in units of the embedding."""
        distances, _ = self.normals.nearest(features.embedding, self.k)
        scores: Floats = distances.mean(axis=1).astype(np.float32)
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores; single precision loses nothing, since embeddings come in it."""
        return {"normals": self.normals.points.astype(np.float32), "k": np.array(self.k)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        return cls(normals=Neighbours.among(arrays["normals"]), k=int(arrays["k"]))
