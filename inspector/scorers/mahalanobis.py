"""Mahalanobis distance to the mean of the normals, with a shrunk covariance."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from inspector.errors import DataError
from inspector.inspection import Features, Floats
from inspector.scorers.normals import Doubles, usable
from inspector.settings import Settings

ROUNDING: Final = 1e-7
"""Least variance in any direction: embeddings have length 1 and single precision, and where metric learning has drawn
the normals together to less than this, the distance would measure the rounding of one machine or another."""

LEAST_SPREAD: Final = 1e-10
"""Of the largest variance: below it are only rounding errors of embeddings in single precision.

It also keeps the difference that makes the score far above its own rounding error, so that no root is of a negative.
"""


class MahalanobisSettings(Settings):
    """``kind: mahalanobis``: measures each direction by how much the normals scatter in it."""

    kind: Literal["mahalanobis"] = "mahalanobis"
    shrinkage: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = "auto"
    """Share of the covariance that is replaced by the same mean variance in every direction, 0 to 1.

    ``auto`` is the share of Ledoit and Wolf (2004), for many pictures the best in squared error. At 1 the distance is
    Euclidean but for its unit; 0 needs more normals than the embedding has dimensions.
    """

    def fit(self, normals: Features) -> "Mahalanobis":
        """The distance from the mean of the (n, d) embeddings of normal pictures, n below d included.

        Raises DataError for fewer than two normals, NaN or infinity in them, or a covariance that has no inverse.
        """
        embedding = usable(normals)
        mean = embedding.mean(axis=0)
        centred = embedding - mean
        _, singular, directions = np.linalg.svd(centred, full_matrices=False)
        variances = singular**2 / len(embedding)
        share = ledoit_wolf(centred, variances) if self.shrinkage == "auto" else self.shrinkage
        shrunk = (1 - share) * variances + share * variances.sum() / embedding.shape[1]
        _check_spread(shrunk, len(normals), share)
        shrunk = np.maximum(shrunk, ROUNDING)
        # Of n <= d centred pictures one variance is 0: the last one shrunk is that of all directions that they lack.
        excess = 1 / shrunk[-1] - 1 / shrunk[:-1]
        return Mahalanobis(mean=mean, precision=1 / shrunk[-1], excess=np.sqrt(excess)[:, None] * directions[:-1])


def ledoit_wolf(centred: Doubles, variances: Doubles) -> float:
    """The shrinkage, 0 to 1, for (n, d) centred samples with these min(n, d) variances along their principal axes.

    Source: O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
    Journal of Multivariate Analysis 88 (2004), section 3, written in eigenvalues.
    """
    n, d = centred.shape
    squared = np.sum(variances**2)
    dispersion = squared - variances.sum() ** 2 / d
    error = (np.mean(np.vecdot(centred, centred) ** 2) - squared) / n
    return float(np.clip(error / dispersion, 0, 1)) if dispersion > 0 else 0.0


def _check_spread(variances: Doubles, n: int, share: float) -> None:
    if variances[-1] > LEAST_SPREAD * variances[0]:
        return
    raise DataError(
        f"The {n} normal pictures do not vary in every direction of the embedding (shrinkage {share:.3g}), so that "
        "Mahalanobis distance would not see a defect there: add different pictures, or set a larger shrinkage"
    )


@dataclass(frozen=True, slots=True)
class Mahalanobis:
    """The inverse covariance as a multiple of the identity less a matrix of low rank (Woodbury).

    ``mean``: (d,). ``precision``: inverse of the smallest variance. ``excess``: (k, d), k = min(n, d) - 1, the
    directions in which the normals vary more, times the root of the precision that is too much there. All in double
    precision, since the score is a difference.
    """

    mean: Doubles
    precision: float
    excess: Doubles

    def score(self, features: Features) -> Floats:
        """(n,) distances, in standard deviations of the normals."""
        centred = features.embedding - self.mean
        varied = centred @ self.excess.T
        squared = self.precision * np.vecdot(centred, centred) - np.vecdot(varied, varied)
        scores: Floats = np.sqrt(squared).astype(np.float32)
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores."""
        return {"mean": self.mean, "precision": np.array(self.precision), "excess": self.excess}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        return cls(mean=arrays["mean"], precision=float(arrays["precision"]), excess=arrays["excess"])
