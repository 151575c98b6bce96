"""The threshold, from held-out normal pictures, and from anomalies that were left out."""

import logging
import math
from collections.abc import Mapping

import numpy as np

from inspector.bundle import Calibration
from inspector.bundle.rounding import ROUNDING, room
from inspector.inspection import Floats
from training.contract import Contract, HeldOut, contract, cost_record
from training.costs import Costs
from training.promise import Promised, highest_by_group

log = logging.getLogger(__name__)


def calibrate(
    held_out: Floats,
    false_reject_rate: float,
    critical: Mapping[str, Floats] | None = None,
    critical_false_reject_rate: float = 0.0,
    promised: Promised | None = None,
    *,
    others: Mapping[str, Floats] | None = None,
    costs: Costs | None = None,
) -> Calibration:
    """The lowest score that rejects, on average over calibrations, at most the given share of new normal parts.

    ``held_out`` are the (n,) scores of normals that neither training nor the scorers saw. Split conformal prediction
    (Vovk et al. 2005; Lei et al. 2018): the ceil((n + 1)(1 - rate))-th smallest score. With fewer than 1 / rate - 1 of
    them no score is high enough; then the highest is taken, and the log says what that promises. The threshold lies
    above that score by what two machines may differ in their rounding.

    ``critical`` holds scores of left-out pictures by critical type: the threshold comes down below all of them, but not
    further than where ``critical_false_reject_rate`` of the normal parts would be rejected. ``others`` are those of the
    other types.

    ``promised`` makes the rate a promise that holds for this calibration, with its confidence, instead of on average;
    where the critical types lower the threshold further, it says what still holds. ``costs`` choose the threshold of
    least expected cost that keeps both. Raises TooFewNormalsError, and DataError for a model of the tail that does not
    fit.
    """
    critical, others = critical or {}, others or {}
    counted = highest_by_group(held_out, promised.groups) if promised else held_out
    if promised:
        false_reject_rate = (promised.review or promised.terms).max_false_reject
    scores = np.concatenate([np.zeros(0, np.float32), *critical.values()])
    limit = _critical_limit(scores, counted, max(critical_false_reject_rate, false_reject_rate), held_out)
    evidence = HeldOut(counted, {**critical, **others})
    if promised:
        made = contract(evidence, promised, limit, costs)
    elif costs:
        made = _cheapest(evidence, limit, costs)
    else:
        made = Contract(min(_conformal(held_out, false_reject_rate, warn=True), limit))
    missed = int((scores <= made.threshold).sum())
    if missed:
        log.warning(
            "%d of %d left-out pictures of critical types would pass: to catch them all, more than %.2g %% of the good "
            "parts would be rejected; raise critical_false_reject_rate, or add pictures of these types",
            missed, len(scores), 100 * max(critical_false_reject_rate, false_reject_rate),
        )  # fmt: skip
    return Calibration(
        threshold=made.threshold,
        false_reject_rate=false_reject_rate,
        observed_false_rejects=int((held_out > made.threshold).sum()),
        normals=len(held_out),
        critical={name: len(own) for name, own in critical.items()},
        critical_missed=missed,
        critical_scores=_sorted(critical),
        other_scores=_sorted(others),
        promise=made.promise,
        tail=made.tail,
        review=made.review,
        cost=made.cost,
    )


def _critical_limit(scores: Floats, counted: Floats, rate: float, held_out: Floats) -> float:
    """The highest threshold that critical types allow; infinite where there are none."""
    if not len(scores):
        return math.inf
    lowest = float(scores.min())
    margin = ROUNDING * max(abs(lowest), float(held_out.std()))
    return max(_conformal(counted, rate, warn=False), lowest - margin)


def _cheapest(evidence: HeldOut, limit: float, costs: Costs) -> Contract:
    normals, anomalies = evidence.normals, evidence.anomalies
    threshold = costs.cheapest(normals, anomalies, -math.inf, limit)
    return Contract(threshold, cost=cost_record(costs, evidence, threshold, -math.inf, limit))


def _sorted(scores: Mapping[str, Floats]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(np.sort(own).tolist()) for name, own in scores.items()}


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
    return score + room(score, held_out)
