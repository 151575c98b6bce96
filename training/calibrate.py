"""The threshold, from held-out normal pictures, and from critical anomalies that were left out."""

import logging
import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from inspector.bundle import Calibration, Promise
from inspector.inspection import Floats
from training.promise import Promised, Terms, at_most, check_enough, highest_by_group, percent_up

log = logging.getLogger(__name__)

ROUNDING: Final = 1e-3
"""By what two machines may differ in their rounding, as a share of the scores' own size. No fixed amount would do: some
distances stay far below 1 for every picture, and would let every defect pass."""


def calibrate(
    held_out: Floats,
    false_reject_rate: float,
    critical: Mapping[str, Floats] | None = None,
    critical_false_reject_rate: float = 0.0,
    promised: Promised | None = None,
) -> Calibration:
    """The lowest score that rejects, on average over calibrations, at most the given share of new normal parts.

    ``held_out`` are the (n,) scores of normals that neither training nor the scorers saw. Split conformal prediction
    (Vovk et al. 2005; Lei et al. 2018): the ceil((n + 1)(1 - rate))-th smallest score. With fewer than 1 / rate - 1 of
    them no score is high enough; then the highest is taken, and the log says what that promises. The threshold lies
    above that score by what two machines may differ in their rounding.

    ``critical`` holds scores of left-out pictures by critical type: the threshold comes down below all of them, but not
    further than where ``critical_false_reject_rate`` of the normal parts would be rejected.

    ``promised`` makes the rate a promise that holds for this calibration, with its confidence, instead of on average;
    where the critical types lower the threshold further, it says what still holds. Raises TooFewNormalsError.
    """
    counted = highest_by_group(held_out, promised.groups) if promised else held_out
    if promised:
        false_reject_rate = promised.terms.max_false_reject
        asked = promised_threshold(counted, promised.terms)
    else:
        asked = _conformal(held_out, false_reject_rate, warn=True)
    threshold = asked
    critical = critical or {}
    scores = np.concatenate([np.zeros(0, np.float32), *critical.values()])
    if len(scores):
        floor = _conformal(counted, max(critical_false_reject_rate, false_reject_rate), warn=False)
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
        critical_scores={name: tuple(np.sort(own).tolist()) for name, own in critical.items()},
        promise=promise_at(threshold, counted, promised, asked) if promised else None,
    )


def promised_threshold(counted: Floats, terms: Terms) -> float:
    """The lowest threshold that keeps the terms, given the (n,) scores that count. Raises TooFewNormalsError."""
    check_enough(terms, None, len(counted))
    score = float(np.sort(counted)[-terms.rank(len(counted))])
    return score + ROUNDING * max(abs(score), float(counted.std()))


def promise_at(threshold: float, counted: Floats, promised: Promised, asked: float) -> Promise:
    """What still holds at a threshold that critical types may have brought down from ``asked``, which keeps the terms.

    The critical types' scores know nothing of the counted normals, so how many lie above the threshold that they set
    is binomial, and Clopper and Pearson's bound holds. It holds with the same confidence although the lower of two
    thresholds is taken: the bound never falls as the threshold does, so the two err together and not one after the
    other. Scores as near below the threshold as the room for rounding count as above.
    """
    terms, lower = promised.terms, threshold < asked
    near = threshold - ROUNDING * max(abs(threshold), float(counted.std()))
    above = at_most(int((counted >= near).sum()), len(counted), terms.confidence)
    holds = max(terms.max_false_reject, above) if lower else terms.max_false_reject
    return Promise(
        max_false_reject=holds,
        confidence=terms.confidence,
        asked=terms.max_false_reject,
        rank=terms.rank(len(counted)),
        scores=len(counted),
        rejected=int((counted > threshold).sum()),
        group_pattern=promised.group_pattern,
        gave_way="promise" if lower else None,
        why=f"{terms} would take a threshold of {asked:.4g}, and the critical types bring it down to {threshold:.4g}, "
        f"so that up to {percent_up(holds)} of the good parts may be rejected" if lower else "",
    )  # fmt: skip


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
