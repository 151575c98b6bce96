"""The picture archive of one station: does it keep what it should, and what does that take."""

from deploy.grafana.generator.panels import Panel, Query, graph, states
from deploy.grafana.generator.queries import RATE, chosen, per_minute, per_second, quantile
from deploy.grafana.generator.shared import COLOURS, UP


def kept() -> list[Panel]:
    """What became of the pictures."""
    return [
        states(
            "Archive",
            "When the archive's disk took pictures and when it did not.",
            Query(f"min by (station) (inspector_archive_up{chosen()})"),
            UP,
        ),
        graph(
            "Archived",
            "Inspections a minute whose pictures were kept.",
            Query(per_minute("inspector_archive_written_total", "outcome"), "{{outcome}}"),
            unit="cpm",
            stacked=True,
            colours=COLOURS,
        ),
        graph(
            "Not archived",
            "Inspections a minute that should have been kept and were not.",
            Query(per_minute("inspector_archive_dropped_total", "reason"), "{{reason}}"),
            unit="cpm",
        ),
        graph(
            "Deleted from the archive",
            "Inspections a minute that the daemon deleted to keep its limits; of all its stations together.",
            Query(
                f'60 * sum by (outcome) (rate(inspector_archive_pruned_total{{line=~"$line"}}[{RATE}]))', "{{outcome}}"
            ),
            unit="cpm",
            colours=COLOURS,
        ),
    ]


def taken() -> list[Panel]:
    """What the pictures take of disk, memory and time."""
    return [
        graph(
            "Size of the archive",
            "What the station's pictures take of the disk, and those that wait take of the memory.",
            Query(f"max by (station) (inspector_archive_bytes{chosen()})", "on the disk"),
            Query(f"max by (station) (inspector_archive_queue_bytes{chosen()})", "in memory"),
            unit="bytes",
        ),
        graph(
            "Written to the archive",
            "Bytes a second.",
            Query(per_second("inspector_archive_written_bytes_total", "station")),
            unit="Bps",
        ),
        graph(
            "Waiting for the archive",
            "Inspections that wait for the archive's disk.",
            Query(f"max by (station) (inspector_archive_queue_inspections{chosen()})"),
            unit="short",
        ),
        graph(
            "Time to archive",
            "For how long the oldest waits, and the 99th percentile of the time to make and write its files.",
            Query(f"max by (station) (inspector_archive_queue_age_seconds{chosen()})", "oldest"),
            Query(quantile(0.99, "inspector_archive_write_duration_seconds"), "p99"),
            unit="s",
        ),
    ]
