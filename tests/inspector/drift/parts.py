"""Made-up normals and parts, drawn from one distribution, so that it is known what is chance."""

import numpy as np

from inspector.bundle import Normals
from inspector.drift.window import Part

DIMENSIONS = 40
THRESHOLD = 3.0
MIXED = np.linalg.qr(np.random.default_rng(7).standard_normal((DIMENSIONS, DIMENSIONS)))[0] * np.geomspace(
    1, 0.1, DIMENSIONS
)
"""Makes the dimensions of a vector depend on each other, as those of features do."""

CAMERA = np.stack([np.linspace(0, 1, DIMENSIONS), np.linspace(1, 0, DIMENSIONS) ** 2])
"""Where the vectors go when the camera changes."""

ELSEWHERE = np.where(np.arange(DIMENSIONS) % 2, 0.8, -0.8)
"""Where no change of the camera takes them."""


def drawn(rng, n):
    """(n, 3) score, brightness and sharpness, and (n, DIMENSIONS) vectors of normals."""
    numbers = np.stack([rng.standard_normal(n), rng.normal(120, 10, n), rng.lognormal(5, 0.5, n)], axis=1)
    return numbers, rng.standard_normal((n, DIMENSIONS)) @ MIXED.T


def some_normals(n=200, seed=0, **changes):
    numbers, vectors = drawn(np.random.default_rng(seed), n)
    spread = vectors.std(axis=0, ddof=1)
    eigenvalues = np.linalg.svd((vectors - vectors.mean(axis=0)) / spread, compute_uv=False) ** 2
    shares = eigenvalues / eigenvalues.sum()
    fields = {
        "picture_size": None,
        **dict(zip(("score", "brightness", "sharpness"), numbers.T.astype(np.float32), strict=True)),
        "mean": vectors.mean(axis=0),
        "spread": spread,
        "camera": CAMERA,
        "shares": (float((shares**2).sum()), float((shares**3).sum())),
    }
    return Normals(**fields | changes)


def some_parts(n, seed=1, *, score=0.0, brightness=0.0, way=0.0):
    """Parts like the normals, but for what is added to their score, brightness and vectors."""
    numbers, vectors = drawn(np.random.default_rng(seed), n)
    numbers += np.array([score, brightness, 0])
    return [
        Part(own, vector, passed=bool(own[0] <= THRESHOLD)) for own, vector in zip(numbers, vectors + way, strict=True)
    ]
