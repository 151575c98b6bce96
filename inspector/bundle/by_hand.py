"""A threshold that a person sets, held to what a calibration is held to: held-out normals and critical types.

How many of the bundle's held-out normals lie above it bounds the share of good parts that it rejects, exactly and
whatever the scores' shape (Clopper and Pearson 1934): the same figure that ``inspector-train calibrate`` promises for a
threshold between the same two scores. It holds for a threshold that was chosen by other parts, as those of a line are.
"""

import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from inspector import __version__
from inspector.binomial import bounds
from inspector.bundle.held import critical_missed, golden_at
from inspector.bundle.judging import Bundle
from inspector.bundle.manifest import Calibration, CalibrationEvent, Manifest, Promise
from inspector.bundle.rounding import room
from inspector.bundle.writing import change_manifest
from inspector.errors import BundleError
from inspector.inspection import Floats, utc_now

CONFIDENCE: Final = 0.95
"""Of what is proved."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is known of a threshold before it is set."""

    threshold: float
    normals: int
    """Held-out normals whose scores the bundle has; 0 where it has none."""
    rejected: int
    """Of these, how many are above the threshold, or so near to it that another machine could round them above it."""
    proved: float | None
    """At most this share of good parts is rejected, with ``CONFIDENCE``; None where nothing is proved."""
    critical: int
    """Left-out pictures of critical types."""
    critical_missed: int
    """Of these, how many pass at this threshold."""
    critical_missed_now: int
    """And at the bundle's own."""

    @property
    def gives_way(self) -> bool:
        """Whether more critical pictures pass than do now."""
        return self.critical_missed > self.critical_missed_now


def prospects(bundle: Bundle) -> Callable[[float], Prospect]:
    """What is known of any threshold of the bundle, by its own record. The function raises DataError.

    Nothing is proved by a bundle that has no scores of held-out normals, or whose normals hang together in groups that
    it does not tell apart. A bundle with a network in 8 bits counts what either of its networks could reject.
    """
    manifest = bundle.manifest
    scores = bundle.normals.score if bundle.normals else np.zeros(0, np.float32)
    more = manifest.int8.largest_difference if manifest.int8 else 0.0
    grouped = _group_pattern(manifest) is not None
    calibration = manifest.calibration

    def prospect(threshold: float) -> Prospect:
        rejected = _above(scores, threshold, more)
        proves = len(scores) > 0 and not grouped
        return Prospect(
            threshold=threshold,
            normals=len(scores),
            rejected=rejected,
            proved=bounds(rejected, len(scores), 1 - CONFIDENCE)[1] if proves else None,
            critical=sum(calibration.critical.values()),
            critical_missed=critical_missed(calibration, threshold),
            critical_missed_now=calibration.critical_missed,
        )

    return prospect


def set_by_hand(
    bundle: Bundle, threshold: float, path: Path, *, by: str, reason: str, let_critical_pass: bool = False
) -> None:
    """Write the bundle to ``path`` with this threshold, and who set it and why in its history.

    Raises BundleError where more left-out critical pictures would pass than now and nobody said that they may, where no
    golden picture would prove anything, or ``path`` is taken; DataError where nobody can say how many would pass.
    """
    prospect = prospects(bundle)(threshold)
    if prospect.gives_way and not let_critical_pass:
        raise BundleError(
            f"{bundle.path}: at {threshold:.6g}, {_passing(prospect)}; choose a lower threshold, or say that they may"
        )
    calibration = _calibration(bundle.manifest.calibration, prospect)
    change_manifest(
        bundle,
        path,
        calibration=calibration,
        calibrations=(*bundle.manifest.calibrations, _event(bundle.manifest, prospect, by, reason)),
        golden=golden_at(bundle.manifest, threshold),
    )


def _calibration(old: Calibration, prospect: Prospect) -> Calibration:
    """The model of the tail and the costs chose another threshold, and are not this one's."""
    threshold, band = prospect.threshold, old.review
    return old.model_copy(
        update={
            "threshold": threshold,
            "false_reject_rate": _share(prospect),
            "observed_false_rejects": prospect.rejected,
            "normals": prospect.normals,
            "critical_missed": prospect.critical_missed,
            "promise": _promise(old, prospect),
            "tail": None,
            "review": band if band and band.below >= threshold else None,
            "cost": None,
        }
    )


def _promise(old: Calibration, prospect: Prospect) -> Promise | None:
    if prospect.proved is None:
        return None
    return Promise(
        max_false_reject=prospect.proved,
        confidence=CONFIDENCE,
        asked=prospect.proved,
        rank=min(prospect.rejected + 1, prospect.normals),
        scores=prospect.normals,
        rejected=prospect.rejected,
        gave_way="critical" if prospect.gives_way else None,
        why=f"as asked: {_passing(prospect)}" if prospect.gives_way else "",
        at=utc_now(),
        previous_threshold=old.threshold,
    )


def _event(manifest: Manifest, prospect: Prospect, by: str, reason: str) -> CalibrationEvent:
    return CalibrationEvent(
        at=utc_now(),
        by=by,
        reason=reason,
        program=f"inspector bundle threshold {__version__}",
        normals_from="the bundle's own record",
        normals=prospect.normals,
        pictures_sha256=manifest.training.get("held_out_sha256"),
        method="average" if prospect.proved is None else "exact binomial",
        max_false_reject=_share(prospect),
        confidence=None if prospect.proved is None else CONFIDENCE,
        threshold=prospect.threshold,
        previous_threshold=manifest.calibration.threshold,
    )


def _share(prospect: Prospect) -> float:
    """What is proved, or else what is to be expected: a new normal is as likely to have any rank as those held out."""
    return (prospect.rejected + 1) / (prospect.normals + 1) if prospect.proved is None else prospect.proved


def _above(scores: Floats, threshold: float, more: float) -> int:
    return int((scores >= threshold - room(threshold, scores) - more).sum()) if len(scores) else 0


def _passing(prospect: Prospect) -> str:
    return (
        f"{prospect.critical_missed} of {prospect.critical} left-out pictures of critical types pass, "
        f"{prospect.critical_missed_now} do now"
    )


def _group_pattern(manifest: Manifest) -> str | None:
    """What told apart the groups in which the held-out normals came."""
    settings: dict[str, Any] = manifest.training.get("config", {}).get("data", {})
    pattern: str | None = settings.get("group_pattern")
    return pattern


def whoever() -> str:
    """The user that this process runs as, and the machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
