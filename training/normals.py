"""What the held-out normals look like to the daemon, for the bundle to carry."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from inspector.bundle import Normals, compared
from inspector.inspection import Floats, Pixels
from inspector.picture_quality import brightness, sharpness
from training.camera_changes import KNOWN
from training.fit import FittedModel
from training.seen import TrainingSet

LEAST_SPREAD: Final = 0.1
"""Of all dimensions' root mean square spread: one that hardly moves on normals would drown the others with a twitch."""

CHANGED: Final = 40
"""Held-out normals that each change of the camera is tried on; the mean of so few shows where it goes."""


def normals_of(model: FittedModel, data: TrainingSet) -> Normals:
    """The numbers of the held-out normals that the model was calibrated by."""
    vectors = compared(model.held_out).astype(np.float64)
    deviation = vectors.std(axis=0, ddof=1)
    spread = np.maximum(deviation, LEAST_SPREAD * np.sqrt(np.mean(deviation**2)) + 1e-9)
    return Normals(
        picture_size=data.taken_at,
        score=model.held_out_scores,
        brightness=np.array([brightness(each) for each in data.held_out], np.float32),
        sharpness=np.array([sharpness(each) for each in data.held_out], np.float32),
        mean=vectors.mean(axis=0).astype(np.float32),
        spread=spread.astype(np.float32),
        camera=_camera(model, data.held_out[:CHANGED], spread),
        shares=_shares((vectors - vectors.mean(axis=0)) / spread),
    )


def _camera(model: FittedModel, pictures: Pixels, spread: NDArray[np.float64]) -> Floats:
    """(changes, d): where the mean of the features goes, in spreads, when the camera changes."""
    before = compared(model.features(pictures)).mean(axis=0)
    ways = [
        (compared(model.features(np.stack([change(each) for each in pictures]))).mean(axis=0) - before) / spread
        for change in KNOWN
    ]
    return np.array(ways, np.float32)


def _shares(centred: NDArray[np.float64]) -> tuple[float, float]:
    """Sums of the squares and of the cubes of the shares of variance that the principal directions have.

    Of n pictures at most n - 1 directions are seen, so few pictures make them look larger than they are: the limit of
    a shift is then too high, never too low.
    """
    eigenvalues = np.linalg.svd(centred, compute_uv=False) ** 2
    shares = eigenvalues / max(eigenvalues.sum(), np.finfo(np.float64).tiny)
    return float((shares**2).sum()), float((shares**3).sum())
