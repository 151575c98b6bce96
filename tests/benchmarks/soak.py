"""Whether the daemon's memory stays flat: the real daemon at full speed, a folder camera, a real mosquitto, QoS 1.

    python -m tests.benchmarks.soak [BUNDLE] [--count 200000] [--json FILE] [--chart FILE.png]

Without a bundle a small one is trained on the spot, for 16 x 16 pictures: some minutes instead of an hour, through the
same code. Resident memory is read from /proc, the number of inspections from the daemon's own metrics.
"""

import argparse
import json
import re
import socket
import tempfile
import time
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress

from inspector.bench.report import machine
from inspector.bundle import GOLDEN, read_manifest
from tests.broker import Broker, wait_until
from tests.end_to_end.line import Line
from tests.parts import good_parts, scratched_parts, write_parts, write_small_bundle

SETTLE = 5_000
"""Inspections after which memory may no longer grow."""

TARGET = 0.02
INSPECTIONS = re.compile(r"^inspector_inspections_total\{.*\} (\S+)$", re.MULTILINE)
LOST = re.compile(r"^inspector_sink_errors_total\{.*\} (\S+)$", re.MULTILINE)


def soak(folder, bundle, pictures, *, count, settle=SETTLE, interval_s=0.5, progress=lambda done: None):
    """Let the daemon inspect ``count`` times, and tell what its memory did meanwhile."""
    samples, began_s = [], time.monotonic()
    with Broker(folder / "broker") as broker, Line(folder, broker.port, bundle, pictures, rate_hz="null") as line:
        wait_until(lambda: listens(line), "the daemon's metrics", timeout_s=60)
        while not samples or samples[-1][0] < count:
            assert line.process.poll() is None, line.log.read_text()
            page = line.metrics()
            samples.append((total(INSPECTIONS, page), resident_mib(line.process.pid)))
            progress(samples[-1][0])
            time.sleep(interval_s)
        status = line.stop()
    return summary(samples, settle) | {
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


def resident_mib(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def summary(samples, settle):
    """``growth`` is the largest after ``settle`` inspections, as a share of what was resident then."""
    settled = [mib for done, mib in samples if done >= settle]
    assert len(settled) > 1, f"no two samples after {settle} inspections; take a larger count"
    return {
        "inspections": samples[-1][0],
        "settled_mib": settled[0],
        "last_mib": settled[-1],
        "largest_mib": max(settled),
        "growth": settled[-1] / settled[0] - 1,
        "largest_growth": max(settled) / settled[0] - 1,
        "samples": samples,
    }


def chart(record, settle, path):
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    done, mib = zip(*record["samples"], strict=True)
    axes.plot(done, mib, color="#2563eb", label="resident memory")
    axes.axhspan(record["settled_mib"], record["settled_mib"] * (1 + TARGET), color="#9ca3af", alpha=0.3, label="+ 2 %")
    axes.axvline(settle, color="#9ca3af", linestyle=":", label=f"after {settle:,} inspections")
    axes.set(xlabel="inspections", ylabel="MiB", ylim=(0, 1.1 * max(mib)), xlim=(0, done[-1]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--settle", type=int, default=SETTLE)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--chart", type=Path)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name, Progress(console=Console(stderr=True), transient=True) as bar:
        folder = Path(name)
        bundle, pictures = arguments.bundle, folder / "soak"
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
            settle=arguments.settle,
            progress=lambda done: bar.update(task, completed=done),
        )
        record |= {"machine": machine(), "input_size": read_manifest(bundle)[0].input_size, "target": TARGET}
    print(
        f"{record['inspections']} inspections of {record['input_size']} in {record['seconds']:.0f} s: "
        f"{record['settled_mib']:.1f} MiB resident after {arguments.settle}, {record['last_mib']:.1f} at the end "
        f"({record['growth']:+.2%}), at most {record['largest_mib']:.1f} ({record['largest_growth']:+.2%}); "
        f"{record['lost']} results lost"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(record, indent=2))
    if arguments.chart:
        chart(record, arguments.settle, arguments.chart)


if __name__ == "__main__":
    main()
