"""Every Prometheus metric of the daemon, in one place, named by the Prometheus naming conventions.

The registry is the only global state of the project: each label set belongs to one station.
"""

from contextlib import suppress
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

LATENCY_BUCKETS_S: Final = (
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.010, 0.015, 0.020, 0.030, 0.040, 0.050, 0.075, 0.100,
    0.150, 0.250, 0.500, 1.0, 2.5,
)  # fmt: skip
"""Fine from 1 to 100 ms, where a verdict belongs; coarse above, where only its presence matters."""

RECORD_BUCKETS_S: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.010, 0.020, 0.050, 0.100, 0.500, 2.5)
"""From a row in memory to a disk that makes the verdict wait."""

ARCHIVE_BUCKETS_S: Final = (0.005, 0.010, 0.020, 0.050, 0.100, 0.200, 0.500, 1.0, 2.5, 10.0, 30.0)
"""From a small picture on a quick disk to a disk that hangs."""

SCORE_BUCKETS: Final = (0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0)
"""Of the score divided by the threshold, so that one dashboard serves every distance: above 1 is FAIL."""

INSPECTIONS: Final = Counter("inspector_inspections", "Inspections by outcome.", ["station", "outcome"])
STAGE_SECONDS: Final = Histogram(
    "inspector_stage_duration_seconds",
    "Time in one stage of an inspection: acquire, preprocess, embed, score, publish.",
    ["station", "stage"],
    buckets=LATENCY_BUCKETS_S,
)
VERDICT_SECONDS: Final = Histogram(
    "inspector_verdict_latency_seconds",
    "From exposure, or arrival of the frame, to its verdict.",
    ["station"],
    buckets=LATENCY_BUCKETS_S,
)
SCORE_RATIO: Final = Histogram(
    "inspector_score_to_threshold_ratio",
    "Anomaly score divided by the station's threshold; above 1 is FAIL.",
    ["station"],
    buckets=SCORE_BUCKETS,
)
DEADLINE: Final = Gauge(
    "inspector_deadline_seconds", "Verdict latency beyond which an inspection is ERROR.", ["station"]
)
THRESHOLD: Final = Gauge("inspector_threshold", "Score above which a part fails.", ["station"])
LAST_FRAME: Final = Gauge("inspector_last_frame_timestamp_seconds", "Unix time of the last frame.", ["station"])
FRAMES_DROPPED: Final = Counter(
    "inspector_frames_dropped", "Frames of a free-running camera that were not inspected.", ["station", "reason"]
)
CAMERA_UP: Final = Gauge("inspector_camera_up", "1 while the camera delivers, 0 while it is lost.", ["station"])
CAMERA_REOPENS: Final = Counter("inspector_camera_reopens", "Attempts to open a lost camera again.", ["station"])
CAMERA_TROUBLES: Final = Counter(
    "inspector_camera_troubles",
    "Packets and buffers that were lost, resent, dropped or incomplete between a camera and its driver.",
    ["station", "trouble"],
)
FRAMES_REFUSED: Final = Counter(
    "inspector_frames_refused", "Frames that got ERROR for what they are, and no verdict.", ["station", "reason"]
)
SINK_UP: Final = Gauge("inspector_sink_up", "1 while the sink takes results.", ["station", "sink"])
SINK_ERRORS: Final = Counter("inspector_sink_errors", "Results that a sink could not take.", ["station", "sink"])
CERTIFICATE_EXPIRY: Final = Gauge(
    "inspector_certificate_expiry_timestamp_seconds",
    "Unix time at which a certificate of a sink's connection ends: its ca, its client, or the broker's.",
    ["station", "sink", "which"],
)
TRIGGERS: Final = Counter(
    "inspector_triggers",
    "Triggers by what became of them: taken, refused, repeated, known, forged.",
    ["station", "decision"],
)
VERDICTS_OVERTAKEN: Final = Counter(
    "inspector_verdicts_overtaken",
    "Verdicts that were recorded too late to be an answer: the PLC got ERROR.",
    ["station"],
)
MESSAGES_REFUSED: Final = Counter(
    "inspector_messages_refused", "Triggers and commands that break a rule.", ["station", "kind"]
)
ALARM_ACTIVE: Final = Gauge("inspector_alarm_active", "1 until the alarm is reset.", ["station", "alarm"])
RECORD_SECONDS: Final = Histogram(
    "inspector_record_seconds",
    "Time that one inspection takes to become a row of the record.",
    ["station"],
    buckets=RECORD_BUCKETS_S,
)
RECORD_ROWS_LOST: Final = Counter(
    "inspector_record_rows_lost", "Rows that the disk did not take and that were given up.", ["station"]
)
RECORD_DISK_FREE: Final = Gauge(
    "inspector_record_disk_free_bytes", "Room on the disk that holds the record, for whoever is not root.", ["station"]
)
RECORD_DISK_SIZE: Final = Gauge(
    "inspector_record_disk_size_bytes", "Size of the disk that holds the record.", ["station"]
)
OUTBOX_ROWS: Final = Gauge("inspector_outbox_rows", "Results that a sink has not delivered yet.", ["station", "sink"])
OUTBOX_DROPPED: Final = Counter(
    "inspector_outbox_dropped", "Results that a sink never delivered and that were given up.", ["station", "sink"]
)
ARCHIVE_UP: Final = Gauge("inspector_archive_up", "1 while the archive's disk takes pictures.", ["station"])
ARCHIVE_WRITTEN: Final = Counter(
    "inspector_archive_written", "Inspections that the archive has written.", ["station", "outcome"]
)
ARCHIVE_WRITTEN_BYTES: Final = Counter("inspector_archive_written_bytes", "Bytes that were written.", ["station"])
ARCHIVE_WRITE_SECONDS: Final = Histogram(
    "inspector_archive_write_duration_seconds",
    "Time to make and write the files of one inspection, off the verdict's path.",
    ["station"],
    buckets=ARCHIVE_BUCKETS_S,
)
ARCHIVE_DROPPED: Final = Counter(
    "inspector_archive_dropped",
    "Inspections that were to be archived and were not: overflow, disk, unencodable, stopped.",
    ["station", "reason"],
)
ARCHIVE_QUEUE: Final = Gauge("inspector_archive_queue_inspections", "What waits for the archive's disk.", ["station"])
ARCHIVE_QUEUE_BYTES: Final = Gauge("inspector_archive_queue_bytes", "Memory that it takes.", ["station"])
ARCHIVE_QUEUE_AGE: Final = Gauge("inspector_archive_queue_age_seconds", "For how long the oldest waits.", ["station"])
ARCHIVE_BYTES: Final = Gauge(
    "inspector_archive_bytes",
    "What the station's pictures took of the disk when limits were last seen to.",
    ["station"],
)
ARCHIVE_PRUNED: Final = Counter(
    "inspector_archive_pruned", "Archived inspections that the daemon deleted to keep its limits.", ["outcome"]
)
MODEL_INFO: Final = Gauge(
    "inspector_model_info", "Always 1; the labels say which model judges.", ["station", "bundle", "name", "scorers"]
)
DRIFT: Final = Gauge(
    "inspector_drift",
    "How far the last parts are from the bundle's normals: population stability index of score, brightness and "
    "sharpness; of the embedding, how many spreads its mean has moved.",
    ["station", "of"],
)
DRIFT_TO_LIMIT: Final = Gauge(
    "inspector_drift_to_limit_ratio", "The same divided by its limit; above 1 is drift.", ["station", "of"]
)


def forget(station: str) -> None:
    """Take back all that was said of a station that is no more: what stands still looks like a fault."""
    for metric in tuple(globals().values()):
        if isinstance(metric, MetricWrapperBase):
            with suppress(ValueError):  # it is no station's
                metric.remove_by_labels({"station": station})
