"""Do the few anomalies make the model better? Decided on left-out pictures, before anything ships."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inspector.bundle import GateRecord
from inspector.fusion import LEAST_SPREAD, deviations, fused, neighbourhood
from inspector.inspection import Floats
from training.leftout import MADE_UP, LeftOut

GAINS: Final = (0.5, 1.0)
"""How much evidence for known anomalies may count, in spreads of the normals."""

FEWEST: Final = 3
"""Anomaly pictures: fewer cannot be learned from and tested on as well."""

NEVER_WORSE: Final = 0.005
"""AUROC that types which the fit does not know may lose beyond noise, which is two standard errors."""

Placements = NDArray[np.float64]
"""For each anomaly the share of left-out normals that score below it, a tie counting half. Their mean is the AUROC."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Placements of the left-out anomalies of types that were known, and of types that were not.

    ``clear``: those of known types on a soft scale: a normal counts by the logistic function of its distance below the
    anomaly, in spreads of the normals. So a defect that comes clear of the normals counts as a gain though none of the
    few that were left out scores above it.
    """

    known: Placements
    clear: Placements
    unknown: Placements


def decide(left_out: LeftOut, evidence: Sequence[bool], champion: LeftOut) -> GateRecord:
    """Normals only against with anomalies, at the gain that suits the known types best.

    The anomalies count only if known types come clearer of the normals on average, by more than its standard error, and
    types that the fit did not know do not lose beyond noise. ``champion`` are the scores of the parts that know normals
    only, with their own head; ``evidence`` says which parts of ``left_out`` know anomalies.
    """
    base = place(champion, [False] * champion.references.shape[1], 0.0)
    records = [_record(gain, base, place(left_out, evidence, gain)) for gain in GAINS]
    return max(records, key=lambda record: (record.ships == "with anomalies", (record.known_gain or (0, 0))[0]))


def too_few(pictures: int) -> GateRecord | None:
    """The decision where there are too few anomaly pictures for any other; else None."""
    if pictures >= FEWEST:
        return None
    reason = f"{pictures} anomaly picture(s) cannot both be learned from and tested on: give {FEWEST} or more"
    return GateRecord(ships="normals only", reason=reason, pictures=pictures)


def place(left_out: LeftOut, evidence: Sequence[bool], gain: float) -> Placed:
    """The placements of the left-out anomalies at this gain; 0 is without the evidence."""
    scored = list(_scored(left_out, evidence, gain))
    everywhere = np.concatenate([normals for normals, _, _ in scored])
    known = np.concatenate([known for _, known, _ in scored])
    return Placed(
        known=_placements(known, everywhere),
        clear=_soft_placements(known, everywhere),
        unknown=np.concatenate([_placements(unknown, normals) for normals, _, unknown in scored]),
    )


def shipped_scores(left_out: LeftOut, evidence: Sequence[bool], gain: float) -> tuple[Floats, NDArray[np.intp]]:
    """Scores, at this gain, of the left-out pictures of known types, and their types."""
    scored = [known for _, known, _ in _scored(left_out, evidence, gain)]
    return np.concatenate(scored), np.concatenate([trial.known.types for trial in left_out.trials])


def _scored(left_out: LeftOut, evidence: Sequence[bool], gain: float) -> Iterator[tuple[Floats, Floats, Floats]]:
    """For each trial the scores of its normals, of its known anomalies, and of those of a type that it did not know.

    Made-up defects are no such type: what they lose did not foretell on any set what real ones lose.
    """
    for trial in left_out.trials:
        pooled = left_out.pooled[trial.rows]
        normals = _fused(left_out, trial.normals, pooled, evidence, gain, itself=trial.rows)
        known, unknown = (_fused(left_out, of.scores, of.pooled, evidence, gain) for of in (trial.known, trial.unknown))
        yield normals, known, unknown[trial.unknown.types != MADE_UP]


def _fused(
    left_out: LeftOut,
    scores: Floats,
    pooled: Floats,
    evidence: Sequence[bool],
    gain: float,
    *,
    itself: NDArray[np.intp] | None = None,
) -> Floats:
    near = neighbourhood(pooled, left_out.pooled, left_out.peers, itself)
    deviating = deviations(scores, left_out.references, left_out.floors, *near)
    return fused(deviating, list(evidence), gain, left_out.onset)


def _placements(anomalies: Floats, normals: Floats) -> Placements:
    ordered = np.sort(normals)
    below, upto = (np.searchsorted(ordered, anomalies, side=side) for side in ("left", "right"))
    placements: Placements = (below + upto) / (2 * len(ordered))
    return placements


def _soft_placements(anomalies: Floats, normals: Floats) -> Placements:
    above = (anomalies[:, None].astype(np.float64) - normals) / max(float(normals.std()), LEAST_SPREAD)
    placements: Placements = (0.5 + 0.5 * np.tanh(above / 2)).mean(axis=1)
    return placements


def _record(gain: float, base: Placed, placed: Placed) -> GateRecord:
    known, unknown = _gain(base.clear, placed.clear), _gain(base.unknown, placed.unknown)
    learns, forgets = known[0] > known[1], unknown[0] + 2 * unknown[1] < -NEVER_WORSE
    if not learns:
        reason = "known types do not come clearer of the normals by more than the standard error"
    elif forgets:
        reason = "types that are not known would lose more than two standard errors"
    elif len(base.unknown):
        reason = "known types come clearer of the normals, and types that are not known do not lose beyond noise"
    else:
        reason = "the known type comes clearer of the normals; there is no other to be left out and not known"
    ships = learns and not forgets
    return GateRecord(
        ships="with anomalies" if ships else "normals only",
        reason=reason,
        gain=gain if ships else 0.0,
        pictures=len(base.known),
        known=(float(base.known.mean()), float(placed.known.mean())),
        known_gain=known,
        unknown=(float(base.unknown.mean()), float(placed.unknown.mean())) if len(base.unknown) else None,
        unknown_gain=unknown if len(base.unknown) else None,
    )


def _gain(before: Placements, after: Placements) -> tuple[float, float]:
    """Mean of the differences, picture by picture, and its standard error."""
    if not len(before):
        return 0.0, 0.0
    differences = after - before
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return float(differences.mean()), float(error)
