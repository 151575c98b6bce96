"""Mahalanobis distance to the mean of the normals, with a shrunk covariance."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from inspector.inspection import Features, Floats
from inspector.scorers.covariance import Precision
from inspector.scorers.normals import Doubles, usable
from inspector.settings import Settings


class MahalanobisSettings(Settings):
    """``kind: mahalanobis``: measures each direction by how much the normals scatter in it."""

    kind: Literal["mahalanobis"] = "mahalanobis"
    shrinkage: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = "auto"
    """Share of the covariance that is replaced by the same mean variance in every direction, 0 to 1.

    ``auto`` is the share of Ledoit and Wolf (2004), for many pictures the best in squared error. At 1 the distance is
    Euclidean but for its unit; 0 needs more normals than the embedding has dimensions.
    """

    def fit(self, normals: Features) -> "Mahalanobis":
        """The distance from the mean of the (n, d) embeddings of normal pictures, n below d included.

        Raises DataError for fewer than two normals, NaN or infinity in them, or a covariance that has no inverse.
        """
        embedding = usable(normals)
        mean = embedding.mean(axis=0)
        shrinkage = None if self.shrinkage == "auto" else self.shrinkage
        return Mahalanobis(mean=mean, precision=Precision.of(embedding - mean, shrinkage))


@dataclass(frozen=True, slots=True)
class Mahalanobis:
    """``mean``: (d,), in double precision as the inverse covariance."""

    mean: Doubles
    precision: Precision

    def score(self, features: Features) -> Floats:
        """(n,) distances, in standard deviations of the normals."""
        scores: Floats = np.sqrt(self.precision.squared(features.embedding - self.mean)).astype(np.float32)
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores."""
        return {"mean": self.mean, "floor": np.array(self.precision.floor), "excess": self.precision.excess}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        return cls(mean=arrays["mean"], precision=Precision(float(arrays["floor"]), arrays["excess"]))
