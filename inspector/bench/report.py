"""The figures of the benchmark for people, as tables, and for machines, as JSON."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from inspector.bench.figures import MAPPED_VERDICT, STAGES, Row, Spread
from inspector.bench.measure import STATIONS, Plan
from inspector.bench.replay import REFUSED, VERDICT
from inspector.bench.workers import END_TO_END, NETWORK
from inspector.bundle import read_manifest
from inspector.engine_record import situation
from inspector.engines import Engine
from inspector.inspection import Outcome

NAMES: Final = {
    **{stage: f"  {stage}" for stage in STAGES},
    VERDICT: "frame to verdict",
    END_TO_END: "frame to frame",
    MAPPED_VERDICT: "frame to verdict, with heat map",
    NETWORK: "bare network",
}

RATIOS: Final = {
    VERDICT: "verdict to bare network",
    MAPPED_VERDICT: "the same with heat map",
    "score": "score to bare network",
    "rate": "rate to that of as many bare networks",
    "rate_to_all_cores": "rate to that of one on all cores",
}


def machine() -> dict[str, Any]:
    """What was measured on."""
    here = situation("", [Engine()])
    return {
        "processor": here.processor,
        "usable_cores": here.usable_cores,
        "system": platform.platform(),
        "python": platform.python_version(),
        "engines": here.versions,
    }


def as_json(plan: Plan, sink: str, rows: Sequence[Row]) -> str:
    """One object: the machine, what was judged, and every row."""
    manifest, digest = read_manifest(plan.bundle)
    sizes = sorted({f"{each.shape[1]} x {each.shape[0]}" for each in plan.pictures})
    report = {
        "machine": machine(),
        "bundle": {"name": manifest.name, "digest": digest, "input_size": manifest.input_size},
        "pictures": {"count": len(plan.pictures), "sizes": sizes},
        "sink": sink,
        "rounds": plan.rounds,
        "rows": [asdict(row) for row in rows],
    }
    return json.dumps(report, indent=2)


def print_tables(rows: Sequence[Row], console: Console) -> None:
    """Of each row its stages and its ratios, and of several a summary."""
    here = machine()
    console.print(f"{here['processor']}, {_count(here['usable_cores'], 'core')}; in brackets quartiles over the rounds")
    for row in rows:
        console.print(_stages(row))
        console.print(_ratios(row))
        _print_troubles(row, console)
    if len(rows) > 1:
        console.print(_summary(rows))


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def _stages(row: Row) -> Table:
    table = _table(row.title, "milliseconds", "p50", "p95", "p99", "p99.9")
    for name, label in NAMES.items():
        seen = row.latency_ms[name]
        latencies = (seen.p50, seen.p95, seen.p99, seen.p99_9)
        table.add_row(label, *("" if each is None else f"{each:.2f}" for each in latencies))
    return table


def _ratios(row: Row) -> Table:
    table = Table.grid(padding=(0, 3))
    for name, ratio in row.ratios.items():
        table.add_row(f" {RATIOS[name]}", _spread(ratio, ".3f"))
    table.add_row(" inspections a second", _spread(row.per_second[STATIONS], ".1f"))
    table.add_row(" slowest to fastest station", f"{row.fairness:.3f}")
    table.add_row(" time outside the network", f"{row.outside_network:.1%}")
    table.add_row(" resident memory", " to ".join("?" if mib is None else f"{mib:.1f} MiB" for mib in row.memory_mib))
    return table


def _summary(rows: Sequence[Row]) -> Table:
    headings = ("stations", "p50", "p99", "ratio", "with map", "per s", "fairness")
    table = _table("frame to verdict, in milliseconds and as a ratio to the bare network", "", *headings)
    for row in rows:
        verdict = row.latency_ms[VERDICT]
        table.add_row(
            f"{row.engine} {row.precision}",
            f"{row.stations} x {row.threads_per_station}",
            f"{verdict.p50:.2f}",
            f"{verdict.p99:.2f}",
            f"{row.ratios[VERDICT].median:.3f}",
            f"{row.ratios[MAPPED_VERDICT].median:.3f}",
            f"{row.per_second[STATIONS].median:.1f}",
            f"{row.fairness:.3f}",
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _spread(value: Spread, form: str) -> str:
    return f"{value.median:{form}} [{value.quartile_1:{form}}, {value.quartile_3:{form}}]"


def _print_troubles(row: Row, console: Console) -> None:
    if errors := row.said.get(Outcome.ERROR, 0):
        console.print(f" {_count(errors, 'verdict')} ERROR: this bundle cannot judge these pictures", style="red")
    if refused := row.said.get(REFUSED, 0):
        console.print(f" the broker was too slow for {_count(refused, 'result')}", style="yellow")
