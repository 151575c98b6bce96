"""Euclidean distance to the mean of the normals."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from inspector.inspection import Features, Floats
from inspector.scorers.normals import usable
from inspector.settings import Settings


class EuclideanSettings(Settings):
    """``kind: euclidean``: assumes that the normals scatter alike in every direction."""

    kind: Literal["euclidean"] = "euclidean"

    def fit(self, normals: Features) -> "Euclidean":
        """The distance from the mean of the (n, d) embeddings of normal pictures.

        Raises DataError for fewer than two normals, or NaN or infinity in them.
        """
        return Euclidean(mean=usable(normals).mean(axis=0).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Euclidean:
    """``mean``: (d,) float32."""

    mean: Floats

    def score(self, features: Features) -> Floats:
        """(n,) distances, in units of the embedding."""
        distances: Floats = np.linalg.norm(features.embedding - self.mean, axis=1)
        return distances

    def arrays(self) -> dict[str, Floats]:
        """What the bundle stores."""
        return {"mean": self.mean}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Floats]) -> Self:
        """The inverse of ``arrays``."""
        return cls(**arrays)
