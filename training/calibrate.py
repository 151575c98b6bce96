"""The threshold, from held-out normal pictures."""

import logging
import math
from typing import Final

import numpy as np

from inspector.bundle import Calibration
from inspector.inspection import Floats

log = logging.getLogger(__name__)

ROUNDING: Final = 1e-3
"""By what two machines may differ in their rounding, as a share of the scores' own size. No fixed amount would do: some
distances stay far below 1 for every picture, and would let every defect pass."""


def calibrate(held_out: Floats, false_reject_rate: float) -> Calibration:
    """The lowest score that rejects, on average over calibrations, at most the given share of new normal parts.

    ``held_out`` are the (n,) scores of normals that neither training nor the scorers saw. Split conformal prediction
    (Vovk et al. 2005; Lei et al. 2018): the ceil((n + 1)(1 - rate))-th smallest score. With fewer than 1 / rate - 1 of
    them no score is high enough; then the highest is taken, and the log says what that promises. The threshold lies
    above that score by what two machines may differ in their rounding.
    """
    n = len(held_out)
    rank = math.ceil((n + 1) * (1 - false_reject_rate))
    if rank > n:
        log.warning(
            "%d held-out normals cannot support a false-reject rate of %.2g %%: the threshold is the highest of their "
            "scores, which promises %.2g %%; %d are needed",
            n, 100 * false_reject_rate, 100 / (n + 1), math.ceil(1 / false_reject_rate) - 1,
        )  # fmt: skip
    score = float(np.sort(held_out)[min(rank, n) - 1])
    threshold = score + ROUNDING * max(abs(score), float(held_out.std()))
    return Calibration(
        threshold=threshold,
        false_reject_rate=false_reject_rate,
        observed_false_rejects=int((held_out > threshold).sum()),
        normals=n,
    )
