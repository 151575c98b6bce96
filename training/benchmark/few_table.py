"""The figures of ``benchmark few``, averaged over seeds, for people."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import t as student

from training.benchmark.runs import Record

NEVER_WORSE: Final = 0.005
"""What ships may lose against normals only before a row counts as worse."""


def print_tables(rows: Sequence[Record]) -> None:
    """One line for each set, setting and number of shots: means over types and seeds, 95 % intervals over seeds."""
    table = Table(title="a few known anomalies", caption="means over seeds with 95 % intervals; hard: mean over types")
    for heading in ("set", "setting", "shots", "normals only", "shipped", "recall at 1 %", "at 5 %", "gate", "worst"):
        table.add_column(heading, justify="left" if heading in ("set", "setting", "gate") else "right")
    for (name, setting, shots), own in groups(rows).items():
        change = [each["shipped"]["auroc"] - each["normals_only"]["auroc"] for each in own]
        ships = sum(bool(each["gate"]) and each["gate"]["ships"] == "with anomalies" for each in own)
        table.add_row(
            name, setting or "", str(shots),
            _interval(own, "normals_only"), _interval(own, "shipped"),
            _mean(each["shipped"]["recall"]["1%"] for each in own),
            _mean(each["shipped"]["recall"]["5%"] for each in own),
            f"{ships} of {len(own)} ship" if shots else "",
            f"{min(change):+.4f}" if shots else "",
        )  # fmt: skip
    console = Console()
    console.print(table)
    worse = [each for each in rows if each["shipped"]["auroc"] < each["normals_only"]["auroc"] - NEVER_WORSE]
    console.print(f"rows in which what ships is worse by more than {NEVER_WORSE}: {len(worse)} of {len(rows)}")
    _print_others(rows, console)


def groups(rows: Iterable[Record]) -> dict[tuple[str, str | None, int], list[Record]]:
    """Rows by set, setting and shots."""
    grouped: dict[tuple[str, str | None, int], list[Record]] = {}
    for row in rows:
        grouped.setdefault((row["set"], row["setting"], row["shots"]), []).append(row)
    return grouped


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and half of its 95 % confidence interval (Student), 0 for a single value."""
    if len(values) < 2:
        return float(np.mean(values)), 0.0
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(student.ppf(0.975, len(values) - 1) * error)


def _interval(rows: Sequence[Record], of: str) -> str:
    by_seed: dict[int, list[float]] = {}
    for row in rows:
        by_seed.setdefault(row["seed"], []).append(row[of]["auroc"])
    mean, half = interval([float(np.mean(own)) for own in by_seed.values()])
    return f"{mean:.4f} ± {half:.4f}"


def _mean(values: Iterable[float]) -> str:
    return f"{np.mean(list(values)):.3f}"


def _print_others(rows: Sequence[Record], console: Console) -> None:
    """Where the defects are, and the peer."""
    for (name, _, _), own in groups(rows).items():
        pixel = [each["pixel"] for each in own if each.get("pixel")]
        if pixel:
            auroc, pro = (_mean(each[key] for each in pixel) for key in ("auroc", "pro"))
            console.print(f"{name}: pixel AUROC {auroc}, PRO {pro}")
        peer = [each["peer"]["auroc"] for each in own if each.get("peer")]
        if peer:
            ours = _mean(each["normals_only"]["auroc"] for each in own if each.get("peer"))
            console.print(f"{name}: anomalib's PatchCore {_mean(peer)} on splits where normals only is {ours}")
