"""What every fit asks of its normals before it trusts them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError
from inspector.inspection import Features

Doubles = NDArray[np.float64]

FEWEST: Final = 2
"""One picture says where normal is, but nothing of how far it reaches."""


def usable(normals: Features) -> Doubles:
    """The (n, d) embeddings of normal pictures in double precision, in which every fit computes.

    Raises DataError for fewer than two pictures, and for embeddings that hold NaN or infinity.
    """
    if len(normals) < FEWEST:
        raise DataError(f"A scorer needs at least {FEWEST} normal pictures, got {len(normals)}: add normal pictures")
    spoilt = np.flatnonzero(~np.isfinite(normals.embedding).all(axis=1))
    if spoilt.size:
        raise DataError(
            f"The embeddings of {spoilt.size} of {len(normals)} normal pictures hold NaN or infinity, "
            f"the first at index {spoilt[0]}: the training has diverged; lower its learning rate or alpha"
        )
    return normals.embedding.astype(np.float64)
