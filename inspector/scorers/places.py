"""What scorers that look at the places of a picture have in common."""

import numpy as np

from inspector.inspection import Floats


def drawn(patches: Floats, most: int, rng: np.random.Generator) -> Floats:
    """The (n, c) patches, or so many of them at random, in their order."""
    if len(patches) <= most:
        return patches
    return patches[np.sort(rng.choice(len(patches), most, replace=False))]


def number_of_worst(places: int, share: float) -> int:
    """How many of so many places this share is: at least one."""
    return max(1, round(share * places))


def mean_of_worst(grids: Floats, share: float) -> Floats:
    """(n,) mean of this share, at least one, of the highest places of each of (n, rows, columns) grids."""
    places = grids.reshape(len(grids), grids.shape[1] * grids.shape[2])
    worst = number_of_worst(places.shape[1], share)
    means: Floats = np.partition(places, -worst, axis=1)[:, -worst:].mean(axis=1)
    return means
