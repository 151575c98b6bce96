"""Another threshold for a bundle that is there: from normals that it has not seen, held to its critical types."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspector.bundle import Bundle, Calibration, Manifest, Promise, critical_limit, critical_missed
from inspector.errors import BundleError, DataError
from inspector.inspection import Floats, Outcome, utc_now
from training.contract import HeldOut, contract
from training.costs import Costs
from training.evaluate import score_files
from training.features import Progress, silent
from training.prepare import digest_of_files
from training.promise import Promised, highest_by_group, percent_up


@dataclass(frozen=True, slots=True)
class Normals:
    """Held-out normals, judged: their files' digest, and the (n,) highest scores that any network of the bundle gave.

    A daemon may run the network in 8 bits, whose scores are others. By the higher of both a promise holds for either.
    """

    digest: str
    scores: Floats


def score_normals(bundles: Sequence[Bundle], files: Sequence[Path], progress: Progress = silent) -> Normals:
    """Score the files by the bundle, opened once for each of its networks.

    Raises DataError for the very pictures that trained it, BundleError where it gives one no score.
    """
    digest, training = digest_of_files(files), bundles[0].manifest.training
    if digest == training.get("normal_sha256"):
        raise DataError(
            f"these {len(files)} pictures are those that trained {bundles[0].path}: normals that the training has seen "
            "prove nothing; name a folder of others"
        )
    judged = [score_files(bundle, {"normal": files}, progress) for bundle in bundles]
    if unscored := [each for of_one in judged for each in of_one if each.outcome is Outcome.ERROR]:
        raise BundleError(f"{bundles[0].path}: gives {unscored[0].file} no score; export the bundle again")
    scores: Floats = np.max([[each.score for each in of_one] for of_one in judged], axis=0).astype(np.float32)
    return Normals(digest, scores)


def recalibrate(
    manifest: Manifest,
    normals: Normals,
    promised: Promised,
    *,
    critical_first: bool = True,
    costs: Costs | None = None,
) -> Calibration:
    """The calibration whose threshold keeps the promise, but lets no more critical pictures pass than the old one does.

    Where it would, the promise gives way; without ``critical_first`` the critical pictures do. Either is recorded.
    ``costs`` choose among the thresholds that keep both. Raises TooFewNormalsError, and DataError where nobody can say
    how many pictures would pass, or for a model of the tail that does not fit.
    """
    old = manifest.calibration
    held_out = HeldOut(highest_by_group(normals.scores, promised.groups), _left_out(old))
    limit = critical_limit(old)
    made = contract(held_out, promised, limit if critical_first else math.inf, costs)
    missed, promise = critical_missed(old, made.threshold), made.promise
    if promise and made.threshold > limit:
        promise = _without_critical(promise, old, missed)
    return old.model_copy(
        update={
            "threshold": made.threshold,
            "false_reject_rate": (promised.review or promised.terms).max_false_reject,
            "observed_false_rejects": int((normals.scores > made.threshold).sum()),
            "normals": len(normals.scores),
            "critical_missed": missed,
            "promise": promise
            and promise.model_copy(
                update={"pictures_sha256": normals.digest, "at": utc_now(), "previous_threshold": old.threshold}
            ),
            "tail": made.tail,
            "review": made.review,
            "cost": made.cost,
        }
    )


def _left_out(calibration: Calibration) -> dict[str, Floats]:
    recorded = {**calibration.critical_scores, **calibration.other_scores}
    return {name: np.array(scores, np.float32) for name, scores in recorded.items()}


def _without_critical(promise: Promise, old: Calibration, missed: int) -> Promise:
    why = (
        f"as asked, the promise comes first: {missed} of {sum(old.critical.values())} left-out pictures of critical "
        f"types pass, {old.critical_missed} did before; a threshold that catches them could reject more than "
        f"{percent_up(promise.asked)} of the good parts"
    )
    return promise.model_copy(update={"gave_way": "critical", "why": why})
