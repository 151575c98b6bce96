"""Which scorers ship: those that know normals only, or with them those that know anomalies."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from inspector.bundle import GateRecord
from inspector.errors import DataError
from inspector.fusion import Fusion, Part, PartRecord, PartSettings
from inspector.inspection import Features, Floats
from training.config import TrainingConfig
from training.gate import decide, shipped_scores, too_few
from training.heads import Heads
from training.leftout import LeftOut, Material, fits_in, leave_out
from training.parts import NOTHING_LEFT_OUT, Distances, fit_part, none_of
from training.seen import Tracker

log = logging.getLogger(__name__)

UNJUDGED: Final = GateRecord(
    ships="with anomalies",
    reason="not compared: the network as a whole was trained on the anomalies, and no part of it was left without",
    gain=1.0,
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The parts that ship, what they said of left-out pictures, and why they were chosen."""

    parts: Sequence[PartSettings]
    left_out: LeftOut
    gain: float = 0.0
    gate: GateRecord | None = None

    def fusion(
        self, normals: Features, anomalies: Sequence[Features], weights: Sequence[float], distances: Distances
    ) -> Fusion:
        """The parts, fitted on everything."""
        nothing = none_of(normals)
        fitted = [
            Part(
                record=PartRecord(kind=part.distance.kind, of=part.of),
                scorer=fit_part(part, normals, anomalies, weights)
                if part.is_evidence
                else distances.fitted(part, NOTHING_LEFT_OUT, normals, nothing)[0],
                references=self.left_out.references[:, column],
                floor=floor,
            )
            for column, (part, floor) in enumerate(zip(self.parts, self.left_out.floors, strict=True))
        ]
        said = self.left_out
        return Fusion(tuple(fitted), said.pooled, self.gain, said.heat, said.peers, said.onset)

    def left_out_scores(self, names: Sequence[str]) -> dict[str, Floats]:
        """Scores of the left-out pictures of each anomaly type, given the types' names in their order."""
        scores, types = shipped_scores(self.left_out, [part.is_evidence for part in self.parts], self.gain)
        return {name: scores[types == number] for number, name in enumerate(names)}


def choose(config: TrainingConfig, material: Material, heads: Heads, distances: Distances, track: Tracker) -> Chosen:
    """Measure both on left-out pictures, and let the gate decide. Raises DataError without a distance from normal."""
    from_normal = [part for part in config.scorers if not part.is_evidence]
    if not from_normal:
        raise DataError("scorers: there is no distance from normal, only evidence for known anomalies: add one")
    # Without auxiliary classes normals alone teach no embedding, and the backbone's own has its parts already.
    worth = [part for part in from_normal if heads.normals_teach or not part.is_of_embedding] or from_normal
    evidence = [part for part in config.scorers if part.is_evidence] if material.anomalies else []
    number = fits_in([len(own) for own in material.anomalies])
    with track("fits that leave some out", number) as progress:
        champion = leave_out(worth, replace(material, head=heads.of_normals_without), distances, progress)
    few = too_few(sum(len(own) for own in material.anomalies)) if material.anomalies else None
    if material.anomalies and not evidence:
        log.warning(
            "scorers: none looks at anomalies, so that the anomaly pictures only name types: add 'discriminant'"
        )
    if few or not evidence:
        return Chosen(worth, champion, gate=few)
    parts = [*worth, *evidence]
    with track("the same with anomalies", number) as progress:
        challenger = leave_out(parts, material, distances, progress)
    gate = UNJUDGED if heads.fixed else decide(challenger, [part.is_evidence for part in parts], champion)
    if gate.ships == "with anomalies":
        return Chosen(parts, challenger, gate.gain, gate)
    return Chosen(worth, champion, 0.0, gate)
