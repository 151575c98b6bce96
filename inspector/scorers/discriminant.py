"""How far a picture lies from the normals in the direction of the known anomalies, and which kind it resembles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers.covariance import Precision
from inspector.scorers.normals import Doubles, usable
from inspector.settings import Settings


class DiscriminantSettings(Settings):
    """``kind: discriminant``: linear discriminant analysis; looks at the anomalies, left out where there are none.

    Fisher, "The use of multiple measurements in taxonomic problems" (1936). A few anomalies say where their mean is,
    but nothing of how they scatter: the covariance is that of the normals, shrunk as Mahalanobis distance has it.
    """

    kind: Literal["discriminant"] = "discriminant"

    def fit(self, normals: Features, anomalies: Sequence[Features], weights: Sequence[float]) -> "Discriminant":
        """From normals and, for each anomaly type, the features of its pictures and its weight.

        Raises DataError for fewer than two normals, NaN or infinity in them, a covariance that has no inverse, or no
        anomaly type.
        """
        normal = usable(normals)
        if not anomalies:
            raise DataError("A discriminant needs at least one anomaly type with pictures")
        mean = normal.mean(axis=0)
        precision = Precision.of(normal - mean)
        directions = np.stack([precision.discriminant((each.embedding - mean).mean(axis=0)) for each in anomalies])
        return Discriminant(mean=mean, direction=np.average(directions, axis=0, weights=weights))


@dataclass(frozen=True, slots=True)
class Discriminant:
    """``mean``: (d,) of the normals. ``direction``: (d,), the weighted mean of the types' discriminants."""

    mean: Doubles
    direction: Doubles

    def score(self, features: Features) -> Floats:
        """(n,) deviations from the mean of the normals towards the known anomalies."""
        scores: Floats = ((features.embedding - self.mean) @ self.direction).astype(np.float32)
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores."""
        return {"mean": self.mean, "direction": self.direction}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        return cls(**arrays)
