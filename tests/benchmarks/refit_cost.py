"""What a refit on the same machine costs the verdict: its latency while one is at work, and while none is.

    python -m tests.benchmarks.refit_cost BUNDLE TRAINING.yaml [--rate-hz 10] [--seconds 30] [--threads 1] [--json F]

A real daemon judges pictures of the simulator. The refit is begun as the operator's page begins it: in a process of its
own, at the lowest priority. Each is measured before, during and after, so that a busy machine shows.
"""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from inspector.bench.report import machine
from inspector.ui.job import Job
from tests.benchmarks.page_cost import STATION, percentile, round_of, verdicts_ms
from tests.broker import wait_until
from tests.page import PagedLine


def measured(line, command, seconds):
    """Milliseconds without, with, and without a refit; and how it ended."""
    before, ended = round_of(line, seconds), []
    job = Job(command, longest_s=600, ended=ended.append)
    with_it = []
    while not ended:
        with_it += round_of(line, 1)
    return {"none": before + round_of(line, seconds), "refit": with_it}, job.status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("training", type=Path, help="configuration whose refit is begun")
    parser.add_argument("--rate-hz", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    camera = f"{{kind: simulator, seed: 5, rate_hz: {arguments.rate_hz}}}"
    with TemporaryDirectory() as folder:
        words = ["refit", str(arguments.training), "--output", f"{folder}/out", "--threads", str(arguments.threads)]
        command = [sys.executable, "-m", "training.cli", *words, "--json", "--progress-json"]
        with PagedLine(Path(folder, "line"), arguments.bundle.resolve(), {STATION: camera}) as line:
            wait_until(lambda: verdicts_ms(line, ""), "the first verdict")
            milliseconds, status = measured(line, command, arguments.seconds)
    figures = {name: {"verdicts": len(each), "p50": percentile(each, 50), "p99": percentile(each, 99)}
               for name, each in milliseconds.items()}  # fmt: skip
    figures["ratio of p99"] = figures["refit"]["p99"] / figures["none"]["p99"]
    made = {"refit": status.step, "seconds": status.made.seconds if status.made else None, "machine": machine()}
    if arguments.json:
        arguments.json.write_text(json.dumps(figures | made, indent=1))
    table = Table("", "verdicts", "p50, ms", "p99, ms", caption=f"p99 {figures['ratio of p99']:.2f} times; {made}")
    for name in ("none", "refit"):
        row = figures[name]
        table.add_row(name, str(row["verdicts"]), f"{row['p50']:.1f}", f"{row['p99']:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
