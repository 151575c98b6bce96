"""What the held-out normals look like to the daemon, for the bundle to carry."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from inspector.bundle import Normals, compared
from inspector.inspection import Floats, Pixels
from inspector.picture_quality import brightness, sharpness
from training.camera_changes import KNOWN, Change
from training.fit import FittedModel
from training.seen import TrainingSet

LEAST_SPREAD: Final = 0.1
"""Of all dimensions' root mean square spread: one that hardly moves on normals would drown the others with a twitch."""

TINY: Final = 1e-9
"""A spread where nothing moves at all."""

CHANGED: Final = 40
"""Held-out normals that each change of the camera is tried on; the mean of so few shows where it goes."""


def normals_of(model: FittedModel, data: TrainingSet, ways: Floats | None = None) -> Normals:
    """The numbers of the held-out normals that the model was calibrated by.

    ``ways``: where the mean of their vectors goes when the camera changes, if that is known already.
    """
    return summed_up(
        (
            model.held_out_scores,
            np.array([brightness(each) for each in data.held_out], np.float32),
            np.array([sharpness(each) for each in data.held_out], np.float32),
        ),
        compared(model.held_out),
        camera_ways(model, data) if ways is None else ways,
        data.taken_at,
    )


def camera_ways(model: FittedModel, data: TrainingSet) -> Floats:
    """(changes, d): where the mean of the vectors of held-out normals goes with each change of the camera."""
    few = data.held_out[:CHANGED]
    before = compared(model.features(few)).mean(axis=0)
    ways: Floats = np.stack([_after(change, model, few) - before for change in KNOWN])
    return ways


def summed_up(
    numbers: tuple[Floats, Floats, Floats],
    vectors: Floats,
    ways: Floats,
    picture_size: tuple[int, int] | None = None,
) -> Normals:
    """The normals with these (n,) scores, brightnesses and sharpnesses, and (n, d) feature vectors.

    ``ways``: (changes, d), where the mean of the vectors goes when the camera changes.
    """
    mean, deviation = vectors.mean(axis=0, dtype=np.float64), vectors.std(axis=0, ddof=1, dtype=np.float64)
    spread = np.maximum(deviation, LEAST_SPREAD * np.sqrt(np.mean(deviation**2)) + TINY)
    score, bright, sharp = numbers
    return Normals(
        picture_size=picture_size,
        score=score,
        brightness=bright,
        sharpness=sharp,
        mean=mean.astype(np.float32),
        spread=spread.astype(np.float32),
        camera=(ways / spread).astype(np.float32),
        shares=_shares((vectors - mean) / spread),
    )


def _after(change: Change, model: FittedModel, pictures: Pixels) -> Floats:
    mean: Floats = compared(model.features(np.stack([change(each) for each in pictures]))).mean(axis=0)
    return mean


def _shares(centred: NDArray[np.float64]) -> tuple[float, float]:
    """Sums of the squares and of the cubes of the shares of variance that the principal directions have.

    Of n pictures at most n - 1 directions are seen, so few pictures make them look larger than they are: the limit of
    a shift is then too high, never too low.
    """
    eigenvalues = np.linalg.svd(centred, compute_uv=False) ** 2
    shares = eigenvalues / max(eigenvalues.sum(), TINY)
    return float((shares**2).sum()), float((shares**3).sum())
