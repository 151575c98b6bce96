"""What each scorer says of pictures that were left out of its fit: the scale of the score, and the gate's evidence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from inspector.fusion import ONSET, PEERS, PartSettings, viewed
from inspector.inspection import Features, Floats
from inspector.naming import TypeNamer
from inspector.scorers import FittedScorer
from inspector.scorers.normals import Doubles
from training.features import Seen
from training.parts import Distances, fit_part, none_of

FOLDS: Final = 4
"""Each leaves out a fourth of the normals, and of the pictures of each anomaly type."""

ROUNDING_SHARE: Final = 3e-4
"""A part's spread is so large that rounding moves the part by no more than this: metric learning can draw the normals
so near together that a distance among them is mostly rounding."""

MADE_UP: Final = -1
"""The type of a made-up defect."""

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fold:
    """What one fit leaves out: rows of the normals, rows of each anomaly type, and perhaps a type as a whole."""

    number: int
    normals: Rows
    anomalies: tuple[Rows, ...]
    whole_type: int | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that the folds are cut from.

    ``weights`` of the anomaly types, one each. ``made_up``: made-up defects, on the normals of the rows ``made_on``.
    ``head``: gives the head that was learned without what a fold leaves out. ``peers`` and ``onset`` are those of
    ``Fusion``.
    """

    normals: Seen
    anomalies: Sequence[Seen]
    weights: Sequence[float]
    made_up: Seen
    made_on: Rows
    head: Callable[[Fold], nn.Module]
    peers: float = PEERS
    onset: float = ONSET


@dataclass(frozen=True, slots=True)
class Left:
    """Anomaly pictures that a fit did not see: (m, parts) raw scores, (m, p) pooled features and (m,) types.

    ``similarities``: (m, t) to the types that it knew, -inf for others.
    """

    scores: Floats
    pooled: Floats
    types: Rows
    similarities: Doubles


@dataclass(frozen=True, slots=True)
class Trial:
    """What one fit says: (r, parts) scores of the left-out ``rows`` of normals, and of left-out anomalies.

    These are pictures of types that it knew, and pictures of a type that it did not know or made-up defects.
    """

    rows: Rows
    normals: Floats
    known: Left
    unknown: Left


@dataclass(frozen=True, slots=True)
class LeftOut:
    """``references``: (n, parts) scores of all normals by the fit that left each out, their ``pooled`` features beside.

    ``heat``: mean and spread of the memory bank's distances on places of left-out normals. ``floors``: how far each
    part must at least be taken to spread, since rounding moves it.
    """

    trials: tuple[Trial, ...]
    references: Floats
    pooled: Floats
    floors: tuple[float, ...]
    heat: tuple[float, float]
    peers: float = PEERS
    onset: float = ONSET


def leave_out(
    parts: Sequence[PartSettings], material: Material, distances: Distances, progress: Callable[[int], None]
) -> LeftOut:
    """Fit without each fold in turn, and score what it left out. ``progress`` is told of each fit."""
    trials, floors = [], tuple[float, ...]()
    references = np.empty((len(material.normals), len(parts)), np.float32)
    for fold in plan(len(material.normals), [len(own) for own in material.anomalies]):
        fit = _Fit(parts, material, fold, distances)
        trials.append(fit.trial())
        floors = floors or _floors(fit)
        if fold.whole_type is None:
            references[fold.normals] = trials[-1].normals
        progress(1)
    pooled = viewed(material.normals.through(nn.Identity()), "pooled").embedding
    return LeftOut(tuple(trials), references, pooled, floors, distances.heat(), material.peers, material.onset)


def plan(normals: int, anomalies: Sequence[int]) -> Iterator[Fold]:
    """First the folds that leave out some of everything, then, with several types, those without each type."""
    rng = np.random.default_rng(0)
    order = rng.permutation(normals)
    shuffled = [rng.permutation(count) for count in anomalies]
    places = np.cumsum([0, *anomalies])
    for number in range(FOLDS):
        # One after the other over all types, so that ten types with a picture each do not all fall into one fold.
        left = tuple(
            own[(np.arange(len(own)) + place) % FOLDS == number] for own, place in zip(shuffled, places, strict=False)
        )
        yield Fold(number, np.sort(order[number::FOLDS]), left)
    for whole in range(len(anomalies) if len(anomalies) > 1 else 0):
        number = whole % FOLDS
        nothing = tuple(own[:0] for own in shuffled)
        yield Fold(number, np.sort(order[number::FOLDS]), nothing, whole)


def fits_in(anomalies: Sequence[int]) -> int:
    """How many fits ``leave_out`` makes."""
    return FOLDS + (len(anomalies) if len(anomalies) > 1 else 0)


def fit_namer(normals: Features, anomalies: Sequence[Features]) -> TypeNamer | None:
    """What tells the anomaly types apart; None without any."""
    if not anomalies:
        return None
    return TypeNamer.fit(viewed(normals, "pooled"), [viewed(own, "pooled") for own in anomalies])


class _Fit:
    """All parts, and the namer, fitted without what a fold leaves out."""

    def __init__(self, parts: Sequence[PartSettings], material: Material, fold: Fold, distances: Distances) -> None:
        self._parts, self._material, self._fold = parts, material, fold
        self._head = material.head(fold)
        normals = self._see(material.normals.take(_rest(material.normals, fold.normals)))
        self.left = self._see(material.normals.take(fold.normals))
        fitted_on = {
            number: own.take(_rest(own, rows))
            for number, (own, rows) in enumerate(zip(material.anomalies, fold.anomalies, strict=True))
            if number != fold.whole_type and len(rows) < len(own)
        }
        self._types = list(fitted_on)
        types = [self._see(own) for own in fitted_on.values()]
        weights = [material.weights[number] for number in self._types]
        self._scorers: list[FittedScorer | None] = []
        self._of_left: list[Floats] = []
        for part in parts:
            scorer, of_left = self._fit(part, distances, normals, types, weights)
            self._scorers.append(scorer)
            self._of_left.append(of_left)
        self._namer = fit_namer(normals, types)

    def _fit(
        self,
        part: PartSettings,
        distances: Distances,
        normals: Features,
        types: Sequence[Features],
        weights: Sequence[float],
    ) -> tuple[FittedScorer | None, Floats]:
        """The part and what it says of the left-out normals; evidence that has nothing to be fitted on says 0."""
        if not part.is_evidence:
            return distances.fitted(part, self._fold.number, normals, self.left)
        if not types:
            return None, np.zeros(len(self.left), np.float32)
        scorer = fit_part(part, normals, types, weights)
        return scorer, scorer.score(viewed(self.left, part.of))

    def trial(self) -> Trial:
        """What the fit says of all that it did not see."""
        fold, anomalies = self._fold, self._material.anomalies
        if fold.whole_type is None:
            known = [(number, anomalies[number].take(rows)) for number, rows in enumerate(fold.anomalies)]
            made_here = np.flatnonzero(np.isin(self._material.made_on, fold.normals))
            unknown = [(MADE_UP, self._material.made_up.take(made_here))]
        else:
            known, unknown = [], [(fold.whole_type, anomalies[fold.whole_type])]
        return Trial(fold.normals, np.stack(self._of_left, axis=1), self._left_out(known), self._left_out(unknown))

    def scores(self, features: Features) -> Floats:
        """(n, parts); evidence that had nothing to be fitted on says 0."""
        columns = [
            np.zeros(len(features), np.float32) if scorer is None else scorer.score(viewed(features, part.of))
            for part, scorer in zip(self._parts, self._scorers, strict=True)
        ]
        return np.stack(columns, axis=1)

    def _see(self, seen: Seen) -> Features:
        return seen.through(self._head)

    def _left_out(self, pictures: Sequence[tuple[int, Seen]]) -> Left:
        seen = [(number, self._see(own)) for number, own in pictures]
        types = np.repeat([number for number, _ in seen], [len(own) for _, own in seen]).astype(np.intp)
        pooled = np.concatenate(
            [viewed(own, "pooled").embedding for own in (none_of(self.left), *(own for _, own in seen))]
        )
        similarities = np.full((len(types), len(self._material.anomalies)), -np.inf)
        if self._namer and len(types):
            similarities[:, self._types] = self._namer.similarities(pooled)
        scores = np.concatenate([np.zeros((0, len(self._parts)), np.float32), *(self.scores(own) for _, own in seen)])
        return Left(scores, pooled, types, similarities)


def _rest(seen: Seen, rows: Rows) -> Rows:
    return np.setdiff1d(np.arange(len(seen)), rows)


def _floors(fit: _Fit) -> tuple[float, ...]:
    """By how much rounding moves each part, over the share of its spread that it may be moved by."""
    moved = np.abs(fit.scores(_rounded_otherwise(fit.left)) - fit.scores(fit.left)).max(axis=0)
    return tuple(float(each) / ROUNDING_SHARE for each in moved)


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
        pooled=None if features.pooled is None else nudged(features.pooled),
        patches=None if features.patches is None else nudged(features.patches),
    )
