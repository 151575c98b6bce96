"""One score of several scorers, each judged by what it says of the normals that look most like the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Features, Floats
from inspector.scorers import EVIDENCE, SCORERS, FittedScorer, ScorerSettings
from inspector.scorers.normals import Doubles
from inspector.scorers.patches import Patches
from inspector.settings import Settings

PEERS: Final = 0.2
"""Share of the reference normals that a picture is compared with, unless told otherwise."""

FEWEST_NEIGHBOURS: Final = 10

OVERALL_SHARE: Final = 0.34
"""Of a score's spread: what comes from all normals, the rest from the neighbours, of which few may agree by chance."""

ROUNDING: Final = 1e-5
"""Neighbours that are no more similar than this beyond all others say no more than all references together."""

ONSET: Final = 3.0
"""Evidence below so many spreads says nothing, unless told otherwise: normals scatter so far.

The less it says of normals, the less it can take from types of defect that nobody knows: with an onset of 1 their AUROC
fell by up to 0.013 on public sets, with 3 by 0.002.
"""

LEAST_SPREAD: Final = 1e-6

OF_PATCHES: Final = frozenset({"patches", "known_patches"})
"""The kinds that look at patches, whatever they are told."""

View = Literal["embedding", "pooled"]


class PartSettings(Settings):
    """One scorer that goes into the score."""

    of: View = "embedding"
    """What it is measured in: the learned ``embedding`` or the backbone's own ``pooled`` features."""
    distance: ScorerSettings
    """The kind of distance from normal, or of evidence for a known anomaly."""

    @property
    def is_evidence(self) -> bool:
        """Fitted on anomalies too."""
        return self.distance.kind in EVIDENCE

    @property
    def is_of_embedding(self) -> bool:
        """Measured in what metric learning made."""
        return self.of == "embedding" and self.distance.kind not in OF_PATCHES


class PartRecord(Settings):
    """What a bundle's manifest says of a part; its numbers lie in the scorer's arrays."""

    kind: str
    of: View


@dataclass(frozen=True, slots=True)
class Part:
    """One scorer, and the (r,) scores that the reference normals had while they were left out of its fit.

    ``floor``: least spread, in the scorer's own unit.
    """

    record: PartRecord
    scorer: FittedScorer
    references: Floats
    floor: float = 0.0

    def score(self, features: Features) -> Floats:
        """(n,) scores in the scorer's own unit."""
        return self.scorer.score(viewed(features, self.record.of))


@dataclass(frozen=True, slots=True)
class Fusion:
    """Deviations of its parts from the normals that look alike, summed.

    A part's score is brought to a deviation by the mean and the spread that this part has on the nearest of the
    reference normals, by their pooled features: a grainy picture is compared with grainy ones, a smooth one with smooth
    ones. Distances from normal count whatever they say. Evidence for a known anomaly counts only from ``onset`` up, and
    ``gain`` times: it can raise an alarm, but never talk a picture out of one.

    ``references``: (r, p) rows of length 1, pooled features of normals. ``heat``: the mean and the spread of the memory
    bank's distances on places of normals. ``peers``: the share of the references that a picture is compared with.
    ``onset``: in spreads.
    """

    parts: tuple[Part, ...]
    references: Floats | Doubles
    gain: float = 1.0
    heat: tuple[float, float] = (0.0, 1.0)
    peers: float = PEERS
    onset: float = ONSET

    def score(self, features: Features) -> Floats:
        """(n,) float32, larger is more abnormal; NaN where any of the features is not a number or not finite."""
        scores = self.fuse(np.stack([part.score(features) for part in self.parts], axis=1), _pooled(features))
        scores[~_finite(features)] = np.nan
        return scores

    def fuse(self, scores: Floats, pooled: Floats) -> Floats:
        """(n,) from the (n, parts) scores of the parts and the (n, p) pooled features of the same pictures."""
        near = neighbourhood(pooled, self.references, self.peers)
        references = np.stack([part.references for part in self.parts], axis=1)
        deviating = deviations(scores, references, [part.floor for part in self.parts], *near)
        return fused(deviating, [part.record.kind in EVIDENCE for part in self.parts], self.gain, self.onset)

    def heat_map(self, features: Features) -> Floats | None:
        """(n, rows, columns) in spreads of normal places, 0 is the average one; None without a memory bank."""
        for part in self.parts:
            if isinstance(part.scorer, Patches):
                mean, spread = self.heat
                grids: Floats = (part.scorer.map(features) - np.float32(mean)) / np.float32(spread)
                return grids
        return None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores: each part's arrays and reference scores under its number."""
        stored: dict[str, NDArray[Any]] = {
            "references": self.references,
            "gain": np.array(self.gain),
            "heat": np.array(self.heat),
            "peers": np.array(self.peers),
            "onset": np.array(self.onset),
        }
        for number, part in enumerate(self.parts):
            stored |= {f"{number}.{name}": array for name, array in part.scorer.arrays().items()}
            stored |= {f"{number}.references": part.references, f"{number}.spread_floor": np.array(part.floor)}
        return stored

    @classmethod
    def from_arrays(cls, records: tuple[PartRecord, ...], arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``, given the parts' records. Raises KeyError where the two do not fit."""
        parts = []
        for number, record in enumerate(records):
            prefix = f"{number}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            references, floor = own.pop("references"), float(own.pop("spread_floor"))
            parts.append(Part(record, SCORERS[record.kind].from_arrays(own), references, floor))
        mean, spread = arrays["heat"]
        gain, peers, onset = (float(arrays[name]) for name in ("gain", "peers", "onset"))
        # Every picture is compared in double precision: widened once here, not once a frame.
        references = arrays["references"].astype(np.float64)
        return cls(tuple(parts), references, gain, (float(mean), float(spread)), peers, onset)


def neighbourhood(
    pooled: Floats, references: Floats | Doubles, peers: float = PEERS, itself: NDArray[np.intp] | None = None
) -> tuple[Floats, NDArray[np.intp]]:
    """Weights, (n, k), of the k nearest of (r, p) references for each of (n, p) pictures, and their rows, (n, k).

    The weight is what a neighbour's cosine similarity exceeds that of the first one left out by, so that a neighbour
    comes and goes with weight 0 and rounding never makes the score jump. The weights of a picture sum to less than 1,
    the less the more alike the neighbours are to all others; the rest belongs to all references. ``peers``: the share
    of the references that are neighbours; with 1 nobody is nearer than others, and all weights are 0. ``itself``: the
    row of each picture among the references, which is then none of its neighbours.
    """
    if peers >= 1:
        return np.zeros((len(pooled), 1), np.float32), np.zeros((len(pooled), 1), np.intp)
    similarity = pooled.astype(np.float64) @ references.T.astype(np.float64, copy=False)
    # A picture that is not a number has no neighbours; its score is not a number, whichever these are.
    similarity = np.nan_to_num(similarity, nan=0.0, posinf=1.0, neginf=-1.0)
    if itself is not None:
        similarity[np.arange(len(pooled)), itself] = -np.inf
    candidates = len(references) - (itself is not None)
    k = min(max(FEWEST_NEIGHBOURS, round(peers * candidates)), candidates - 1)
    near = np.argpartition(-similarity, k, axis=1)[:, : k + 1]
    values = np.take_along_axis(similarity, near, axis=1)
    order = np.argsort(-values, axis=1)
    near, values = np.take_along_axis(near, order, axis=1), np.take_along_axis(values, order, axis=1)
    excess = values[:, :k] - values[:, k:]
    weights = (excess / (excess.sum(axis=1, keepdims=True) + k * ROUNDING)).astype(np.float32)
    return weights, near[:, :k]


def deviations(
    scores: Floats, references: Floats, floors: Sequence[float], weights: Floats, near: NDArray[np.intp]
) -> Floats:
    """(n, parts) scores in spreads, at least a part's floor, from what the nearest of (r, parts) references score.

    ``weights`` and ``near`` as ``neighbourhood`` has them.
    """
    references = references.astype(np.float64)
    own, weighted = references[near], weights[:, None].astype(np.float64)
    rest = 1 - weighted.sum(axis=2)
    overall, scatter = references.mean(axis=0), references.std(axis=0)
    mean = (weighted @ own)[:, 0] + rest * overall
    variance = (weighted @ (own - mean[:, None]) ** 2)[:, 0] + rest * (scatter**2 + (overall - mean) ** 2)
    spread = OVERALL_SHARE * scatter + (1 - OVERALL_SHARE) * np.sqrt(variance)
    deviating: Floats = ((scores - mean) / np.maximum(spread, np.maximum(floors, LEAST_SPREAD))).astype(np.float32)
    return deviating


def fused(deviations: Floats, evidence: list[bool], gain: float, onset: float = ONSET) -> Floats:
    """(n,) from (n, parts) deviations; ``evidence`` says which parts are, and counts from ``onset`` up."""
    speaks = np.array(evidence)
    suspicion = np.maximum(deviations[:, speaks] - np.float32(onset), 0).sum(axis=1)
    scores: Floats = (deviations[:, ~speaks].sum(axis=1) + np.float32(gain) * suspicion).astype(np.float32)
    return scores


def _finite(features: Features) -> NDArray[np.bool_]:
    """(n,), also of features that no part looks at: a network that gives NaN anywhere is not to be believed."""
    finite: NDArray[np.bool_] = np.ones(len(features), dtype=np.bool_)
    for vectors in (features.embedding, features.pooled, features.patches):
        if vectors is not None:
            finite &= np.isfinite(vectors).all(axis=tuple(range(1, vectors.ndim)))
    return finite


def viewed(features: Features, of: View) -> Features:
    """The features with what is to be measured in the place of the embedding."""
    return features if of == "embedding" else replace(features, embedding=_pooled(features))


def _pooled(features: Features) -> Floats:
    if features.pooled is None:
        raise ValueError("these features are without pooled features")
    return features.pooled
