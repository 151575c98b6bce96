"""What the archive costs the verdict: the witness's call itself, and the line's latency with its thread at work.

    python -m tests.benchmarks.archive_cost BUNDLE [--megapixels 2] [--count 600] [--rate 20] [--folder D] [--json F]

A station judges frames of that size at that rate. The contenders take turns: ``without`` an archive; ``keeping all``,
which is the worst case: each frame is compressed, drawn over with its heat map, and written with three waits for the
disk; and ``pruning``, while 30,000 files are gone through again and again, by a process of its own as the daemon has it
done, and by a thread of this one. ``see`` is the time for which the station's thread is in the archive's hands.
"""

import argparse
import json
import tempfile
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import numpy as np
from rich.console import Console
from rich.table import Table

from inspector.archive import ArchiveSettings
from inspector.archive.apart import prune_apart
from inspector.archive.prune import Limits, prune
from inspector.bench.report import machine
from inspector.bundle import read_bundle
from inspector.cameras.pacing import Pace
from inspector.cores import compute_in_the_calling_thread, give_way
from inspector.inspection import Frame, utc_now
from inspector.judge import Judge
from tests.archived import id_at, put

TURNS = 6
"""Of each contender."""

STATION = "bench"


class Nobody:
    """In the archive's place."""

    def see(self, evidence):
        pass

    def close(self):
        pass


class Pruning(Nobody):
    """Retention alone, which finds nothing to delete."""

    def __init__(self, folder, prune):
        self._stop = Event()
        self._thread = Thread(target=self._run, args=(folder, prune))
        self._thread.start()

    def _run(self, folder, prune):
        while not self._stop.is_set():
            prune(folder, Limits(pass_days=1e4, reject_days=1e4, max_bytes=None, min_free_bytes=0), utc_now())

    def close(self):
        self._stop.set()
        self._thread.join()


def prune_here(folder, limits, now):
    """As the daemon did at first."""
    give_way()
    return prune(folder, limits, now=now)


def a_frame(megapixels, number):
    """Noise is the hardest to compress: a part is smoother."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    pixels = np.random.default_rng(number).integers(60, 120, (height, height * 4 // 3, 3), dtype=np.uint8)
    return lambda: Frame(pixels, time.monotonic(), utc_now(), number, "noise")


def turn(judge, witness, frames, count, rate_hz):
    """Milliseconds of ``count`` verdicts, and of showing each to the witness."""
    pace, verdicts_ms, shown_ms = Pace(rate_hz or None), [], []
    for number in range(count):
        while not pace.wait(time.monotonic() + 1):
            pass
        pace.step(time.monotonic())
        evidence = judge.inspect(frames[number % len(frames)]())
        began_s = time.perf_counter()
        witness.see(evidence)
        shown_ms.append((time.perf_counter() - began_s) * 1000)
        verdicts_ms.append(evidence.inspection.timings_ms["total"])
    return verdicts_ms, shown_ms


def measure(bundle, folder, megapixels, count, rate_hz, old=10_000):
    """Milliseconds by contender, and how many of the inspections were archived; ``old`` ones lie there to be pruned."""
    compute_in_the_calling_thread()
    judge = Judge(STATION, read_bundle(bundle), max_latency_ms=1e6)
    frames = [a_frame(megapixels, number) for number in range(4)]
    settings = ArchiveSettings(folder=folder / "new", keep_passes=1, min_free_bytes=0)
    for number in range(old):
        put(folder / "old", id_at(hours=-number % 200), parts=("jpg", "heat.jpg", "json"))
    contenders = {
        "without": Nobody,
        "keeping all": lambda: settings.open(STATION),
        "pruning": lambda: Pruning(folder / "old", prune_apart),
        "pruning in this process": lambda: Pruning(folder / "old", prune_here),
    }
    turn(judge, Nobody(), frames, 5, rate_hz)
    times_ms = {name: {"verdict": [], "see": []} for name in contenders}
    for _ in range(TURNS):
        for name, open_witness in contenders.items():
            with closing(open_witness()) as witness:
                verdicts_ms, shown_ms = turn(judge, witness, frames, -(-count // TURNS), rate_hz)
            times_ms[name]["verdict"] += verdicts_ms
            times_ms[name]["see"] += shown_ms
    archived = len(list((folder / "new").rglob("*.json")))
    rows = {f"{what}, {name}": figures(ms) for name, each in times_ms.items() for what, ms in each.items()}
    return {"rows": rows, "archived": archived, "shown": len(times_ms["keeping all"]["see"])}


def figures(milliseconds):
    """Percentiles and the slowest."""
    percentiles = {f"p{each}": float(np.percentile(milliseconds, each)) for each in (50, 99)}
    return {"count": len(milliseconds), **percentiles, "max": max(milliseconds)}


def print_table(measured):
    table = Table(title="milliseconds", caption=f"{measured['archived']} of {measured['shown']} were archived")
    for heading in ("", "p50", "p99", "slowest"):
        table.add_column(heading, justify="right")
    for name, row in measured["rows"].items():
        table.add_row(name, *(f"{row[each]:.3f}" for each in ("p50", "p99", "max")))
    Console().print(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--megapixels", type=float, default=2, help="of a frame; default 2")
    parser.add_argument("--count", type=int, default=600, help="verdicts of each contender; default 600")
    parser.add_argument("--rate", type=float, default=20, help="frames a second, 0 is full speed; default 20")
    parser.add_argument("--folder", type=Path, help="on the disk that is meant; default the one for temporary files")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        measured = measure(arguments.bundle, Path(folder), arguments.megapixels, arguments.count, arguments.rate)
    measured |= {"machine": machine(), "megapixels": arguments.megapixels, "rate_hz": arguments.rate or None}
    print_table(measured)
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
