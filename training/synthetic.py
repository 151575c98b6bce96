"""Made-up defects on normal pictures: what stands in for kinds of defect that nobody has seen yet."""

from typing import Final

import numpy as np

from inspector.inspection import Pixels

SMALLEST, LARGEST = 0.02, 0.15
"""Share of the picture's area that a made-up defect covers."""

JITTER: Final = 0.1
"""Most that the brightness of the pasted piece changes, as a share of full scale."""


def cut_paste(pictures: Pixels, count: int, seed: int) -> tuple[Pixels, "np.typing.NDArray[np.intp]"]:
    """``count`` made-up defects, and the row of the picture that each was made on.

    A piece of another picture of the (n, h, w, 3) is pasted at another place, a little brighter or darker: CutPaste (Li
    et al., "CutPaste: Self-Supervised Learning for Anomaly Detection and Localization", 2021, section 2.2).
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(pictures))[:count]
    made = pictures[rows].copy()
    for picture in made:
        _paste(picture, pictures[rng.integers(len(pictures))], rng)
    return made, rows


def _paste(picture: Pixels, source: Pixels, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    area, shape = rng.uniform(SMALLEST, LARGEST), np.exp(rng.uniform(np.log(0.3), np.log(3.3)))
    rows = int(np.clip(height * np.sqrt(area * shape), 1, height - 1))
    columns = int(np.clip(width * np.sqrt(area / shape), 1, width - 1))
    (y, x), (from_y, from_x) = (rng.integers((height - rows + 1, width - columns + 1)) for _ in range(2))
    piece = source[from_y : from_y + rows, from_x : from_x + columns].astype(np.float32)
    brighter = 255 * rng.uniform(-JITTER, JITTER)
    picture[y : y + rows, x : x + columns] = (piece + brighter).clip(0, 255).astype(np.uint8)
