"""Everything that a report says, gathered once: the page shows it, the JSON holds it."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_curve

from inspector.bundle import Bundle, Manifest
from inspector.bundle.difference import caught_by_type
from inspector.inspection import Outcome, utc_now
from training.evaluate import Scored, summarise
from training.prepare import digest_of_files
from training.report_page.reliability import Bin, calibration_error, reliability

TIMED: Final = 50
"""Pictures judged to tell the latency, after a few that warm up."""

WARM_UP: Final = 5

LOW_END: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
"""False-reject rates at which recall is told, whatever the threshold."""


@dataclass(frozen=True, slots=True)
class Facts:
    """``figures`` are JSON; the rest is what charts and pictures are drawn from."""

    bundle: Bundle
    scored: Sequence[Scored]
    normal: str
    root: Path
    bins: Sequence[Bin]
    figures: dict[str, Any]


def gather(
    bundle: Bundle, scored: Sequence[Scored], files: Mapping[str, Sequence[Path]], normal: str, root: Path
) -> Facts:
    """All of it, given the judged pictures of a set and its files by label."""
    manifest, training = bundle.manifest, bundle.manifest.training
    bins = reliability(scored, normal, [each.name for each in manifest.anomaly_types])
    figures = {
        "bundle": bundle.digest,
        "name": manifest.name,
        "made_at": utc_now().isoformat(),
        "data": {
            "folder": str(root),
            "normal": normal,
            "pictures": {label: len(own) for label, own in files.items()},
            "sha256": {label: digest_of_files(own) for label, own in files.items()},
            "trained_on_it": trained_on(manifest, root, digest_of_files(files[normal])),
        },
        "training": training,
        "config_sha256": hashlib.sha256(json.dumps(training.get("config"), sort_keys=True).encode()).hexdigest(),
        "files": manifest.files,
        "anomaly_types": [each.model_dump(mode="json") for each in manifest.anomaly_types],
        "caught_when_left_out": caught_by_type(manifest.calibration),
        "gate": manifest.gate.model_dump(mode="json") if manifest.gate else None,
        "calibration": manifest.calibration.model_dump(mode="json"),
        "calibrations": [each.model_dump(mode="json") for each in manifest.calibrations],
        "normals": manifest.normals.model_dump(mode="json") if manifest.normals else None,
        "observed": observed(scored, normal),
        "recall_at": recall_at(scored, normal),
        "type_confidence": {"error": calibration_error(bins), "bins": [asdict(each) for each in bins]},
        "latency": latency(bundle),
        "scores": [
            {
                "file": str(one.file),
                "label": one.label,
                "score": one.score,
                "outcome": one.outcome,
                "nearest_type": one.nearest_type,
                "type_confidence": one.type_confidence,
            }
            for one in scored
        ],
    }
    return Facts(bundle, scored, normal, root, bins, figures)


def observed(scored: Sequence[Scored], normal: str) -> dict[str, Any]:
    """What the threshold does to these pictures, with what they prove, and how many were rejected or caught."""
    figures = summarise(scored, normal)
    figures["rejected"] = _not_passed(scored, normal)
    for name, own in figures["types"].items():
        own["caught"] = _not_passed(scored, name)
    return figures


def recall_at(scored: Sequence[Scored], normal: str) -> dict[str, float] | None:
    """Recall where so many of these good parts are rejected, by rate; None without good parts or defects."""
    truth = [one.label != normal for one in scored]
    if len(set(truth)) < 2:
        return None
    rejected, caught, _ = roc_curve(truth, [one.score for one in scored], drop_intermediate=False)
    return {f"{100 * rate:g}%": float(caught[rejected <= rate][-1]) for rate in LOW_END}


def trained_on(manifest: Manifest, root: Path, normals_sha256: str) -> bool:
    """Whether these pictures trained or calibrated the bundle, by their folder or by the normals' digest."""
    training = manifest.training
    folder = training.get("config", {}).get("data", {}).get("root")
    same = folder is not None and Path(folder).resolve() == root.resolve()
    used = (training.get("normal_sha256"), *(each.pictures_sha256 for each in manifest.calibrations))
    return same or normals_sha256 in used


def latency(bundle: Bundle) -> dict[str, Any]:
    """Milliseconds from a decoded picture to its verdict, on this machine, one picture at a time."""
    pictures = [pixels for _, pixels in bundle.golden()]
    taken_ms = []
    for i in range(WARM_UP + TIMED):
        started_s = time.perf_counter()
        bundle.judge(bundle.embedder.embed(bundle.prepare(pictures[i % len(pictures)])[None]))
        taken_ms.append((time.perf_counter() - started_s) * 1000)
    p50, p99 = np.quantile(taken_ms[WARM_UP:], [0.5, 0.99]).tolist()
    return {
        "p50_ms": p50,
        "p99_ms": p99,
        "pictures": TIMED,
        "engine": str(bundle.engine),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
    }


def _not_passed(scored: Sequence[Scored], label: str) -> int:
    return sum(one.label == label and one.outcome is not Outcome.PASS for one in scored)
