"""What a fit tells of the model that it made: for people, and for programs."""

from collections.abc import Iterator
from typing import Any

from rich.markup import escape

from inspector.bundle import Calibration, GateRecord
from training.fit import FittedModel
from training.parity import Parity
from training.promise import percent_up


def summary(model: FittedModel, parity: Parity | None) -> dict[str, Any]:
    """For JSON. ``parity``: of the network in 8 bits, None where there is none."""
    calibration = model.calibration
    return {
        "threshold": calibration.threshold,
        "false_reject_rate": calibration.false_reject_rate,
        "held_out_normals": calibration.normals,
        "anomaly_types": {each.name: each.pictures for each in model.anomaly_types},
        "critical_missed": calibration.critical_missed,
        **{
            name: record.model_dump(mode="json") if record else None
            for name, record in (
                ("promise", calibration.promise),
                ("tail", calibration.tail),
                ("review", calibration.review),
                ("cost", calibration.cost),
            )
        },
        "gate": model.gate.model_dump(mode="json") if model.gate else None,
        "int8": parity.summary() if parity else None,
        "more_normals": model.more_normals,
    }


def in_words(model: FittedModel, parity: Parity | None) -> Iterator[str]:
    """Lines for the console, in Rich's markup."""
    yield from calibration_in_words(model.calibration)
    if model.gate:
        yield from _gate_in_words(model.gate)
    if parity:
        yield str(parity)
    yield f"with twice as many normals, normal pictures would look about {model.more_normals:.0%} less novel"


def calibration_in_words(calibration: Calibration) -> Iterator[str]:
    """The threshold, and what is promised of it, by what evidence, and what gave way."""
    promise = calibration.promise
    was = f" (was {promise.previous_threshold:.4g})" if promise and promise.previous_threshold is not None else ""
    yield f"threshold {calibration.threshold:.4g}{was} from {calibration.normals} held-out normals"
    if not promise:
        yield from _more_in_words(calibration)
        return
    share, confidence = percent_up(promise.max_false_reject), f"{100 * promise.confidence:.6g} %"
    what = f"groups by {escape(promise.group_pattern)}" if promise.group_pattern else "normals"
    yield (
        f"at most [bold]{share}[/] of good parts rejected, at {confidence} confidence: {promise.rejected} of "
        f"{promise.scores} {what} lie above; exact for every distribution"
    )
    yield from _more_in_words(calibration)
    if promise.gave_way:
        what = {"promise": "the promise", "critical": "the critical types"}[promise.gave_way]
        yield f"[yellow]{what} gave way[/]: {promise.why}"


def _more_in_words(calibration: Calibration) -> Iterator[str]:
    """The model that goes beyond the promise, the band of doubt, and what costs had to say."""
    if tail := calibration.tail:
        yield (
            f"[yellow]by a model, not by proof[/]: at most [bold]{percent_up(tail.max_false_reject)}[/], from a "
            f"generalised Pareto tail of the highest {len(tail.excesses)} scores, shape {tail.shape:.3g}, scale "
            f"{tail.scale:.3g}; Anderson-Darling {tail.anderson_darling:.3g}, as far off in {tail.chance:.0%} of fits "
            "where the model is right" + ("" if tail.kept else "; the critical types brought the threshold below it")
        )
    if band := calibration.review:
        yield (
            f"a FAIL up to {band.below:.4g} says 'review: true'; beyond it at most {percent_up(band.max_false_reject)} "
            "of good parts are rejected"
        )
    if cost := calibration.cost:
        yield f"{cost.why or f'the least expected cost, {cost.expected:.4g} a part'}"


def _gate_in_words(gate: GateRecord) -> Iterator[str]:
    colour = "green" if gate.ships == "with anomalies" else "yellow"
    yield f"ships [bold {colour}]{gate.ships}[/]: {gate.reason}"
    for kind, of in (("known", gate.known), ("unknown", gate.unknown)):
        if of:
            yield f"AUROC on left-out pictures of {kind} types {of[0]:.3f} normals only, {of[1]:.3f} with anomalies"
