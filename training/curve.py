"""What more normal pictures would buy: how novel unseen normals look, by how many normals a model has seen."""

from typing import Final

import numpy as np

from inspector.inspection import Features
from inspector.scorers.neighbours import Neighbours

DRAWS: Final = 10
"""Random halves whose novelty is averaged."""


def worth_of_more(normals: Features, unseen: Features) -> float:
    """The share, 0 to 1, by which twice as many normals would lessen the novelty of unseen ones.

    Novelty is the distance to the nearest normal in the backbone's pooled features. It is measured with all normals and
    with random halves of them; a power law carries it on, as error falls with the number of examples (Hestness et al.,
    "Deep Learning Scaling is Predictable, Empirically", 2017).
    """
    if normals.pooled is None or unseen.pooled is None:
        raise ValueError("these features are without pooled features")
    rng = np.random.default_rng(0)
    whole = Neighbours.among(normals.pooled).nearest(unseen.pooled, 1)[0].mean()
    halves = [
        Neighbours.among(normals.pooled[rng.permutation(len(normals))[: len(normals) // 2]])
        .nearest(unseen.pooled, 1)[0]
        .mean()
        for _ in range(DRAWS)
    ]
    half = float(np.mean(halves))
    return float(np.clip(1 - whole / half, 0, 1)) if half > 0 else 0.0
