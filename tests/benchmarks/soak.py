"""Whether months are survived: the real daemon at full speed, a folder camera, a real mosquitto, QoS 1.

    python -m tests.benchmarks.soak [BUNDLE] [--count 600000] [--every 20000] [--json FILE] [--chart FILE.png]

Every so many inspections something happens that happens in months: another model is deployed, the broker restarts,
another configuration is applied. Record and archive are small, so that both are full and rotate. What the process holds
is read from /proc, the number of inspections from its own metrics. Without a bundle a small one is trained on the spot,
for 16 x 16 pictures: some minutes instead of an hour, through the same code. Exit status 1 where anything grew by more
than the target, or an inspection was ERROR.
"""

import argparse
import json
import re
import socket
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from inspector.bench.report import machine
from inspector.bundle import GOLDEN, read_manifest
from tests.benchmarks.disturbances import STATION, Disturbances
from tests.broker import Broker, wait_until
from tests.end_to_end.line import Line
from tests.parts import good_parts, scratched_parts, write_parts, write_small_bundle

TARGETS = {"resident_mib": 0.02, "descriptors": 0.0, "threads": 0.0, "disk_mib": 0.05}
"""By how much the last fifth of the samples may be above the fifth that comes after ``settle``, each by its median."""

INSPECTIONS = re.compile(r"^inspector_inspections_total\{.*\} (\S+)$", re.MULTILINE)
ERRORS = re.compile(r"^inspector_inspections_total\{outcome=\"ERROR\".*\} (\S+)$", re.MULTILINE)
LOST = re.compile(r"^inspector_sink_errors_total\{.*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    inspections: int
    resident_mib: float
    descriptors: int
    threads: int
    disk_mib: float
    """Record, archive and store."""


def soak(folder, bundle, pictures, *, count, settle, every=None, interval_s=0.5, progress=lambda done: None):
    """Let the daemon inspect ``count`` times, and tell what it held meanwhile. ``every``: between two disturbances."""
    samples, happened, began_s = [], [], time.monotonic()
    with Broker(folder / "broker") as broker:
        line = Line(folder, broker.port, bundle, pictures, rate_hz="null")
        disturbances = Disturbances(folder, bundle, line, broker) if every else None
        with line:
            wait_until(lambda: listens(line), "the daemon's metrics", timeout_s=60)
            while not samples or samples[-1].inspections < count:
                assert line.process.poll() is None, line.log.read_text()
                page = line.metrics()
                samples.append(sample(line.process.pid, page, folder))
                progress(samples[-1].inspections)
                if disturbances and samples[-1].inspections >= (len(happened) + 1) * every:
                    happened.append((samples[-1].inspections, disturbances.next()))
                time.sleep(interval_s)
            status = line.stop()
    return summary(samples, settle) | {
        "happened": happened,
        "errors": total(ERRORS, page),
        "lost": total(LOST, page),
        "exit_status": status,
        "seconds": time.monotonic() - began_s,
    }


def listens(line):
    assert line.process.poll() is None, line.log.read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", line.metrics_port)) == 0


def total(metric, page):
    return int(sum(float(value) for value in metric.findall(page)))


def sample(pid, page, folder):
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    return Sample(
        inspections=total(INSPECTIONS, page),
        resident_mib=pages * 4096 / 2**20,
        descriptors=len(list((process / "fd").iterdir())),
        threads=len(list((process / "task").iterdir())),
        disk_mib=sum(size(folder / name) for name in ("records", "archive", "models")) / 2**20,
    )


def size(folder):
    """What comes and goes while it is looked at counts or does not."""
    found = 0
    for each in folder.rglob("*"):
        try:
            found += each.stat().st_size
        except FileNotFoundError:
            continue
    return found


def summary(samples, settle):
    """Of all that may grow: once settled, at the end, and at most."""
    settled = [each for each in samples if each.inspections >= settle]
    assert len(settled) > 1, f"no two samples after {settle} inspections; take a larger count"
    fifth = max(1, len(settled) // 5)
    held = {}
    for name in TARGETS:
        values = [getattr(each, name) for each in settled]
        first, last = statistics.median(values[:fifth]), statistics.median(values[-fifth:])
        held[name] = {
            "settled": first,
            "last": last,
            "largest": max(values),
            "growth": last / first - 1 if first else float(last),
        }
    return {
        "inspections": samples[-1].inspections,
        "held": held,
        "grown": [name for name, each in held.items() if each["growth"] > TARGETS[name]],
        "samples": [asdict(each) for each in samples],
    }


def chart(record, settle, path):
    figure = Figure(figsize=(9, 8), layout="constrained")
    done = [each["inspections"] for each in record["samples"]]
    for axes, name in zip(figure.subplots(len(TARGETS), sharex=True), TARGETS, strict=True):
        axes.plot(done, [each[name] for each in record["samples"]], color="#2563eb")
        axes.axvline(settle, color="#9ca3af", linestyle=":")
        for inspections, _ in record["happened"]:
            axes.axvline(inspections, color="#e5e7eb", linewidth=0.8, zorder=0)
        axes.set(ylabel=name.replace("_mib", ", MiB"), xlim=(0, done[-1]))
        axes.set_ylim(0, 1.15 * max(each[name] for each in record["samples"]) or 1)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("inspections; a line is a new model, a restart of the broker or a new configuration")
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=600_000)
    parser.add_argument("--every", type=int, default=20_000, help="inspections between two disturbances; 0 for none")
    parser.add_argument("--settle", type=int, help="inspections before anything counts; default seven disturbances")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--chart", type=Path)
    arguments = parser.parse_args()
    settle = arguments.settle or 7 * arguments.every or 5000

    with tempfile.TemporaryDirectory() as name, Progress(console=Console(stderr=True), transient=True) as bar:
        folder = Path(name)
        bundle, pictures = arguments.bundle, folder / STATION
        if bundle is None:
            bundle = folder / "bundle"
            write_small_bundle(bundle)
            write_parts(pictures, good_parts(8), "good")
            write_parts(pictures, scratched_parts(2), "scratched")
        else:
            pictures.symlink_to((bundle / GOLDEN).resolve())
        task = bar.add_task("inspecting", total=arguments.count)
        record = soak(
            folder,
            bundle.resolve(),
            pictures,
            count=arguments.count,
            settle=settle,
            every=arguments.every,
            progress=lambda done: bar.update(task, completed=done),
        )
        record |= {"machine": machine(), "input_size": read_manifest(bundle)[0].input_size, "targets": TARGETS}
    show(record)
    if arguments.json:
        arguments.json.write_text(json.dumps(record, indent=2))
    if arguments.chart:
        chart(record, settle, arguments.chart)
    return 1 if record["grown"] or record["errors"] or record["exit_status"] else 0


def show(record):
    table = Table("", "settled", "last", "largest", "growth")
    for name, each in record["held"].items():
        numbers = [f"{each[key]:.1f}" for key in ("settled", "last", "largest")]
        table.add_row(name.replace("_", " "), *numbers, f"{each['growth']:+.2%}")
    Console().print(table)
    print(
        f"{record['inspections']} inspections of {record['input_size']} in {record['seconds']:.0f} s, "
        f"{len(record['happened'])} disturbances, {record['errors']} ERROR, {record['lost']} results lost"
    )


if __name__ == "__main__":
    sys.exit(main())
