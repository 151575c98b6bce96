"""From a PLC's trigger to its answer, less what the inspection itself takes, over TLS beside plain.

    python -m tests.benchmarks.trigger_overhead [--bundle BUNDLE] [--count 2000] [--rate 20] [--json FILE]

Two whole lines run at the same time, daemon, mosquitto and PLC each: one in plain TCP, the other with the shipped
broker configuration and certificates. They take turns, trigger by trigger, so that both meet the same machine. What the
inspection takes is in the answer; the rest, record and acknowledgement included, is the overhead.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from inspector.bench.report import machine
from inspector.cameras.pacing import Pace
from tests.faults.line import Line
from tests.parts import write_small_bundle
from tests.plant import Plant

WARM_UP = 50
DEADLINE_MS = 5000


def measure(folder, bundle, *, count, rate_hz):
    """Milliseconds of overhead by kind, in the order of the triggers."""
    plant = Plant(folder / "plant")
    with Line(folder / "plain", bundle) as plain, Line(folder / "tls", bundle, plant=plant) as tls:
        plcs = {"plain": plain.plc(), "tls": tls.plc()}
        pace = Pace(rate_hz or None)
        for number in range(WARM_UP + count):
            pace.wait(float("inf"))
            pace.step(time.monotonic())
            for plc in plcs.values():
                plc.decide([plc.trigger(f"part-{number}", DEADLINE_MS)])
        return {kind: overheads_ms(list(plc.ledger.entries.values())[WARM_UP:]) for kind, plc in plcs.items()}


def overheads_ms(entries):
    """Of each trigger: from sending it to the arrival of its answer, less the inspection."""
    return [
        (entry.answers[0].received_s - entry.sent_s) * 1000 - entry.answers[0].inspection.timings_ms["total"]
        for entry in entries
    ]


def figures(overheads):
    rows = {}
    for kind, values in overheads.items():
        p50, p99, most = np.percentile(values, [50, 99, 100])
        rows[kind] = {"count": len(values), "p50": float(p50), "p99": float(p99), "max": float(most)}
    rows["tls to plain"] = {name: rows["tls"][name] / rows["plain"][name] for name in ("p50", "p99", "max")}
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, help="without it, a small one is made")
    parser.add_argument("--count", type=int, default=2000, help="triggers of each; default 2000")
    parser.add_argument("--rate", type=float, default=20.0, help="a second, 0 is full speed; default 20")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = arguments.bundle or Path(scratch) / "bundle"
        if not arguments.bundle:
            write_small_bundle(bundle)
        overheads = measure(Path(scratch), bundle, count=arguments.count, rate_hz=arguments.rate)
    rows = figures(overheads)
    table = Table("", "p50", "p99", "max", title="trigger to answer, less the inspection, milliseconds")
    for kind, row in rows.items():
        table.add_row(kind, *(f"{row[name]:.2f}" for name in ("p50", "p99", "max")))
    Console().print(table)
    if arguments.json:
        about = {"machine": machine(), "rate_hz": arguments.rate}
        arguments.json.write_text(json.dumps({**about, "rows": rows}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
