"""The threshold, from held-out normal pictures, and from critical anomalies that were left out."""

import logging
import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from inspector.bundle import Calibration
from inspector.inspection import Floats

log = logging.getLogger(__name__)

ROUNDING: Final = 1e-3
"""By what two machines may differ in their rounding, as a share of the scores' own size. No fixed amount would do: some
distances stay far below 1 for every picture, and would let every defect pass."""


def calibrate(
    held_out: Floats,
    false_reject_rate: float,
    critical: Mapping[str, Floats] | None = None,
    critical_false_reject_rate: float = 0.0,
) -> Calibration:
    """The lowest score that rejects, on average over calibrations, at most the given share of new normal parts.

    ``held_out`` are the (n,) scores of normals that neither training nor the scorers saw. Split conformal prediction
    (Vovk et al. 2005; Lei et al. 2018): the ceil((n + 1)(1 - rate))-th smallest score. With fewer than 1 / rate - 1 of
    them no score is high enough; then the highest is taken, and the log says what that promises. The threshold lies
    above that score by what two machines may differ in their rounding.

    ``critical`` holds scores of left-out pictures by critical type: the threshold comes down below all of them, but not
    further than where ``critical_false_reject_rate`` of the normal parts would be rejected.
    """
    threshold = _conformal(held_out, false_reject_rate, warn=True)
    critical = critical or {}
    scores = np.concatenate([np.zeros(0, np.float32), *critical.values()])
    if len(scores):
        floor = _conformal(held_out, max(critical_false_reject_rate, false_reject_rate), warn=False)
        margin = ROUNDING * max(abs(float(scores.min())), float(held_out.std()))
        threshold = min(threshold, max(floor, float(scores.min()) - margin))
    missed = int((scores <= threshold).sum())
    if missed:
        log.warning(
            "%d of %d left-out pictures of critical types would pass: to catch them all, more than %.2g %% of the good "
            "parts would be rejected; raise critical_false_reject_rate, or add pictures of these types",
            missed, len(scores), 100 * max(critical_false_reject_rate, false_reject_rate),
        )  # fmt: skip
    return Calibration(
        threshold=threshold,
        false_reject_rate=false_reject_rate,
        observed_false_rejects=int((held_out > threshold).sum()),
        normals=len(held_out),
        critical={name: len(own) for name, own in critical.items()},
        critical_missed=missed,
    )


def _conformal(held_out: Floats, rate: float, *, warn: bool) -> float:
    n = len(held_out)
    rank = math.ceil((n + 1) * (1 - rate))
    if rank > n and warn:
        log.warning(
            "%d held-out normals cannot support a false-reject rate of %.2g %%: the threshold is the highest of their "
            "scores, which promises %.2g %%; %d are needed",
            n, 100 * rate, 100 / (n + 1), math.ceil(1 / rate) - 1,
        )  # fmt: skip
    score = float(np.sort(held_out)[min(rank, n) - 1])
    return score + ROUNDING * max(abs(score), float(held_out.std()))
