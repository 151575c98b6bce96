"""Held-out normals as the daemon would have seen them: what a line is compared with later, to tell that it drifts.

Never those that the scorers were fitted to: whatever a scorer has seen, it finds too normal.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Features, Floats
from inspector.settings import Settings

ARRAYS: Final = ("score", "brightness", "sharpness", "mean", "spread", "camera")
"""The names of the arrays of ``Normals``, besides the shares."""


class Spread(Settings):
    """One number of each of the normals: its quantiles."""

    lowest: float
    percent_1: float
    percent_5: float
    median: float
    percent_95: float
    percent_99: float
    highest: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Of the (n,) numbers."""
        quantiles = np.quantile(values, (0, 0.01, 0.05, 0.5, 0.95, 0.99, 1)).tolist()
        return cls(**dict(zip(cls.model_fields, quantiles, strict=True)))


class NormalsRecord(Settings):
    """What the manifest says of the held-out normals; all their numbers lie in the scorer's arrays."""

    pictures: int
    """How many held-out normals there are."""
    picture_size: tuple[int, int] | None
    """Height and width in pixels of every normal picture as it was taken; None where they differ."""
    score: Spread
    brightness: Spread
    """Mean grey, 0 to 255, at the model's input size."""
    sharpness: Spread
    """Variance of the Laplacian of grey, at the model's input size."""


@dataclass(frozen=True, slots=True)
class Normals:
    """The numbers of n held-out normals.

    ``score``, ``brightness`` and ``sharpness``: (n,), one a picture. ``mean`` and ``spread``: (d,), of the feature
    vectors that are ``compared``. ``camera``: (changes, d), where that mean goes, in spreads, when the camera changes:
    exposure, focus, mount, dust. ``shares``: the sums of the squares and of the cubes of the shares that the
    principal directions have in the variance of these vectors, each dimension divided by its spread. They say how much
    the mean of several pictures scatters: 1 and 1 where all dimensions move together, near 0 where each goes its way.
    """

    picture_size: tuple[int, int] | None
    score: Floats
    brightness: Floats
    sharpness: Floats
    mean: Floats
    spread: Floats
    camera: Floats
    shares: tuple[float, float]

    @property
    def record(self) -> NormalsRecord:
        """For the manifest."""
        return NormalsRecord(
            pictures=len(self.score),
            picture_size=self.picture_size,
            score=Spread.of(self.score),
            brightness=Spread.of(self.brightness),
            sharpness=Spread.of(self.sharpness),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores besides the record."""
        arrays = {name: getattr(self, name) for name in ARRAYS}
        return arrays | {"shares": np.array(self.shares)}

    @classmethod
    def from_arrays(cls, record: NormalsRecord, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse. Raises KeyError, TypeError or ValueError where the two do not fit."""
        squares, cubes = arrays["shares"].tolist()
        own = {name: arrays[name] for name in ARRAYS}
        normals = cls(picture_size=record.picture_size, shares=(squares, cubes), **own)
        if {len(normals.score), len(normals.brightness), len(normals.sharpness)} != {record.pictures}:
            raise ValueError(f"there are numbers of {len(normals.score)} normals, the record has {record.pictures}")
        if not normals.mean.shape == normals.spread.shape == normals.camera.shape[1:]:
            raise ValueError("mean, spread and camera changes of the normals' features do not fit")
        return normals


def compared(features: Features) -> Floats:
    """(n, d): the vectors whose mean is watched.

    The backbone's own where there are any: what metric learning made of them was taught not to mind how bright or how
    turned a picture is.
    """
    return features.embedding if features.pooled is None else features.pooled
