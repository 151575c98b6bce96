"""The visible list of distances. To add one: one file, one name in each list, one example in the contract tests."""

from typing import Annotated, Final

from pydantic import Field

from inspector.scorers.cosine import Cosine, CosineSettings
from inspector.scorers.euclidean import Euclidean, EuclideanSettings
from inspector.scorers.knn import Knn, KnnSettings
from inspector.scorers.known import Known, KnownSettings
from inspector.scorers.lof import Lof, LofSettings
from inspector.scorers.mahalanobis import Mahalanobis, MahalanobisSettings
from inspector.scorers.patches import Patches, PatchesSettings

ScorerSettings = Annotated[
    EuclideanSettings
    | MahalanobisSettings
    | KnnSettings
    | LofSettings
    | CosineSettings
    | PatchesSettings
    | KnownSettings,
    Field(discriminator="kind"),
]
FittedScorer = Euclidean | Mahalanobis | Knn | Lof | Cosine | Patches | Known

SCORERS: Final[dict[str, type[FittedScorer]]] = {
    "euclidean": Euclidean,
    "mahalanobis": Mahalanobis,
    "knn": Knn,
    "lof": Lof,
    "cosine": Cosine,
    "patches": Patches,
    "known": Known,
}
"""The class that reads each kind's arrays back from a bundle."""
