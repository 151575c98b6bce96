"""One score of one or several distances, each brought to the scale on which normal pictures scatter by 1."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers import SCORERS, FittedScorer, ScorerSettings
from inspector.scorers.known import KnownSettings
from inspector.settings import Settings

STRIDE: Final = 4
"""Every so many-th normal is left out of the fit while the scales are measured on it."""

FEWEST: Final = 2 * STRIDE
"""Normal pictures, at least two of which then measure the scales."""

ROUNDING_SHARE: Final = 3e-4
"""A part's spread is so large that rounding moves the part by no more than this: metric learning can draw the normals
so near together that a distance among them is mostly rounding."""

View = Literal["embedding", "pooled"]


class PartSettings(Settings):
    """One distance that goes into the score."""

    of: View = "embedding"
    """What the distance is measured in: the learned ``embedding`` or the backbone's own ``pooled`` features."""
    distance: ScorerSettings
    """The kind of distance."""


class PartRecord(Settings):
    """What a bundle's manifest says of a part; its numbers lie in the scorer's arrays."""

    kind: str
    of: View


@dataclass(frozen=True, slots=True)
class Part:
    """One distance with its scale: normals that it was not fitted on lie ``spread`` about ``centre``."""

    record: PartRecord
    scorer: FittedScorer
    centre: float = 0.0
    spread: float = 1.0

    def score(self, features: Features) -> Floats:
        """(n,) deviations from the centre, in spreads."""
        scores: Floats = (self.scorer.score(_view(features, self.record.of)) - self.centre) / self.spread
        return scores


@dataclass(frozen=True, slots=True)
class Fusion:
    """The sum of its parts. A single part keeps its own unit: its score is its distance."""

    parts: tuple[Part, ...]

    def score(self, features: Features) -> Floats:
        """(n,) float32, larger is more abnormal."""
        scores: Floats = np.sum([part.score(features) for part in self.parts], axis=0, dtype=np.float32)
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores: each part's arrays and scale under its number."""
        stored: dict[str, NDArray[Any]] = {}
        for number, part in enumerate(self.parts):
            stored |= {f"{number}.{name}": array for name, array in part.scorer.arrays().items()}
            stored[f"{number}.scale"] = np.array([part.centre, part.spread])
        return stored

    @classmethod
    def from_arrays(cls, records: tuple[PartRecord, ...], arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``, given the parts' records. Raises KeyError where the two do not fit."""
        parts = []
        for number, record in enumerate(records):
            prefix = f"{number}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            centre, spread = own.pop("scale")
            parts.append(Part(record, SCORERS[record.kind].from_arrays(own), float(centre), float(spread)))
        return cls(tuple(parts))


def fit_fusion(settings: tuple[PartSettings, ...], normals: Features, anomalies: Sequence[Features] = ()) -> Fusion:
    """Fit every distance on the normals, and the scales of several on normals that they were not fitted on.

    ``anomalies`` are the features of each anomaly type; without any, the distance to known ones is left out. Raises
    DataError when there are too few normals, or no distance is left.
    """
    parts = [part for part in settings if anomalies or part.distance.kind != "known"]
    if not parts:
        raise DataError("scorers: there are no anomaly pictures, and no other distance than 'known': add one")
    if len(parts) > 1 and len(normals) < FEWEST:
        raise DataError(f"Fusing {len(parts)} distances needs at least {FEWEST} normal pictures, got {len(normals)}")
    return Fusion(tuple(_fit_part(part, normals, anomalies, scaled=len(parts) > 1) for part in parts))


def _fit_part(settings: PartSettings, normals: Features, anomalies: Sequence[Features], *, scaled: bool) -> Part:
    normals = _view(normals, settings.of)
    types = [_view(each, settings.of).embedding for each in anomalies]

    def fit(seen: Features) -> FittedScorer:
        distance = settings.distance
        return distance.fit(seen, types) if isinstance(distance, KnownSettings) else distance.fit(seen)

    record = PartRecord(kind=settings.distance.kind, of=settings.of)
    scorer = fit(normals)
    if not scaled:
        return Part(record, scorer)
    apart = np.arange(len(normals)) % STRIDE == 0
    trial, unseen = fit(_take(normals, ~apart)), _take(normals, apart)
    scores = trial.score(unseen)
    moved = float(np.abs(trial.score(_rounded_otherwise(unseen)) - scores).max())
    return Part(record, scorer, float(np.median(scores)), max(float(scores.std()), moved / ROUNDING_SHARE, 1e-6))


def _rounded_otherwise(features: Features) -> Features:
    """The features as another machine might compute them, off by a millionth of their length."""
    rng = np.random.default_rng(0)

    def nudged(vectors: Floats) -> Floats:
        noise = rng.standard_normal(vectors.shape, dtype=np.float32)
        shares = np.linalg.norm(vectors, axis=-1, keepdims=True) / np.linalg.norm(noise, axis=-1, keepdims=True)
        moved: Floats = vectors + np.float32(1e-6) * shares * noise
        return moved

    return Features(
        embedding=nudged(features.embedding),
        patches=None if features.patches is None else nudged(features.patches),
    )


def _view(features: Features, of: View) -> Features:
    """The features with what is to be measured in the place of the embedding."""
    if of == "embedding":
        return features
    if features.pooled is None:
        raise ValueError("these features are without pooled features")
    return replace(features, embedding=features.pooled)


def _take(features: Features, chosen: NDArray[np.bool_]) -> Features:
    return Features(
        embedding=features.embedding[chosen],
        pooled=None if features.pooled is None else features.pooled[chosen],
        patches=None if features.patches is None else features.patches[chosen],
    )
