"""What another threshold has to hold to: the critical types' left-out pictures, and the golden pictures."""

import math

from inspector.bundle.manifest import Calibration, GoldenPicture, Manifest, score_tolerance
from inspector.bundle.rounding import ROUNDING
from inspector.errors import BundleError, DataError
from inspector.inspection import Outcome


def critical_limit(calibration: Calibration) -> float:
    """The highest threshold at which no more critical pictures pass than do now; infinite where there are none.

    A bundle that did not record their scores promises that of its own threshold only.
    """
    if sum(calibration.critical.values()) == calibration.critical_missed:
        return math.inf
    caught = [score for score in _critical_scores(calibration) if score > calibration.threshold]
    return max([calibration.threshold, *(score - ROUNDING * abs(score) for score in caught[:1])])


def critical_missed(calibration: Calibration, threshold: float) -> int:
    """How many left-out pictures of critical types pass at this threshold. Raises DataError where nobody can say."""
    if calibration.critical_scores or threshold <= calibration.threshold or not calibration.critical:
        scores = _critical_scores(calibration)
        return sum(score <= threshold for score in scores) if scores else calibration.critical_missed
    raise DataError(
        "the bundle does not record the scores of its critical pictures, so nobody can say how many would pass at a "
        "higher threshold; fit or export it again, or let the critical types come first"
    )


def golden_at(manifest: Manifest, threshold: float) -> tuple[GoldenPicture, ...]:
    """The golden pictures with their verdicts at another threshold, but for those that rounding would decide.

    Raises BundleError where none is left.
    """
    more = manifest.int8.largest_difference if manifest.int8 else 0.0
    clear = [each for each in manifest.golden if abs(each.score - threshold) > score_tolerance(each.score) + more]
    if not clear:
        raise BundleError(
            f"all {len(manifest.golden)} golden pictures score so near to the new threshold {threshold:.4g} that they "
            "would prove nothing; the bundle stays as it is: fit it again, with these normals held out"
        )
    outcomes = {True: Outcome.PASS, False: Outcome.FAIL}
    return tuple(each.model_copy(update={"outcome": outcomes[each.score <= threshold]}) for each in clear)


def _critical_scores(calibration: Calibration) -> list[float]:
    return sorted(score for own in calibration.critical_scores.values() for score in own)
