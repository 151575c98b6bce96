"""The broker is away while the camera runs on: is everything delivered afterwards, in order, and is live still live?

    python -m tests.faults.broker_away [--rows 12000] [--rate 20] [--normal 1200] [--json FILE]

Latency is that of a live result, from its frame to the witness: before the outage, and while the backlog is delivered.
"""

import argparse
import itertools
import json
import sqlite3
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from inspector.bench.report import machine
from tests.broker import wait_until
from tests.faults.audit import MOMENT, all_alike, rows_of
from tests.faults.line import Line
from tests.parts import write_small_bundle


@dataclass(frozen=True, slots=True)
class Outcome:
    rows: int
    """In the record."""
    missing: int
    """Of these, never delivered."""
    altered: int
    """Delivered and not as recorded, times included."""
    late_rows: int
    """Delivered with ``historical: true``."""
    out_of_order: int
    """Of these, behind one with a higher sequence."""
    replay_s: float
    """From the first of these to the last."""
    normal_ms: dict[str, float]
    replay_ms: dict[str, float]
    """Latency of live results."""

    @property
    def good(self):
        return not (self.missing or self.altered or self.out_of_order) and self.late_rows > 0


def run(folder, bundle, *, rows, rate_hz, normal):
    with Line(folder, bundle, station={}, camera={"rate_hz": rate_hz}) as line:
        witness = line.witness
        witness.wait(lambda: len(witness.results) >= normal, "results of a normal time", 60 + 2 * normal / rate_hz)
        line.breaking("broker killed")
        wanted = newest(line) + rows
        wait_until(lambda: newest(line) >= wanted, f"{rows} rows without a broker", 60 + 2 * rows / rate_hz)
        line.mend()
        wait_until(lambda: has_all(witness, wanted), "the backlog", 600)
        # As many live ones behind it, so that there are some in any case.
        last = newest(line) + 20
        wait_until(lambda: has_all(witness, last), "live results behind the backlog", 60)
        line.stop()
        return judge(rows_of(line), witness, line.outages[0].began_s)


def has_all(witness, count):
    """Counted first: to compare all of them holds the witness up."""
    return len(witness.sequences) >= count and set(range(count)) <= set(witness.sequences)


def newest(line):
    (file,) = Path(line.record["folder"]).glob("*.sqlite")
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT max(sequence) FROM rows").fetchone()[0]
    finally:
        connection.close()


def judge(rows, witness, outage_s):
    told, recorded = witness.by_id(), {row["id"]: row for row in rows}
    late = [each for each in witness.results if each.inspection["historical"]]
    sequences = [each.inspection["sequence"] for each in late]
    began_s, ended_s = late[0].arrived_s, late[-1].arrived_s
    live = [each for each in witness.results if not each.inspection["historical"]]
    return Outcome(
        rows=len(rows),
        missing=len(recorded.keys() - told.keys()),
        altered=sum(not all_alike([recorded[each], *told[each]]) for each in recorded.keys() & told.keys()),
        late_rows=len(set(sequences)),
        out_of_order=sum(later < earlier for earlier, later in itertools.pairwise(sequences)),
        replay_s=ended_s - began_s,
        normal_ms=latency_ms(each for each in live if each.arrived_s < outage_s),
        replay_ms=latency_ms(each for each in live if began_s <= each.arrived_s <= ended_s),
    )


def latency_ms(results):
    latencies = [
        (each.arrived_at_s - MOMENT.validate_python(each.inspection["captured_at"]).timestamp()) * 1000
        for each in results
    ]
    if not latencies:
        return {"count": 0}
    p50, p99, most = np.percentile(latencies, [50, 99, 100])
    return {"count": len(latencies), "p50": float(p50), "p99": float(p99), "max": float(most)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=12_000, help="made while the broker is away; default 12000")
    parser.add_argument("--rate", type=float, default=20.0, help="frames a second; default 20")
    parser.add_argument("--normal", type=int, default=1200, help="results before it goes away; default 1200")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = arguments.bundle or Path(scratch) / "bundle"
        if not arguments.bundle:
            write_small_bundle(bundle)
        folder = Path(scratch) / "line"
        outcome = run(folder, bundle, rows=arguments.rows, rate_hz=arguments.rate, normal=arguments.normal)
    table = Table("", "", title=f"broker away for {arguments.rows} rows at {arguments.rate:g} a second")
    for name, value in asdict(outcome).items():
        text = (
            ", ".join(f"{key} {each:.4g}" for key, each in value.items()) if isinstance(value, dict) else f"{value:.4g}"
        )
        table.add_row(name.replace("_", " "), text)
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), **asdict(outcome)}, indent=2) + "\n")
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
