"""Which known kind of anomaly a picture looks like, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Features, Floats
from inspector.scorers.covariance import Precision
from inspector.scorers.normals import Doubles, usable

UNKNOWN: Final = "unknown"
"""The name of what looks like no known kind."""


@dataclass(frozen=True, slots=True)
class TypeNamer:
    """Softmax over the known types and ``UNKNOWN``, of cosine similarities in the space in which normals scatter by 1.

    ``mean``: (p,) of the normals' pooled features. ``precision``: their inverse covariance. ``directions``: (t, p)
    from normal to each type. ``temperature`` divides all logits, and ``unknown`` is the similarity at which a known
    type is as likely as none: both are fitted on pictures that the directions were not (Guo et al., "On Calibration of
    Modern Neural Networks", 2017, section 4.2).
    """

    mean: Doubles
    precision: Precision
    directions: Doubles
    temperature: float = 0.1
    unknown: float = 0.2

    @classmethod
    def fit(cls, normals: Features, anomalies: Sequence[Features]) -> Self:
        """From the embeddings of normals and of each anomaly type, at least one. Raises DataError."""
        normal = usable(normals)
        mean = normal.mean(axis=0)
        precision = Precision.of(normal - mean)
        directions = [precision.discriminant(each.embedding.mean(axis=0) - mean) for each in anomalies]
        return cls(mean, precision, np.stack(directions))

    def similarities(self, pooled: Floats) -> Doubles:
        """(n, t) from -1 to 1, of (n, p) pictures to each type."""
        centred = pooled - self.mean
        lengths = np.sqrt(self.precision.squared(centred))
        similar: Doubles = centred @ self.directions.T / np.maximum(lengths, 1e-12)[:, None]
        return similar

    def probabilities(self, similarities: Doubles) -> Doubles:
        """(n, t + 1), the last one for ``UNKNOWN``."""
        logits = np.c_[similarities, np.full(len(similarities), self.unknown)] / self.temperature
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        likely: Doubles = shifted / shifted.sum(axis=1, keepdims=True)
        return likely

    def calibrated(self, temperature: float, unknown: float) -> "TypeNamer":
        """The same with fitted confidence."""
        return replace(self, temperature=temperature, unknown=unknown)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores."""
        return {
            "mean": self.mean,
            "floor": np.array(self.precision.floor),
            "excess": self.precision.excess,
            "directions": self.directions,
            "confidence": np.array([self.temperature, self.unknown]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        temperature, unknown = arrays["confidence"]
        precision = Precision(float(arrays["floor"]), arrays["excess"])
        return cls(arrays["mean"], precision, arrays["directions"], float(temperature), float(unknown))
