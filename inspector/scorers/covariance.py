"""The covariance of normals, shrunk so that it has an inverse even where there are fewer of them than dimensions."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from inspector.errors import DataError
from inspector.scorers.normals import Doubles

ROUNDING: Final = 1e-7
"""Least variance in any direction: embeddings have length 1 and single precision, and where metric learning has drawn
the normals together to less than this, a distance would measure the rounding of one machine or another."""

LEAST_SPREAD: Final = 1e-10
"""Of the largest variance: below it are only rounding errors of embeddings in single precision.

It also keeps the difference that makes a Mahalanobis distance far above its own rounding error, so that no root is of
a negative.
"""


MANY: Final = 8
"""Samples a dimension from which on the axes come from the covariance, ten times faster and exact enough."""


@dataclass(frozen=True, slots=True)
class Precision:
    """An inverse covariance as a multiple of the identity less a matrix of low rank (Woodbury).

    ``floor``: inverse of the smallest variance. ``excess``: (k, d), k = min(n, d) - 1, the directions in which the
    samples vary more, times the root of the precision that is too much there. All in double precision, since the
    product is a difference.
    """

    floor: float
    excess: Doubles

    @classmethod
    def of(cls, centred: Doubles, shrinkage: float | None = None) -> Self:
        """From (n, d) centred samples. Without a ``shrinkage``, 0 to 1, it is Ledoit's and Wolf's.

        Raises DataError for a covariance that has no inverse.
        """
        variances, directions = _principal_axes(centred)
        share = ledoit_wolf(centred, variances) if shrinkage is None else shrinkage
        shrunk = (1 - share) * variances + share * variances.sum() / centred.shape[1]
        _check_spread(shrunk, len(centred), share)
        shrunk = np.maximum(shrunk, ROUNDING)
        # Of n <= d centred samples one variance is 0: the last one shrunk is that of all directions that they lack.
        excess = 1 / shrunk[-1] - 1 / shrunk[:-1]
        return cls(floor=float(1 / shrunk[-1]), excess=np.sqrt(excess)[:, None] * directions[:-1])

    def times(self, vector: Doubles) -> Doubles:
        """The inverse covariance times a (d,) vector."""
        product: Doubles = self.floor * vector - self.excess.T @ (self.excess @ vector)
        return product

    def discriminant(self, shift: Doubles) -> Doubles:
        """Fisher's direction of a (d,) shift of the mean, along which the samples scatter by 1; 0 without a shift."""
        direction = self.times(shift)
        scaled: Doubles = direction / np.sqrt(max(float(direction @ shift), np.finfo(np.float64).tiny))
        return scaled

    def squared(self, centred: Doubles) -> Doubles:
        """(n,) squared Mahalanobis lengths of (n, d) vectors."""
        varied = centred @ self.excess.T
        lengths: Doubles = self.floor * np.vecdot(centred, centred) - np.vecdot(varied, varied)
        return lengths


def _principal_axes(centred: Doubles) -> tuple[Doubles, Doubles]:
    """Variances, falling, and (min(n, d), d) directions."""
    n, d = centred.shape
    if n < MANY * d:
        _, singular, directions = np.linalg.svd(centred, full_matrices=False)
        return singular**2 / n, directions
    variances, columns = np.linalg.eigh(centred.T @ centred / n)
    return np.maximum(variances[::-1], 0), columns[:, ::-1].T


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
