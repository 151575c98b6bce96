"""How well a bundle judges pictures that its training never saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from inspector.bundle import Bundle
from inspector.inspection import Floats, Outcome
from inspector.pictures import read_picture
from training.features import Progress, silent
from training.promise import CONFIDENCE, at_least, at_most


@dataclass(frozen=True, slots=True)
class Scored:
    """One picture of known truth, judged. ``label`` is ``normal`` or the anomaly type.

    ``heat``: the (rows, columns) heat map, in normal spreads; None where the bundle makes none. ``size``: height and
    width of the picture in pixels.
    """

    file: Path
    label: str
    score: float
    outcome: Outcome
    nearest_type: str | None
    heat: Floats | None = field(default=None, compare=False, repr=False)
    size: tuple[int, int] = (0, 0)
    type_confidence: float | None = None


def known(score: float | None) -> float:
    """The score, and for a picture that could not be scored one above all others: it is no PASS."""
    return float(np.finfo(np.float32).max) if score is None else score


def score_files(bundle: Bundle, files: Mapping[str, Sequence[Path]], progress: Progress = silent) -> list[Scored]:
    """Judge the files, by label, exactly as the daemon does: one at a time, through the bundle."""
    judged = []
    for label, paths in files.items():
        for path in paths:
            judged.append(_score_file(bundle, path, label))
            progress(1)
    return judged


def _score_file(bundle: Bundle, path: Path, label: str) -> Scored:
    pixels = read_picture(path)
    features = bundle.embedder.embed(bundle.prepare(pixels)[None])
    (said,) = bundle.judge(features)
    maps = bundle.heat_map(features)
    heat = None if maps is None else maps[0]
    score, size = known(said.score), pixels.shape[:2]
    return Scored(path, label, score, said.outcome, said.nearest_type, heat, size, said.type_confidence)


def summarise(scored: Sequence[Scored], normal: str) -> dict[str, Any]:
    """AUROC over all types, false rejects among the normals, and recall and AUROC for each anomaly type.

    ``false_reject_rate_at_most`` and ``recall_at_least`` are what so many pictures prove with ``confidence``, exactly
    and each by itself, if they chose nothing: neither model nor threshold.
    """
    normals = [each for each in scored if each.label == normal]
    types = sorted({each.label for each in scored} - {normal})
    anomalies = [each for each in scored if each.label != normal]
    return {
        "auroc": auroc(_scores(normals), _scores(anomalies)),
        "normals": len(normals),
        "anomalies": len(anomalies),
        "confidence": CONFIDENCE,
        "false_reject_rate": _rejected(normals),
        "false_reject_rate_at_most": at_most(_rejects(normals), len(normals)) if normals else None,
        "recall": _rejected(anomalies),
        "recall_at_least": at_least(_rejects(anomalies), len(anomalies)) if anomalies else None,
        "types": {
            name: {
                "pictures": len(own),
                "recall": _rejected(own),
                "recall_at_least": at_least(_rejects(own), len(own)),
                "auroc": auroc(_scores(normals), _scores(own)),
            }
            for name in types
            for own in [[each for each in anomalies if each.label == name]]
        },
    }


def auroc(normal: Floats, anomalous: Floats) -> float | None:
    """Chance that an anomaly scores above a normal picture; None where either is missing."""
    if not len(normal) or not len(anomalous):
        return None
    truth = np.r_[np.zeros(len(normal)), np.ones(len(anomalous))]
    return float(roc_auc_score(truth, np.r_[normal, anomalous]))


def _scores(scored: Sequence[Scored]) -> Floats:
    scores: NDArray[np.float32] = np.array([each.score for each in scored], np.float32)
    return scores


def _rejected(scored: Sequence[Scored]) -> float | None:
    """Share that is not PASS."""
    return _rejects(scored) / len(scored) if scored else None


def _rejects(scored: Sequence[Scored]) -> int:
    return sum(each.outcome is not Outcome.PASS for each in scored)
