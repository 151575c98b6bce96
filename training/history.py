"""Who set a bundle's threshold, when and from what: the bundle keeps every time."""

from inspector import __version__
from inspector.bundle import Calibration, CalibrationEvent, whoever
from inspector.inspection import utc_now


def event(
    calibration: Calibration,
    *,
    command: str,
    normals_from: str,
    pictures_sha256: str | None,
    by: str | None = None,
    previous_threshold: float | None = None,
) -> CalibrationEvent:
    """What the bundle keeps of this calibration, made now."""
    kept = calibration.promise
    if calibration.tail and calibration.tail.kept and not calibration.review:
        method, share, confidence = "tail model", calibration.tail.max_false_reject, calibration.tail.confidence
    elif kept:
        method, share, confidence = kept.method, kept.max_false_reject, kept.confidence
    else:
        method, share, confidence = "average", calibration.false_reject_rate, None
    return CalibrationEvent(
        at=utc_now(),
        by=by or whoever(),
        program=f"inspector-train {command} {__version__}",
        normals_from=normals_from,
        normals=calibration.normals,
        pictures_sha256=pictures_sha256,
        method=method,
        max_false_reject=share,
        confidence=confidence,
        threshold=calibration.threshold,
        previous_threshold=previous_threshold,
    )
