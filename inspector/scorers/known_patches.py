"""How much the places of a picture look like the most novel places of known anomalies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers.covariance import Precision
from inspector.scorers.normals import Doubles
from inspector.scorers.places import drawn, mean_of_worst
from inspector.settings import Settings

SEED: Final = 0

SHRINKAGE: Final = 0.1
"""Neighbouring patches share most of what they see, so that their number would promise too much to Ledoit and Wolf."""


class KnownPatchesSettings(Settings):
    """``kind: known_patches``: linear discriminant analysis of patches; left out where there are no anomalies.

    Nobody outlines the defects. Of each anomaly picture those patches count as defect that lie farthest, in the
    normals' own covariance, from the mean normal patch: multiple-instance learning with the top instances, as in Pang
    et al., "Explainable Deep Few-shot Anomaly Detection with Deviation Networks" (2021), section 3.3.
    """

    kind: Literal["known_patches"] = "known_patches"
    novel_share: float = Field(default=0.05, gt=0, le=1)
    """Share of an anomaly picture's patches that count as defect."""
    candidates: int = Field(default=20_000, gt=1)
    """Most normal patches that the covariance is taken from, drawn at random."""
    worst_share: float = Field(default=0.05, gt=0, le=1)
    """Share of a picture's patches, the most suspicious ones, whose mean is the picture's score."""

    def fit(self, normals: Features, anomalies: Sequence[Features], weights: Sequence[float]) -> "KnownPatches":
        """From the (n, rows, columns, c) patches of normals and of each anomaly type, and the types' weights.

        Raises DataError when there are no normal patches or no anomaly type, and for NaN or infinity.
        """
        normal = drawn(_patches(normals), self.candidates, np.random.default_rng(SEED)).astype(np.float64)
        if len(normal) < 2 or not anomalies:
            raise DataError("Known patches need normal pictures and at least one anomaly type: got none: add pictures")
        if not all(np.isfinite(_patches(each)).all() for each in (normals, *anomalies)):
            raise DataError("The patches of some pictures hold NaN or infinity: the backbone's weights are damaged")
        mean = normal.mean(axis=0)
        precision = Precision.of(normal - mean, SHRINKAGE)
        shifts = [self._most_novel(each, mean, precision) for each in anomalies]
        direction = np.average([precision.discriminant(shift) for shift in shifts], axis=0, weights=weights)
        return KnownPatches(
            direction=direction.astype(np.float32), offset=float(mean @ direction), worst_share=self.worst_share
        )

    def _most_novel(self, anomalies: Features, mean: Doubles, precision: Precision) -> Doubles:
        """The mean shift, (c,), of the patches that count as defect."""
        novel = []
        for picture in anomalies.patches if anomalies.patches is not None else ():
            shifts = picture.reshape(-1, picture.shape[-1]) - mean
            count = max(1, round(self.novel_share * len(shifts)))
            novel.append(shifts[np.argsort(-precision.squared(shifts))[:count]])
        shift: Doubles = np.concatenate(novel).mean(axis=0)
        return shift


def _patches(features: Features) -> Floats:
    if features.patches is None or not len(features):
        raise DataError("Known patches need pictures with their patches, got none: add normal pictures")
    return features.patches.reshape(-1, features.patches.shape[-1])


@dataclass(frozen=True, slots=True)
class KnownPatches:
    """``direction``: (c,) float32, from normal to known anomalous patches; ``offset``: where normal is along it."""

    direction: Floats
    offset: float
    worst_share: float

    def score(self, features: Features) -> Floats:
        """(n,) mean of each picture's most suspicious places."""
        return mean_of_worst(self.map(features), self.worst_share)

    def map(self, features: Features) -> Floats:
        """(n, rows, columns) deviation of each place towards the known anomalies."""
        if features.patches is None:
            raise ValueError("these features have no patches")
        grid: Floats = features.patches @ self.direction - np.float32(self.offset)
        return grid

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores."""
        return {
            "direction": self.direction,
            "offset": np.array(self.offset),
            "worst_share": np.array(self.worst_share),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        return cls(arrays["direction"], float(arrays["offset"]), float(arrays["worst_share"]))
