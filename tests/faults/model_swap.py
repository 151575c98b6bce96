"""Another model at 30 parts a second: does a trigger go without an answer, or wait longer, because of it?

    python -m tests.faults.model_swap [--bundle BUNDLE] [--rate 30] [--swaps 10] [--parts 300] [--json FILE]

Real daemon, mosquitto and PLC. `inspector deploy` brings two bundles in turn, compared in the shadow and watched, with
as many parts without a deployment in between; then three that have to be refused. Without a bundle one is made that has
the default network. Latency is the PLC's, from trigger to answer. Exit status 1 where the contract is broken.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread

import numpy as np
from rich.console import Console
from rich.table import Table

from inspector.bench.report import machine
from inspector.bundle import MODEL
from inspector.cameras.pacing import Pace
from tests.bundles import altered, copied, digest_of, with_another_input_size, with_other_golden_scores
from tests.faults.line import STATION, Line
from tests.parts import write_line_size_bundle

DEADLINE_MS = 500
WARM_UP = 60
"""Parts before anything is counted."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, by the monotonic clock, and what went on."""

    kind: str
    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    triggers: int
    swaps: int
    switches_seen: int
    """Changes of the bundle from one answer to the next."""
    refused: dict[str, str]
    """What was said of each bundle that must not get in."""
    breaches: dict[str, int]
    decided_by: dict[str, dict[str, int]]
    """By span: pass, error, late, silence."""
    answer_ms: dict[str, dict[str, float]]
    """By span."""
    seconds_of_a_swap: float

    @property
    def good(self):
        unlike = {why for counts in self.decided_by.values() for why in counts} - {"pass"}
        return not self.breaches and not unlike and self.switches_seen == self.swaps and len(self.refused) == 3


class Presses:
    """A PLC that triggers for as long as the block lasts, whatever else is done meanwhile."""

    def __init__(self, plc, rate_hz):
        self._plc, self._pace, self._stop = plc, Pace(rate_hz), Event()
        self._thread = Thread(target=self._run)
        self.sent = 0

    def _run(self):
        while not self._stop.is_set():
            self._pace.wait(float("inf"))
            self._pace.step(time.monotonic())
            self._plc.trigger(f"part-{self.sent}", DEADLINE_MS)
            self.sent += 1

    def wait_for(self, parts):
        ends = self.sent + parts
        while self.sent < ends:
            time.sleep(0.05)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._plc.settle()


def run(folder, bundle, *, rate_hz, swaps, parts, shadow=60, probation=60):
    folder.mkdir(parents=True, exist_ok=True)
    bundles = [copied(bundle, folder / name, name=name) for name in ("first", "second")]
    process = {"models": {"folder": str(folder / "models")}, "control": {"socket": str(folder / "control.sock")}}
    with Line(folder / "line", bundle, process=process) as line:
        plc = line.plc()
        spans, refused = [], {}
        with Presses(plc, rate_hz) as presses:
            presses.wait_for(WARM_UP)
            for new in itertools.islice(itertools.cycle(bundles), swaps):
                spans.append(span("normal", presses.wait_for, parts))
                spans.append(span("swap", swap, line, new, shadow, probation))
            spans.append(span("normal", presses.wait_for, parts))
            for kind, bad in unusable(bundle, folder):
                spans.append(span("refused", lambda bad=bad, kind=kind: refused.update({kind: refusal(line, bad)})))
            presses.wait_for(10)
        line.stop()
        return judge(plc, spans, swaps, refused, digest_of(bundles[(swaps - 1) % 2]))


def span(kind, work, *arguments):
    began_s = time.monotonic()
    work(*arguments)
    return Span(kind, began_s, time.monotonic())


def deploy(line, bundle, *options):
    command = [sys.executable, "-m", "inspector.cli", "deploy", bundle, "--config", line.config, "--station", STATION]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def swap(line, bundle, shadow, probation):
    done = deploy(line, bundle, "--shadow", str(shadow), "--probation", str(probation), "--wait")
    assert done.returncode == 0, done.stdout + done.stderr


def refusal(line, bundle):
    done = deploy(line, bundle, "--wait")
    assert done.returncode in {1, 78}, f"{bundle} was not refused: {done.stdout}{done.stderr}"
    return (done.stdout + done.stderr).strip().splitlines()[-1]


def unusable(bundle, folder):
    corrupt = copied(bundle, folder / "corrupt", name="corrupt")
    model = bytearray((corrupt / MODEL).read_bytes())
    model[len(model) // 2] ^= 1
    (corrupt / MODEL).write_bytes(model)
    yield "one bit of the network changed", corrupt
    yield "another input size", altered(bundle, folder / "input size", with_another_input_size)
    yield "golden pictures with other scores", altered(bundle, folder / "golden", with_other_golden_scores)


def judge(plc, spans, swaps, refused, last_digest):
    entries = [each for each in plc.ledger.entries.values() if each.sent_s >= spans[0].began_s]
    answered = [each.answers[0].inspection for each in entries if each.answers]
    assert answered[-1].bundle == last_digest, "the last answers are not by the last model that was deployed"
    within = {kind: [each for each in entries if sent_in(each, spans, kind)] for kind in ("normal", "swap", "refused")}
    answer_ms = {kind: answer_times_ms(found) for kind, found in within.items()}
    ratios = {name: answer_ms["swap"][name] / answer_ms["normal"][name] for name in ("p50", "p99", "max")}
    return Outcome(
        triggers=len(entries),
        swaps=swaps,
        switches_seen=sum(before.bundle != after.bundle for before, after in itertools.pairwise(answered)),
        refused=refused,
        breaches=plc.figures().breaches,
        decided_by={
            kind: dict(Counter(str(each.why(float("inf"))) for each in found)) for kind, found in within.items()
        },
        answer_ms=answer_ms | {"swap to normal": ratios},
        seconds_of_a_swap=float(np.median([each.ended_s - each.began_s for each in spans if each.kind == "swap"])),
    )


def sent_in(entry, spans, kind):
    return any(each.kind == kind and each.began_s <= entry.sent_s < each.ended_s for each in spans)


def answer_times_ms(entries):
    times_ms = [(each.answers[0].received_s - each.sent_s) * 1000 for each in entries if each.answers]
    p50, p99, most = np.percentile(times_ms, [50, 99, 100])
    return {"count": len(times_ms), "p50": float(p50), "p99": float(p99), "max": float(most)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--rate", type=float, default=30.0, help="parts a second; default 30")
    parser.add_argument("--swaps", type=int, default=10, help="default 10")
    parser.add_argument("--parts", type=int, default=300, help="between two swaps; default 300")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = arguments.bundle or Path(scratch) / "bundle"
        if not arguments.bundle:
            write_line_size_bundle(bundle)
        sizes = {"rate_hz": arguments.rate, "swaps": arguments.swaps, "parts": arguments.parts}
        outcome = run(Path(scratch) / "swap", bundle, **sizes)
    table = Table("", "parts", "decided by", "p50", "p99", "max", title="trigger to answer, milliseconds")
    for kind, row in outcome.answer_ms.items():
        numbers = [f"{row[name]:.2f}" for name in ("p50", "p99", "max")]
        table.add_row(kind, str(row.get("count", "")), str(outcome.decided_by.get(kind, "")), *numbers)
    Console().print(table)
    print(
        f"{outcome.switches_seen} switches, a swap took {outcome.seconds_of_a_swap:.1f} s; breaches: {outcome.breaches}"
    )
    for kind, said in outcome.refused.items():
        print(f"refused, {kind}: {said}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), **asdict(outcome)}, indent=2) + "\n")
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
