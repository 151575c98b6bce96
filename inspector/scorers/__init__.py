"""The visible list of distances. To add one: one file, one name in each list, one example in the contract tests."""

from typing import Annotated, Final

from pydantic import Field

from inspector.scorers.cosine import Cosine, CosineSettings
from inspector.scorers.discriminant import Discriminant, DiscriminantSettings
from inspector.scorers.euclidean import Euclidean, EuclideanSettings
from inspector.scorers.knn import Knn, KnnSettings
from inspector.scorers.known import Known, KnownSettings
from inspector.scorers.known_patches import KnownPatches, KnownPatchesSettings
from inspector.scorers.lof import Lof, LofSettings
from inspector.scorers.mahalanobis import Mahalanobis, MahalanobisSettings
from inspector.scorers.patches import Patches, PatchesSettings

DistanceSettings = (
    EuclideanSettings | MahalanobisSettings | KnnSettings | LofSettings | CosineSettings | PatchesSettings
)
"""Distances from the normals alone."""

EvidenceSettings = DiscriminantSettings | KnownSettings | KnownPatchesSettings
"""What speaks for a known anomaly: fitted on anomalies too."""

ScorerSettings = Annotated[DistanceSettings | EvidenceSettings, Field(discriminator="kind")]

FittedScorer = Euclidean | Mahalanobis | Knn | Lof | Cosine | Patches | Discriminant | Known | KnownPatches

SCORERS: Final[dict[str, type[FittedScorer]]] = {
    "euclidean": Euclidean,
    "mahalanobis": Mahalanobis,
    "knn": Knn,
    "lof": Lof,
    "cosine": Cosine,
    "patches": Patches,
    "discriminant": Discriminant,
    "known": Known,
    "known_patches": KnownPatches,
}
"""The class that reads each kind's arrays back from a bundle."""

EVIDENCE: Final = frozenset({"discriminant", "known", "known_patches"})
"""The kinds that are fitted on anomalies too."""
