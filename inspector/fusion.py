"""One score of one or several distances, each brought to the scale on which normal pictures scatter by 1."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers import SCORERS, FittedScorer, ScorerSettings

LEFT_OUT: Final = 0.25
"""Share of the normals that the parts are not fitted on while their scales are measured."""

FEWEST: Final = 8
"""Normal pictures, at least two of which then measure the scales."""


@dataclass(frozen=True, slots=True)
class Part:
    """One distance with its scale: normals that it was not fitted on lie ``spread`` about ``centre``."""

    kind: str
    scorer: FittedScorer
    centre: float = 0.0
    spread: float = 1.0

    def score(self, features: Features) -> Floats:
        """(n,) deviations from the centre, in spreads."""
        scores: Floats = (self.scorer.score(features) - self.centre) / self.spread
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
    def from_arrays(cls, kinds: tuple[str, ...], arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``; ``kinds`` are the parts' kinds in their order. Raises KeyError for an unknown one."""
        parts = []
        for number, kind in enumerate(kinds):
            prefix = f"{number}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            centre, spread = own.pop("scale")
            parts.append(Part(kind, SCORERS[kind].from_arrays(own), float(centre), float(spread)))
        return cls(tuple(parts))


def fit_fusion(settings: tuple[ScorerSettings, ...], normals: Features) -> Fusion:
    """Fit every distance on the normals, and the scales of several on normals that they were not fitted on.

    Raises DataError when there are too few normals.
    """
    fitted = [scorer.fit(normals) for scorer in settings]
    if len(settings) == 1:
        return Fusion((Part(settings[0].kind, fitted[0]),))
    if len(normals) < FEWEST:
        raise DataError(f"Fusing {len(settings)} distances needs at least {FEWEST} normal pictures, got {len(normals)}")
    apart = _left_out(len(normals))
    seen, unseen = _take(normals, ~apart), _take(normals, apart)
    scores = [scorer.fit(seen).score(unseen) for scorer in settings]
    return Fusion(
        tuple(
            Part(each.kind, scorer, float(np.median(own)), float(max(own.std(), 1e-6)))
            for each, scorer, own in zip(settings, fitted, scores, strict=True)
        )
    )


def _left_out(n: int) -> NDArray[np.bool_]:
    """Every fourth of the n normals."""
    return np.arange(n) % round(1 / LEFT_OUT) == 0


def _take(features: Features, chosen: NDArray[np.bool_]) -> Features:
    return Features(
        embedding=features.embedding[chosen],
        patches=None if features.patches is None else features.patches[chosen],
    )
