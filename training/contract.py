"""From held-out scores to the threshold, and what gives way to what.

Critical types come first: the threshold never exceeds what they allow. Then the promise: it is not below what that
takes. Between the two, costs choose, where there are any.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from inspector.bundle import CostRecord, Promise, ReviewBand, TailRecord
from inspector.bundle.rounding import room
from inspector.errors import DataError
from inspector.inspection import Floats
from training.costs import Costs
from training.promise import Promised, Terms, at_most, check_enough, percent_up
from training.tail import LEAST_P, Tail, check_modelled


@dataclass(frozen=True, slots=True)
class Contract:
    """A threshold with what it promises, and by what."""

    threshold: float
    promise: Promise | None = None
    tail: TailRecord | None = None
    review: ReviewBand | None = None
    cost: CostRecord | None = None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The (n,) scores of normals that count, of pictures or of groups, and those of left-out anomalies by type."""

    normals: Floats
    anomalies: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """A threshold, the terms that it is proved to keep, and the model that it follows, if any."""

    threshold: float
    terms: Terms
    tail: TailRecord | None = None


def check_possible(promised: Promised, pictures: int) -> None:
    """Raise TooFewNormalsError, or DataError, where so many held-out pictures cannot keep or model the promise."""
    there = pictures if promised.groups is None else len(set(promised.groups))
    if promised.review:
        check_enough(promised.review, promised.groups, pictures)
    if not promised.tail:
        check_enough(promised.terms, promised.groups, pictures)
    elif not promised.terms.rank(there):
        check_modelled(there)


def contract(held_out: HeldOut, promised: Promised, limit: float = math.inf, costs: Costs | None = None) -> Contract:
    """The threshold that keeps the promise, but not above ``limit``, which critical types set.

    Raises TooFewNormalsError, and DataError where a model of the tail is wanted that does not fit.
    """
    normals = held_out.normals
    certain = line(normals, promised.terms, tail=promised.tail)
    asked = certain if promised.review is None else line(normals, promised.review, tail=False)
    chosen = min(asked.threshold, limit)
    cost = None
    if costs:
        chosen = costs.cheapest(normals, held_out.anomalies, chosen, limit)
        cost = cost_record(costs, held_out, chosen, asked.threshold, limit)
    tail = certain.tail
    if tail and promised.review is None and chosen < tail.threshold:
        tail = tail.model_copy(update={"kept": False})
    return Contract(
        threshold=chosen,
        promise=promise_at(chosen, normals, promised, asked),
        tail=tail,
        review=None if promised.review is None else _band(certain, promised.terms, chosen),
        cost=cost,
    )


def line(normals: Floats, terms: Terms, *, tail: bool) -> Line:
    """The lowest threshold that keeps the terms: proved, or where that takes more normals and ``tail``, by a model.

    It is not below what the same normals prove best. Raises TooFewNormalsError, and DataError for a model that does not
    fit.
    """
    if terms.rank(len(normals)) or not tail:
        return Line(promised_threshold(normals, terms), terms)
    best = terms.best(len(normals))
    proved = promised_threshold(normals, best)
    record = tail_record(normals, terms)
    threshold = max(proved, record.threshold)
    return Line(threshold, best, record.model_copy(update={"threshold": threshold}))


def promised_threshold(counted: Floats, terms: Terms) -> float:
    """The lowest threshold that keeps the terms, given the (n,) scores that count. Raises TooFewNormalsError."""
    check_enough(terms, None, len(counted))
    score = float(np.sort(counted)[-terms.rank(len(counted))])
    return score + room(score, counted)


def tail_record(normals: Floats, terms: Terms) -> TailRecord:
    """The threshold by a model of the tail, with its fit. Raises DataError where it does not fit."""
    tail = Tail.fit(normals)
    kolmogorov, anderson = tail.distances()
    chance = tail.chance()
    if chance < LEAST_P:
        raise DataError(
            f"a model of the tail does not fit the highest {tail.exceeding} of {tail.scores} scores: were it right, "
            f"they would be as far from it in {100 * chance:.2g} % of cases; take the best promise, or look at these "
            "pictures: some may be no normals"
        )
    score = tail.at_most(terms)
    return TailRecord(
        max_false_reject=terms.max_false_reject,
        confidence=terms.confidence,
        threshold=score + room(score, normals),
        estimate=tail.quantile(terms.max_false_reject),
        level=tail.level,
        shape=tail.shape,
        scale=tail.scale,
        scores=tail.scores,
        excesses=tuple(tail.excesses.tolist()),
        kolmogorov_smirnov=kolmogorov,
        anderson_darling=anderson,
        chance=chance,
    )


def promise_at(threshold: float, counted: Floats, promised: Promised, asked: Line) -> Promise:
    """What is proved at a threshold that critical types may have brought down from ``asked``, which keeps its terms.

    The critical types' scores know nothing of the counted normals, so how many lie above the threshold that they set
    is binomial, and Clopper and Pearson's bound holds. It holds with the same confidence although the lower of two
    thresholds is taken: the bound never falls as the threshold does, so the two err together and not one after the
    other. Scores as near below the threshold as the room for rounding count as above.
    """
    terms, lower = asked.terms, threshold < asked.threshold
    above = at_most(int((counted >= threshold - room(threshold, counted)).sum()), len(counted), terms.confidence)
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
        why=f"{asked.tail or terms} would take a threshold of {asked.threshold:.4g}, and the critical types bring it "
        f"down to {threshold:.4g}, so that up to {percent_up(holds)} of the good parts may be rejected"
        if lower
        else "",
    )


def cost_record(costs: Costs, held_out: HeldOut, threshold: float, low: float, high: float) -> CostRecord:
    """What the threshold is expected to cost, and what the cheapest of all would; ``low`` and ``high`` held it."""
    normals, anomalies = held_out.normals, held_out.anomalies
    wanted = costs.cheapest(normals, anomalies, -math.inf, math.inf)
    expected, least = (costs.expected(each, normals, anomalies) for each in (threshold, wanted))
    held_by, why = None, ""
    if expected > least and wanted > high:
        held_by = "critical"
    elif expected > least and wanted < low:
        held_by = "promise"
    if held_by:
        what = {"critical": "the critical types hold it down", "promise": "the promise holds it up"}[held_by]
        why = f"{least:.4g} a part would be the least, at {wanted:.4g}, but {what}: {expected:.4g} at {threshold:.4g}"
    return CostRecord(
        false_reject=costs.false_reject,
        escape=dict(costs.escape),
        expected=expected,
        wanted=wanted,
        least=least,
        held_by=held_by,
        why=why,
    )


def _band(certain: Line, terms: Terms, threshold: float) -> ReviewBand:
    below = max(certain.threshold, threshold)
    proved = certain.terms if certain.tail else terms
    return ReviewBand(below=below, max_false_reject=proved.max_false_reject, confidence=terms.confidence)
