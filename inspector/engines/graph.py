"""The graph that every engine runs: what goes in, what comes out, one picture at a time."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Features, Floats

INPUT: Final = "pictures"
"""(n, height, width, 3) uint8 RGB: everything but resizing happens inside the graph."""

COUNT: Final = "n"
"""Name of the input's first dimension."""

EMBEDDING: Final = "embedding"
"""(n, d) float32, each row of length 1."""

POOLED: Final = "pooled"
"""(n, p) float32, each row of length 1."""

PATCHES: Final = "patches"
"""(n, rows, columns, c) float32."""

OUTPUTS: Final = (EMBEDDING, POOLED, PATCHES)


def features_of_each(pictures: NDArray[np.uint8], infer: Callable[[NDArray[np.uint8]], Sequence[Floats]]) -> Features:
    """The features of n pictures from a graph for one: ``infer`` gives the OUTPUTS of (1, height, width, 3).

    A graph of fixed shape is quicker than one for any number of pictures, and on a CPU n runs of it are quicker than
    one run on n pictures, whose layers no longer fit the caches.
    """
    if len(pictures) == 1:
        return Features(*infer(pictures))
    each = [infer(pictures[i : i + 1]) for i in range(len(pictures))]
    return Features(*(np.concatenate(outputs) for outputs in zip(*each, strict=True)))
