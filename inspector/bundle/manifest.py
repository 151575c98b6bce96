"""``bundle.json``: what a bundle holds, where it comes from, and what training saw."""

from typing import Any, Final, Literal

from pydantic import AwareDatetime, Field

from inspector.bundle.normals import NormalsRecord
from inspector.fusion import PartRecord
from inspector.inspection import Outcome
from inspector.settings import Settings

FORMAT_VERSION: Final = 1
MANIFEST: Final = "bundle.json"
MODEL: Final = "model.onnx"
MODEL_INT8: Final = "model.int8.onnx"
"""The same network in 8-bit integers; a bundle may hold it beside ``model.onnx``."""
SCORER: Final = "scorer.npz"
GOLDEN: Final = "golden"
TYPES: Final = "types."
"""Begins the names of the arrays that tell the anomaly types apart."""
NORMALS: Final = "normals."
"""Begins the names of the arrays that hold what held-out normals look like."""


def score_tolerance(score: float) -> float:
    """How far two machines, or torch and ONNX Runtime, may differ in this score: 1e-3 of it, at least 1e-3."""
    return 1e-3 * max(abs(score), 1.0)


class Promise(Settings):
    """What share of good parts the threshold is proved to reject at most, and by what; no model of the scores."""

    max_false_reject: float
    """At most this share of good parts is rejected; above ``asked`` where the critical types came first."""
    confidence: float
    """Share of all such calibrations that keep their promise, at least."""
    asked: float
    """The share that the normals alone support: what was asked for, or the least that they can promise."""
    method: Literal["exact binomial"] = "exact binomial"
    rank: int
    """The threshold that keeps ``asked`` is the rank-th highest of the scores, but for rounding."""
    scores: int
    """What counts as one: the held-out normals, or their groups, each by its highest score."""
    rejected: int
    """Of these, how many are above the threshold."""
    group_pattern: str | None = None
    """What told the groups apart in the file names; None where each picture counts for itself."""
    gave_way: Literal["promise", "critical"] | None = None
    """Which of the two gave way, where no threshold keeps both what was asked for and what critical types need."""
    why: str = ""
    """The same in words."""
    pictures_sha256: str | None = None
    """Of the held-out normals; None where the training made the promise, whose record has it."""
    at: AwareDatetime | None = None
    """When a threshold was replaced; None where the training made the promise."""
    previous_threshold: float | None = None
    """What it was before."""


class TailRecord(Settings):
    """A model of the highest scores, where too few normals prove what was asked for. A model, and no guarantee.

    Scores above ``level`` exceed it by a generalised Pareto variable of this shape and scale.
    """

    max_false_reject: float
    """The share of good parts that the model says is rejected at most."""
    confidence: float
    """Of the upper limit that was taken, by profile likelihood, if the model is right."""
    threshold: float
    """That keeps it."""
    kept: bool = True
    """Whether the bundle's threshold is not below it; critical types may have brought it down."""
    estimate: float
    """The score that so many exceed by the fit alone, without its uncertainty."""
    level: float
    shape: float
    scale: float
    scores: int
    """Of held-out normals, or of groups of them."""
    excesses: tuple[float, ...]
    """By how much the highest scores exceed the level: what was fitted, and can be drawn beside the fit."""
    kolmogorov_smirnov: float
    anderson_darling: float
    """Distances of the fit from the exceedances."""
    chance: float
    """How often exceedances that do follow such a model are as far from their own fit, by Anderson and Darling."""

    def __str__(self) -> str:
        return f"{100 * self.max_false_reject:.3g} % at {100 * self.confidence:.6g} % by a model of the tail"


class EscapeCost(Settings):
    """What a type of defects costs."""

    cost: float = Field(gt=0)
    """Of one part that escapes."""
    per_million: float = Field(gt=0, lt=1e6)
    """How many of a million parts have such a defect."""


class CostRecord(Settings):
    """What the threshold is expected to cost, by held-out normals and left-out anomalies."""

    false_reject: float
    """Cost of a good part that is rejected."""
    escape: dict[str, EscapeCost]
    """By anomaly type."""
    expected: float
    """Of a part, at the threshold."""
    wanted: float
    """The cheapest threshold of all."""
    least: float
    """The expected cost of a part there."""
    held_by: Literal["critical", "promise"] | None = None
    """Which of the two keeps the threshold from the cheapest one."""
    why: str = ""
    """The same in words."""


class ReviewBand(Settings):
    """A second, higher threshold: a FAIL that does not exceed it is in doubt, and a person should look."""

    below: float
    """A FAIL with a score up to this says ``review: true``."""
    max_false_reject: float
    """At most this share of good parts is rejected beyond doubt, so that nobody looks."""
    confidence: float
    """Share of all such calibrations that keep this, at least."""


class Calibration(Settings):
    """Where the threshold comes from."""

    threshold: float
    """A score above this is FAIL."""
    false_reject_rate: float
    """Share of good parts that may be rejected, as configured."""
    observed_false_rejects: int
    """Held-out normals above the threshold."""
    normals: int
    """Held-out normals that the threshold was read from."""
    critical: dict[str, int] = Field(default_factory=dict)
    """Pictures of each critical type that lowered the threshold or could have: each was left out and scored."""
    critical_missed: int = 0
    """Of these, how many stay below the threshold all the same, since more good parts would have been rejected than
    ``critical_false_reject_rate`` allows."""
    critical_scores: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """Their scores, lowest first, so that another threshold can be held to them."""
    other_scores: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """Those of the left-out pictures of the types that are not critical, which have a say by their costs."""
    promise: Promise | None = None
    """None where the threshold keeps its rate only on average over calibrations."""
    tail: TailRecord | None = None
    """The model that goes beyond what is proved; None where the threshold needs none."""
    review: ReviewBand | None = None
    """None where no FAIL is in doubt."""
    cost: CostRecord | None = None
    """None where costs had no say."""


class CalibrationEvent(Settings):
    """One time that the threshold was set; the bundle keeps them all."""

    at: AwareDatetime
    by: str
    """Who did it, as they said or as the machine knows them."""
    reason: str = ""
    """Why, in their words; empty for what a program chose."""
    program: str
    """The command and its version."""
    normals_from: str
    """Where the normals lay that the threshold was read from."""
    normals: int
    pictures_sha256: str | None = None
    """Digest of these pictures; None where the program was not given files."""
    method: Literal["average", "exact binomial", "tail model"]
    """What the share of rejected good parts rests on; a tail model is no proof."""
    max_false_reject: float
    """That share, as it holds with this threshold."""
    confidence: float | None = None
    """None where it holds on average."""
    threshold: float
    previous_threshold: float | None = None
    """None for the first."""


class GateRecord(Settings):
    """Why the anomalies count in this bundle, or do not: normals only against with anomalies, on left-out pictures."""

    ships: Literal["normals only", "with anomalies"]
    reason: str
    gain: float = 0.0
    """How much the evidence for known anomalies counts; 0 where the bundle ships normals only."""
    pictures: int = 0
    """Anomaly pictures that were left out and scored."""
    known: tuple[float, float] | None = None
    """AUROC of types that the fit knew, normals only and with anomalies."""
    known_gain: tuple[float, float] | None = None
    """How much clearer of the normals they come, from 0 to 1 a picture: mean, and its standard error."""
    unknown: tuple[float, float] | None = None
    """AUROC of types that the fit did not know, likewise; None where there is only one type."""
    unknown_gain: tuple[float, float] | None = None
    """Mean change of that, and its standard error."""


class GoldenPicture(Settings):
    """A picture that travels with the bundle, and what training's own code said of it."""

    file: str
    label: str
    score: float
    outcome: Outcome


class Int8Record(Settings):
    """How far the 8-bit network goes from the 32-bit one, measured on held-out pictures."""

    correlation: float
    """Of the two networks' scores."""
    pictures: int
    """Held-out pictures that both scored."""
    flipped: int
    """Verdicts that are not the same on these, at the threshold that training set."""
    largest_difference: float
    """Of the two scores of one picture, in units of the score."""


class AnomalyType(Settings):
    """A kind of defect that training saw."""

    name: str
    weight: float
    critical: bool
    pictures: int


class Manifest(Settings):
    """``bundle.json``."""

    format_version: Literal[1] = FORMAT_VERSION
    name: str
    """Name of the product that the model judges."""
    created: AwareDatetime
    created_by: str
    """Program and version that wrote the bundle."""
    input_size: tuple[int, int]
    """Height and width in pixels of the graph's input."""
    parts: tuple[PartRecord, ...] = Field(min_length=1)
    """The scorers that the score is made of."""
    anomaly_types: tuple[AnomalyType, ...] = ()
    calibration: Calibration
    calibrations: tuple[CalibrationEvent, ...] = ()
    """Every time that the threshold was set, the last one last."""
    gate: GateRecord | None = None
    """None where training had no anomalies."""
    golden: tuple[GoldenPicture, ...] = Field(min_length=1)
    int8: Int8Record | None = None
    """None where the bundle holds no 8-bit network."""
    normals: NormalsRecord | None = None
    """Held-out normals, which a line is compared with; None in bundles that were written without."""
    training: dict[str, Any] = Field(default_factory=dict)
    """The record of the training: its settings, the counts of pictures and their digest."""
    files: dict[str, str]
    """SHA-256 of every file of the bundle but this one, by its path in the bundle."""
