"""Local outlier factor: how much thinner the normals lie around a picture than around its neighbours.

Source: M. Breunig, H.-P. Kriegel, R. Ng and J. Sander, "LOF: Identifying Density-Based Local Outliers",
SIGMOD 2000, definitions 3 to 7, with exactly k neighbours where several lie at the k-distance.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from inspector.inspection import Features, Floats
from inspector.scorers.neighbours import Neighbours
from inspector.scorers.normals import Doubles, usable
from inspector.settings import Settings

DUPLICATES: Final = 1e-10
"""Added to the mean reachability distance, as scikit-learn does: more than k duplicates have a finite density."""


class LofSettings(Settings):
    """``kind: lof``: for normals that lie densely in one place and thinly in another."""

    kind: Literal["lof"] = "lof"
    k: PositiveInt = 20
    """Number of nearest normals that make a neighbourhood; at most all normals but one are taken."""

    def fit(self, normals: Features) -> "Lof":
        """The factor against the (n, d) embeddings of normal pictures, all of which are kept.

        Raises DataError for fewer than two normals, or NaN or infinity in them.
        """
        points = Neighbours.among(usable(normals))
        distances, rows = points.nearest_others(min(self.k, len(points) - 1))
        reach = distances.max(axis=1)
        return Lof(normals=points, reach=reach, density=_density(distances, reach[rows]), k=distances.shape[1])


def _density(distances: Doubles, reach: Doubles) -> Doubles:
    """Local reachability densities (n,), from (n, k) distances to the neighbours and the neighbours' k-distances."""
    densities: Doubles = 1 / (np.maximum(distances, reach).mean(axis=1) + DUPLICATES)
    return densities


@dataclass(frozen=True, slots=True)
class Lof:
    """``normals``: the m embeddings of the fit; of each its k-distance ``reach`` and its ``density``, both (m,)."""

    normals: Neighbours
    reach: Doubles
    density: Doubles
    k: int

    def score(self, features: Features) -> Floats:
        """(n,) local outlier factors: about 1 among the normals, larger outside, without a unit."""
        distances, rows = self.normals.nearest(features.embedding, self.k)
        around = self.density[rows].mean(axis=1)
        scores: Floats = (around / _density(distances, self.reach[rows])).astype(np.float32)
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the bundle stores; single precision loses nothing of the normals, since embeddings come in it."""
        return {
            "normals": self.normals.points.astype(np.float32),
            "reach": self.reach,
            "density": self.density,
            "k": np.array(self.k),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``."""
        return cls(
            normals=Neighbours.among(arrays["normals"]),
            reach=arrays["reach"],
            density=arrays["density"],
            k=int(arrays["k"]),
        )
