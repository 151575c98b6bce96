"""What a row of the record costs the verdict, by durability, beside a bare write that waits for the disk.

    python -m tests.benchmarks.record_cost [--folder DIR] [--count 2000] [--rate 0] [--json FILE]

The contenders take turns. ``bare`` writes the same JSON to a file and waits for the disk (fdatasync): what ``power``
cannot do without. ``memory`` is numbering, JSON and hash with nothing kept: what is left without a disk. Each result is
delivered by its one sink at once, as by a broker that is there.
"""

import argparse
import json
import os
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from inspector.bench.report import machine
from inspector.cameras.pacing import Pace
from inspector.records.chain import GENESIS, link
from inspector.records.rows import INSPECTION, Draft
from tests.entries import entry, open_record

TURNS = 10
"""Of each contender."""

DURABILITIES = ("process", "power")


class Bare:
    """Rows in a plain file, each on the disk before the next."""

    def __init__(self, folder):
        self._file = (folder / "bare.jsonl").open("wb", buffering=0)

    def append(self, inspection):
        self._file.write(Draft.of_inspection(inspection).payload.encode() + b"\n")
        os.fdatasync(self._file.fileno())

    def close(self):
        self._file.close()


class Memory:
    """Rows that are chained and forgotten."""

    def __init__(self):
        self._hash, self._number = GENESIS, 0

    def append(self, inspection):
        self._number += 1
        self._hash = link(self._hash, self._number, INSPECTION, Draft.of_inspection(inspection).payload)

    def close(self):
        pass


class Delivering:
    """A record with a sink that delivers at once."""

    def __init__(self, folder, durability):
        self._record = open_record(folder / durability, durability=durability)

    def append(self, inspection):
        self._record.delivered("mqtt", [self._record.append(inspection).sequence])

    def close(self):
        self._record.close()


def costs_s(contender, count, rate_hz):
    """Seconds of each of ``count`` appends."""
    pace, seconds = Pace(rate_hz or None), []
    for number in range(count):
        inspection = entry(part_id=f"lid-{number}", trigger_id=f"trigger-{number}", picture="ab" * 32, config="cd" * 32)
        while not pace.wait(time.monotonic() + 1):
            pass
        pace.step(time.monotonic())
        began_s = time.perf_counter()
        contender.append(inspection)
        seconds.append(time.perf_counter() - began_s)
    return seconds


def measure(folder, count, rate_hz):
    """Milliseconds by contender, and how many bytes a row takes."""
    with ExitStack() as stack:
        contenders = {name: Delivering(folder, name) for name in DURABILITIES}
        contenders |= {"bare": Bare(folder), "memory": Memory()}
        for contender in contenders.values():
            stack.enter_context(closing(contender))
        seconds = {name: [] for name in contenders}
        for _ in range(TURNS):
            for name, contender in contenders.items():
                seconds[name] += costs_s(contender, -(-count // TURNS), rate_hz)
    (file,) = (folder / "process").glob("*.sqlite")
    rows = {name: figures_ms(each) for name, each in seconds.items()}
    return {"rows": rows, "bytes_per_row": file.stat().st_size / len(seconds["process"])}


def figures_ms(seconds):
    """Percentiles and the slowest."""
    milliseconds = np.multiply(seconds, 1000)
    percentiles = {f"p{each}": float(np.percentile(milliseconds, each)) for each in (50, 99)}
    return {"count": len(seconds), **percentiles, "max": float(milliseconds.max())}


def print_table(figures):
    table = Table(title="one row of the record, milliseconds")
    for heading in ("", "p50", "p99", "slowest", "p50 / bare"):
        table.add_column(heading, justify="right")
    for name, row in figures["rows"].items():
        ratio = row["p50"] / figures["rows"]["bare"]["p50"]
        table.add_row(name, *(f"{row[each]:.3f}" for each in ("p50", "p99", "max")), f"{ratio:.2f}")
    Console().print(table)
    print(f"{figures['bytes_per_row']:.0f} bytes a row")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="on the disk that is meant; default the one for temporary files")
    parser.add_argument("--count", type=int, default=2000, help="rows of each contender; default 2000")
    parser.add_argument("--rate", type=float, default=0, help="rows a second, 0 is full speed; default 0")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        figures = {"machine": machine(), "rate_hz": arguments.rate or None}
        figures |= measure(Path(folder), arguments.count, arguments.rate)
    print_table(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
