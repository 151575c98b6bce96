"""What the figures mean, in sentences for somebody who never saw the project."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from inspector.bundle import Calibration, Promise
from training.promise import percent_up

FEW: Final = 30
"""Pictures below which a type's figures say little."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first screen: one sentence each on good parts and on defects, and what to be careful with."""

    good: str
    good_proof: str
    defects: str
    cautions: tuple[str, ...]


def verdict(figures: dict[str, Any], calibration: Calibration) -> Verdict:
    """Of a report's figures."""
    good, proof = _good_parts(calibration)
    return Verdict(good, proof, _defects(figures["observed"]), (*_cautions(figures), *_of_calibration(calibration)))


def percent(share: float | None) -> str:
    """With at most one digit behind the point; 100 % only where it is all of them."""
    if share is None:
        return "none"
    shown = f"{100 * share:.1f}".removesuffix(".0")
    return "99.9 %" if shown == "100" and share < 1 else f"{shown} %"


def percent_down(share: float) -> str:
    """Rounded down, so that "at least" stays true."""
    return f"{math.floor(1000 * share) / 10:g} %"


def above(promise: Promise) -> str:
    """How many held-out scores the threshold rejects, and how many it might where the promise gave way."""
    said = f"{promise.rejected} of {promise.scores} held-out scores lie above the threshold"
    if promise.gave_way != "promise":
        return said
    return f"{said}; {percent_up(promise.asked)} would take a threshold with {promise.rank - 1} above it"


def _good_parts(calibration: Calibration) -> tuple[str, str]:
    """A sentence, and what it rests on."""
    promise, band = calibration.promise, calibration.review
    if promise is None:
        proof = (
            "This is an average over many calibrations, and no promise for this one. The threshold was read from "
            f"{calibration.normals} good parts that training had not seen."
        )
        return f"About {percent(calibration.false_reject_rate)} of the good parts are rejected.", proof
    what = "groups of good parts" if promise.group_pattern else "good parts"
    proof = (
        f"Proved, with {percent(promise.confidence)} confidence, by {promise.scores} {what} that training had not "
        f"seen, {promise.rejected} of which lie above the threshold. Nothing is assumed of how scores are distributed, "
        "only that the parts to come are like these."
    )
    if band:
        beyond = percent_up(band.max_false_reject)
        proof += f" Those in doubt go to a person; at most {beyond} of the good parts are rejected without one."
    return f"At most {percent_up(promise.max_false_reject)} of the good parts are rejected.", proof


def _defects(observed: dict[str, Any]) -> str:
    types = observed["types"]
    if not types:
        return "No defective parts were shown, so nothing is known of what is caught."
    caught, shown = (sum(own[key] for own in types.values()) for key in ("caught", "pictures"))
    least = percent_down(observed["recall_at_least"])
    return f"{caught} of {shown} defective parts were caught, which proves at least {least} in such a mix."


def _cautions(figures: dict[str, Any]) -> Iterator[str]:
    if figures["data"]["trained_on_it"]:
        yield (
            "These are the pictures that the model was trained or calibrated with. What it does to them proves "
            "nothing: show it others."
        )
    observed = figures["observed"]
    critical = [each["name"] for each in figures["anomaly_types"] if each["critical"]]
    for name in critical:
        own = observed["types"].get(name)
        if own and own["caught"] < own["pictures"]:
            yield f"{name} is critical, and {own['pictures'] - own['caught']} of {own['pictures']} were missed."
        elif not own:
            yield f"{name} is critical, and none were shown here."
    few = [name for name, own in observed["types"].items() if own["pictures"] < FEW]
    if few:
        yield f"Fewer than {FEW} pictures of {', '.join(few)} were shown: the proof for them is weak."
    if not observed["normals"]:
        yield "No good parts were shown, so nothing was seen of how many are rejected."


def _of_calibration(calibration: Calibration) -> Iterator[str]:
    if calibration.promise and calibration.promise.gave_way:
        what = {"promise": "The promise", "critical": "The critical types"}[calibration.promise.gave_way]
        yield f"{what} gave way: {calibration.promise.why}."
    if calibration.tail and calibration.tail.kept:
        share = percent_up(calibration.tail.max_false_reject)
        alone = " without a person looking" if calibration.review else ""
        yield f"A model, no proof, says that at most {share} of the good parts are rejected{alone}; see its fit below."
