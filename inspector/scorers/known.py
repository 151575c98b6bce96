"""How much more a picture looks like a known kind of anomaly than like a normal picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers.normals import usable
from inspector.settings import Settings


class KnownSettings(Settings):
    """``kind: known``: likeness to the mean embedding of each known type; left out where training has no anomalies."""

    kind: Literal["known"] = "known"

    def fit(self, normals: Features, anomalies: Sequence[Features], weights: Sequence[float]) -> "Known":  # noqa: ARG002 - the weights have shaped the embedding
        """From the embeddings of normals and, for each anomaly type, of its pictures.

        Raises DataError for fewer than two normals, NaN or infinity in them, or no anomaly type.
        """
        normal = _direction(usable(normals))
        if not anomalies:
            raise DataError("A score by known anomalies needs at least one anomaly type with pictures")
        return Known(normal=normal, types=np.stack([_direction(each.embedding) for each in anomalies]))


def _direction(embedding: NDArray[Any]) -> Floats:
    mean = embedding.mean(axis=0)
    unit: Floats = (mean / np.linalg.norm(mean)).astype(np.float32)
    return unit


@dataclass(frozen=True, slots=True)
class Known:
    """``normal``: (d,) and ``types``: (t, d), the mean directions of the normals and of each anomaly type."""

    normal: Floats
    types: Floats

    def score(self, features: Features) -> Floats:
        """(n,) cosine similarity to the nearest type less that to the normals, from -2 to 2.

        The logits of prototypical networks (Snell et al. 2017) on the unit sphere, the nearest type against normal.
        """
        similarity = features.embedding @ self.types.T
        scores: Floats = (similarity.max(axis=1) - features.embedding @ self.normal).astype(np.float32)
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores."""
        return {"normal": self.normal, "types": self.types}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        return cls(**arrays)
