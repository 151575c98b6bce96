"""The metrics of a camera: one inspection, field by field, under the names of the JSON message."""

from collections.abc import Callable
from typing import Final

from inspector.inspection import Inspection
from inspector.sinks.sparkplug.payload import DataType, Definition, Metric, Value

Read = Callable[[Inspection], Value]


def milliseconds(inspection: Inspection) -> int:
    """When the frame was taken, milliseconds of UTC since 1970."""
    return round(inspection.captured_at.timestamp() * 1000)


_TABLE: Final[tuple[tuple[str, DataType, Read], ...]] = (
    ("id", DataType.STRING, lambda each: each.id),
    ("sequence", DataType.UINT64, lambda each: each.sequence),
    ("trigger_id", DataType.STRING, lambda each: each.trigger_id),
    ("part_id", DataType.STRING, lambda each: each.part_id),
    ("outcome", DataType.STRING, lambda each: str(each.outcome)),
    ("reason", DataType.STRING, lambda each: each.reason),
    ("score", DataType.DOUBLE, lambda each: each.score),
    ("threshold", DataType.DOUBLE, lambda each: each.threshold),
    ("nearest_type", DataType.STRING, lambda each: each.nearest_type),
    ("type_confidence", DataType.DOUBLE, lambda each: each.type_confidence),
    ("captured_at", DataType.DATETIME, milliseconds),
    ("latency_ms", DataType.DOUBLE, lambda each: each.timings_ms.get("total")),
    ("picture", DataType.STRING, lambda each: each.picture),
    ("bundle", DataType.STRING, lambda each: each.bundle),
    ("config", DataType.STRING, lambda each: each.config),
    ("review", DataType.BOOLEAN, lambda each: each.review),
)

FIRST_ALIAS: Final = 100
"""The node's own metrics have lower ones: an alias is unique in its edge node, ``tck-id-payloads-alias-uniqueness``."""

METRICS: Final = tuple(
    (Definition(name, datatype, alias), read) for alias, (name, datatype, read) in enumerate(_TABLE, FIRST_ALIAS)
)


def values_of(inspection: Inspection, *, historical: bool) -> list[Metric]:
    """Every metric, also those that did not change.

    Changes alone would do for a host that misses nothing. One that missed a FAIL, and then the verdict of the next part
    because it is no change, would show an old PASS beside the id of a bad part.
    """
    at_ms = milliseconds(inspection)
    return [Metric(definition, read(inspection), at_ms, historical) for definition, read in METRICS]


def nothing_yet(at_ms: int) -> list[Metric]:
    """Every metric, null: before the first inspection."""
    return [Metric(definition, None, at_ms) for definition, _ in METRICS]
