"""Cosine distance to the mean direction of the normals."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers.normals import usable
from inspector.settings import Settings


class CosineSettings(Settings):
    """``kind: cosine``: compares directions only, so that the length of an embedding says nothing."""

    kind: Literal["cosine"] = "cosine"

    def fit(self, normals: Features) -> "Cosine":
        """The distance from the direction of the mean of the (n, d) embeddings of normal pictures.

        Raises DataError for fewer than two normals, NaN or infinity in them, or normals whose mean is zero.
        """
        embedding = usable(normals)
        mean = embedding.mean(axis=0)
        length = np.linalg.norm(mean)
        if length <= np.finfo(np.float32).eps * np.linalg.norm(embedding, axis=1).mean():
            raise DataError(
                f"The {len(normals)} normal pictures have no direction in common: their embeddings cancel out; "
                "take another distance, or train the network longer"
            )
        return Cosine(direction=(mean / length).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Cosine:
    """``direction``: (d,) float32, of length 1."""

    direction: Floats

    def score(self, features: Features) -> Floats:
        """(n,) values of 1 - cos(angle to the mean direction): 0 along it, 1 across it, 2 against it.

        NaN for an embedding of zeros, which has no direction.
        """
        with np.errstate(invalid="ignore"):
            unit = features.embedding / np.linalg.norm(features.embedding, axis=1, keepdims=True)
        # Half the squared chord is 1 - cos, without taking the difference of two numbers near 1.
        chord = unit - self.direction
        scores: Floats = np.vecdot(chord, chord) / np.float32(2)
        return scores

    def arrays(self) -> dict[str, Floats]:
        """What the bundle stores."""
        return {"direction": self.direction}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Floats]) -> Self:
        """The inverse of ``arrays``."""
        return cls(**arrays)
