"""For each alert one story that fires it and one that keeps it silent.

Series are in promtool's notation, one value a minute (``1 0x10`` is 1, then eleven times 0); all of them are of one
station of one line.
"""

from dataclasses import dataclass, field

DAY_S = 24 * 3600


@dataclass(frozen=True)
class Case:
    """``fires`` and ``silent`` are the series by metric; the alert is looked for ``at`` minutes."""

    fires: dict[str, str]
    silent: dict[str, str]
    at: int
    says: str
    labels: dict[str, str] = field(default_factory=lambda: dict(STATION))


LINE = {"line": "line-1", "instance": "inspector:9108", "job": "inspector"}
STATION = {**LINE, "station": "press-1"}
SINK = {**STATION, "sink": "mqtt"}


def outcomes(passes, fails="0x2000", errors="0x2000"):
    """The counters of the three outcomes."""
    by_name = {"PASS": passes, "FAIL": fails, "ERROR": errors}
    return {f'inspector_inspections_total{{outcome="{name}"}}': values for name, values in by_name.items()}


def latency(slow):
    """Ten verdicts a minute within 50 ms, and ``slow`` between 100 and 150, against a deadline of 120 ms."""
    fast, every = "0+10x30", f"0+{10 + slow}x30"
    bucket = "inspector_verdict_latency_seconds_bucket"
    buckets = {"0.05": fast, "0.1": fast, "0.15": every, "+Inf": every}
    return {
        **{f'{bucket}{{le="{le}"}}': values for le, values in buckets.items()},
        "inspector_deadline_seconds": "0.12x30",
    }


def alarm(name, values):
    return {f'inspector_alarm_active{{alarm="{name}"}}': values}


CASES = {
    "InspectorDown": Case(
        fires={"up": "1 0x10"},
        silent={"up": "1 0 1x10"},
        at=3,
        says="line-1: the daemon at inspector:9108 does not answer",
        labels=LINE,
    ),
    "InspectorNotScraped": Case(
        fires={"inspector_camera_up": "1x10"},
        silent={"up": "0x10"},
        at=6,
        says="Prometheus is told of no daemon at all",
        labels={"job": "inspector"},
    ),
    "InspectorRestarts": Case(
        fires={"process_start_time_seconds": "10x9 20x9 30x9 40x9"},
        silent={"process_start_time_seconds": "10x9 20x9 30x29"},
        at=39,
        says="line-1: the daemon at inspector:9108 started 3 times within an hour",
        labels=LINE,
    ),
    "InspectorCameraLost": Case(
        fires={"inspector_camera_up": "1 0x10"},
        silent={"inspector_camera_up": "1x10"},
        at=3,
        says="press-1 has lost its camera",
    ),
    "InspectorCameraTroubles": Case(
        fires={'inspector_camera_troubles_total{trouble="packets_lost"}': "0+2x20"},
        silent={'inspector_camera_troubles_total{trouble="packets_resent"}': "0+50x20"},
        at=16,
        says="press-1 loses packets or buffers on the way from its camera",
    ),
    "InspectorNoInspections": Case(
        fires=outcomes("0+60x20 1200x40"),
        silent=outcomes("0+60x60"),
        at=35,
        says="press-1 has inspected nothing for 10 minutes",
    ),
    "InspectorErrors": Case(
        fires=outcomes("0+90x20", errors="0+10x20"),
        silent=outcomes("0+90x20", fails="0+6x20", errors="0+4x20"),
        at=10,
        says="press-1 reaches a verdict on only 90% of its parts",
    ),
    "InspectorLatencyOverDeadline": Case(
        fires=latency(slow=2),
        silent=latency(slow=0),
        at=15,
        says="press-1 is too slow: 1 % of its verdicts take longer than 147ms",
    ),
    "InspectorLatencyNearDeadline": Case(
        fires=latency(slow=0.2),
        silent=latency(slow=0),
        at=25,
        says="press-1 nears its deadline: 1 % of its verdicts take longer than 124.5ms",
    ),
    "InspectorVerdictsOvertaken": Case(
        fires={"inspector_verdicts_overtaken_total": "0x5 1x10"},
        silent={"inspector_verdicts_overtaken_total": "1x15"},
        at=10,
        says="press-1 had verdicts in time that the disk held for too long",
    ),
    "InspectorFailRateJump": Case(
        fires=outcomes("0+98x200 19600+80x20", fails="0+2x200 400+20x20"),
        silent=outcomes("0+98x200 19600+94x20", fails="0+2x200 400+6x20"),
        at=210,
        says="press-1 fails 20% of its parts, far more than in the last day",
    ),
    "InspectorMessagesRefused": Case(
        fires={'inspector_messages_refused_total{kind="trigger"}': "0+2x20"},
        silent={'inspector_messages_refused_total{kind="trigger"}': "0+0.5x20"},
        at=16,
        says="press-1 is sent triggers or commands that break the rules",
    ),
    "InspectorStopLine": Case(
        fires=alarm("stop_line", "0 1x5"),
        silent=alarm("stop_line", "0x5") | alarm("camera_lost", "1x5"),
        at=2,
        says="press-1 asks for the line to be stopped",
        labels={**STATION, "alarm": "stop_line"},
    ),
    "InspectorRecordDegraded": Case(
        fires=alarm("record_degraded", "0 1x5"),
        silent=alarm("record_degraded", "0x5"),
        at=2,
        says="press-1 cannot write its record",
        labels={**STATION, "alarm": "record_degraded"},
    ),
    "InspectorArchiveDegraded": Case(
        fires=alarm("archive_degraded", "0 1x5"),
        silent=alarm("archive_degraded", "0x5"),
        at=2,
        says="press-1 cannot write pictures into its archive",
        labels={**STATION, "alarm": "archive_degraded"},
    ),
    "InspectorDrift": Case(
        fires=alarm("drift", "0 1x5"),
        silent=alarm("drift", "0x5") | alarm("fail_rate", "1x5"),
        at=2,
        says="press-1 sees parts that no longer look like those that its model was trained on",
        labels={**STATION, "alarm": "drift"},
    ),
    "InspectorModelReverted": Case(
        fires=alarm("model_reverted", "0 1x5"),
        silent=alarm("model_reverted", "0x5"),
        at=2,
        says="press-1 went back to its model of before by itself",
        labels={**STATION, "alarm": "model_reverted"},
    ),
    "InspectorAlarmNotReset": Case(
        fires=alarm("fail_rate", "0 1x20"),
        silent=alarm("fail_rate", "0 1x8 0x20") | alarm("stop_line", "1x20"),
        at=15,
        says="press-1: nobody has reset the alarm fail_rate for 10 minutes",
        labels={**STATION, "alarm": "fail_rate"},
    ),
    "InspectorSinkDown": Case(
        fires={"inspector_sink_up": "1 0x10"},
        silent={"inspector_sink_up": "1 0 1x10"},
        at=3,
        says="press-1 cannot reach the broker of its sink mqtt",
        labels=SINK,
    ),
    "InspectorOutboxGrowing": Case(
        fires={"inspector_outbox_rows": "0+60x40"},
        silent={"inspector_outbox_rows": "2000-60x30 0x10"},
        at=25,
        says="press-1 has 1500 results that mqtt has not delivered, and more each minute",
        labels=SINK,
    ),
    "InspectorOutboxDropped": Case(
        fires={"inspector_outbox_dropped_total": "0x5 7x10"},
        silent={"inspector_outbox_dropped_total": "7x20"},
        at=8,
        says="press-1 gave up results that mqtt never delivered",
        labels=SINK,
    ),
    "InspectorRecordRowsLost": Case(
        fires={"inspector_record_rows_lost_total": "0x5 3x10"},
        silent={"inspector_record_rows_lost_total": "3x20"},
        at=8,
        says="press-1 has lost rows of its record",
    ),
    "InspectorArchiveDropped": Case(
        fires={'inspector_archive_dropped_total{reason="overflow"}': "0x5 3x10"},
        silent={'inspector_archive_dropped_total{reason="stopped"}': "0x5 3x10"},
        at=8,
        says="press-1 did not archive pictures that it should have kept",
    ),
    "InspectorDiskNearlyFull": Case(
        fires={"inspector_record_disk_free_bytes": "4x10", "inspector_record_disk_size_bytes": "100x10"},
        silent={"inspector_record_disk_free_bytes": "6x10", "inspector_record_disk_size_bytes": "100x10"},
        at=6,
        says="press-1: 4% of the record's disk is free",
    ),
    "InspectorDiskFilling": Case(
        fires={"inspector_record_disk_free_bytes": "1000-1x500"},
        silent={"inspector_record_disk_free_bytes": "10000-1x500"},
        at=120,
        says="press-1: the record's disk is full within a day if it goes on like this",
    ),
    "InspectorCertificateEnds": Case(
        fires={'inspector_certificate_expiry_timestamp_seconds{which="client"}': f"{20 * DAY_S}x5"},
        silent={'inspector_certificate_expiry_timestamp_seconds{which="client"}': f"{31 * DAY_S}x5"},
        at=0,
        says="press-1: the client certificate of mqtt ends in 20d 0h 0m 0s",
        labels={**SINK, "which": "client"},
    ),
    "InspectorCertificateEndsSoon": Case(
        fires={'inspector_certificate_expiry_timestamp_seconds{which="ca"}': f"{2 * DAY_S}x5"},
        silent={'inspector_certificate_expiry_timestamp_seconds{which="ca"}': f"{4 * DAY_S}x5"},
        at=0,
        says="press-1: the ca certificate of mqtt ends in 2d 0h 0m 0s",
        labels={**SINK, "which": "ca"},
    ),
}
