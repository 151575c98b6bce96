"""What scorers that look at the places of a picture have in common."""

import numpy as np

from inspector.inspection import Floats


def drawn(patches: Floats, most: int, rng: np.random.Generator) -> Floats:
    """The (n, c) patches, or so many of them at random, in their order."""
    if len(patches) <= most:
        return patches
    return patches[np.sort(rng.choice(len(patches), most, replace=False))]


def mean_of_worst(grids: Floats, share: float) -> Floats:
    """(n,) mean of this share, at least one, of the highest places of each of (n, rows, columns) grids."""
    places = grids.reshape(len(grids), grids.shape[1] * grids.shape[2])
    worst = max(1, round(share * places.shape[1]))
    means: Floats = np.partition(places, -worst, axis=1)[:, -worst:].mean(axis=1)
    return means
