"""The main job, end to end: train on real cells with ten known defects, inspect cells that training never saw."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from inspector.bundle import Bundle, read_bundle
from inspector.inspection import Outcome
from training.cli import main as inspector_train
from training.demo.broker import running_broker
from training.demo.cells import DEFECT, KNOWN_DEFECTS, LICENCE, NORMALS, Cells, lay_out
from training.demo.line import run_line
from training.evaluate import Scored, known, score_files, summarise
from training.report import draw_histogram, draw_mistakes, draw_roc

OUTPUT: Final = Path("build/demo")
WITH, WITHOUT = f"with {KNOWN_DEFECTS} defects", "normals only"

CONFIG: Final = """\
name: solar cells, {name}
output: {output}
data:
  root: {training}
  auxiliary: {auxiliary}
  anomalies: {{{anomalies}}}
views: 1
peers: 0.5
false_reject_rate: 0.05
"""


def main() -> int:
    """Run the demo; returns the exit status."""
    console = Console()
    console.rule("[bold]solar cells: from pictures to verdicts")
    console.print(
        f"Pictures: elpv-dataset, Deitsch et al. 2019, {LICENCE} (not for commercial use, not redistributed).\n"
        f"Training sees {NORMALS} good mono cells, {KNOWN_DEFECTS} defective ones, and poly cells as auxiliary classes."
    )
    cells = lay_out(OUTPUT / "cells")
    bundles = {WITH: _train(cells, WITH, cells.training), WITHOUT: _train(cells, WITHOUT, _without_defects(cells))}

    unseen = {label: sorted((cells.unseen / label).iterdir()) for label in ("normal", DEFECT)}
    truth = {path.stem: label for label, paths in unseen.items() for path in paths}
    with running_broker(OUTPUT) as broker:
        console.rule(f"[bold]the daemon inspects {len(truth)} unseen cells, over {broker.name}")
        messages = run_line(bundles[WITH].path, cells.replay, truth, broker, OUTPUT)

    line = _scored(messages, cells, truth)
    alone = score_files(bundles[WITHOUT], unseen)
    summary = _summary(messages, line, alone, bundles[WITH])
    (OUTPUT / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    threshold = bundles[WITH].threshold
    draw_histogram(line, "normal", threshold, OUTPUT / "histogram.png")
    draw_roc({WITH: (line, "normal"), WITHOUT: (alone, "normal")}, OUTPUT / "roc.png")
    draw_mistakes(line, "normal", threshold, OUTPUT / "mistakes.png")
    _print_summary(console, summary)
    return 0


def _train(cells: Cells, name: str, training: Path) -> Bundle:
    output = OUTPUT / name.replace(" ", "-")
    output.mkdir(parents=True, exist_ok=True)
    anomalies = f"{DEFECT}: {{critical: true}}" if (training / DEFECT).exists() else ""
    config = output / "training.yaml"
    config.write_text(
        CONFIG.format(
            name=name,
            output=output.resolve(),
            training=training.resolve(),
            auxiliary=cells.auxiliary.resolve(),
            anomalies=anomalies,
        )
    )
    status = inspector_train(["fit", str(config)])
    if status:
        sys.exit(status)
    return read_bundle(output / "bundle")


def _without_defects(cells: Cells) -> Path:
    """The same normals in a set of their own."""
    folder = cells.training.with_name("normals-only")
    (folder / "normal").mkdir(parents=True, exist_ok=True)
    for picture in (cells.training / "normal").iterdir():
        (folder / "normal" / picture.name).hardlink_to(picture)
    return folder


def _scored(messages: Sequence[Any], cells: Cells, truth: dict[str, str]) -> list[Scored]:
    return [
        Scored(
            file=cells.unseen / truth[each["part_id"]] / f"{each['part_id']}.png",
            label=truth[each["part_id"]],
            score=known(each["score"]),
            outcome=Outcome(each["outcome"]),
            nearest_type=each["nearest_type"],
        )
        for each in messages
    ]


def _summary(messages: Sequence[Any], line: list[Scored], alone: list[Scored], bundle: Bundle) -> dict[str, Any]:
    figures = summarise(line, "normal")
    latency_ms = np.array([each["timings_ms"]["total"] for each in messages])
    return {
        "bundle": bundle.digest,
        "threshold": bundle.threshold,
        "judged": len(line),
        "auroc": figures["auroc"],
        "auroc_normals_only": summarise(alone, "normal")["auroc"],
        "recall": figures["recall"],
        "false_reject_rate": figures["false_reject_rate"],
        "errors": sum(each.outcome is Outcome.ERROR for each in line),
        "frame_to_verdict_ms": {"p50": float(np.median(latency_ms)), "p99": float(np.quantile(latency_ms, 0.99))},
    }


def _print_summary(console: Console, summary: dict[str, Any]) -> None:
    latency = summary["frame_to_verdict_ms"]
    table = Table(title="unseen cells", show_header=False, min_width=56)
    table.add_row(f"AUROC, {WITH}", f"[bold]{summary['auroc']:.4f}")
    table.add_row(f"AUROC, {WITHOUT}", f"{summary['auroc_normals_only']:.4f}")
    table.add_row("defects caught at the shipped threshold", f"{summary['recall']:.1%}")
    table.add_row("good cells rejected", f"{summary['false_reject_rate']:.1%}")
    table.add_row("frame to verdict, p50 / p99", f"{latency['p50']:.1f} / {latency['p99']:.1f} ms")
    console.print(table)
    bundle = OUTPUT / WITH.replace(" ", "-") / "bundle"
    console.print(
        f"Pictures worth a look: {OUTPUT}/histogram.png, roc.png, mistakes.png; the figures: summary.json.\n\n"
        "What to type next:\n"
        f"  .venv/bin/inspector inspect {bundle} {OUTPUT}/cells/unseen/{DEFECT}\n"
        f"  .venv/bin/inspector-train evaluate {bundle} {OUTPUT}/cells/unseen\n"
        "  and README.md, for a set and a camera of your own"
    )


if __name__ == "__main__":
    sys.exit(main())
