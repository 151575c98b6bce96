"""Fitting the parts of a score, and sharing those that no anomaly and no head changes."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from inspector.fusion import LEAST_SPREAD, PartSettings, viewed
from inspector.inspection import Features, Floats
from inspector.scorers import FittedScorer
from inspector.scorers.discriminant import DiscriminantSettings
from inspector.scorers.known import KnownSettings
from inspector.scorers.known_patches import KnownPatchesSettings
from inspector.scorers.patches import Patches

NOTHING_LEFT_OUT: Final = -1
"""The number of the fit of all normals."""


def fit_part(
    settings: PartSettings, normals: Features, anomalies: Sequence[Features], weights: Sequence[float]
) -> FittedScorer:
    """One scorer, on what it is measured in."""
    distance, seen = settings.distance, viewed(normals, settings.of)
    if isinstance(distance, KnownSettings | DiscriminantSettings | KnownPatchesSettings):
        return distance.fit(seen, [viewed(each, settings.of) for each in anomalies], weights)
    return distance.fit(seen)


class Distances:
    """Distances from normal, each fitted once for all fits that leave out the same normals, where no head changes it.

    Anomalies never change them: several fits of one set of normals may share them.
    """

    def __init__(self) -> None:
        self._fitted: dict[tuple[PartSettings, int], tuple[FittedScorer, Floats]] = {}
        self._places: dict[int, Floats] = {}

    def fitted(self, part: PartSettings, number: int, normals: Features, left: Features) -> tuple[FittedScorer, Floats]:
        """The part, a distance from normal, fitted without the normals of fold ``number``, and what it says of them."""
        key = (part, number)
        if key in self._fitted and not part.is_of_embedding:
            return self._fitted[key]
        scorer = fit_part(part, normals, (), ())
        if isinstance(scorer, Patches) and len(left):
            grids = scorer.map(left)
            self._places[number] = grids.ravel()
            self._fitted[key] = scorer, scorer.score_of_map(grids)
        else:
            self._fitted[key] = scorer, scorer.score(viewed(left, part.of))
        return self._fitted[key]

    def heat(self) -> tuple[float, float]:
        """Mean and spread of the memory bank's distances on places of left-out normals."""
        if not self._places:
            return 0.0, 1.0
        places = np.concatenate(list(self._places.values()))
        return float(places.mean()), max(float(places.std()), LEAST_SPREAD)


def none_of(features: Features) -> Features:
    """The features of no picture."""
    return Features(
        embedding=features.embedding[:0],
        pooled=viewed(features, "pooled").embedding[:0],
        patches=None if features.patches is None else features.patches[:0],
    )
