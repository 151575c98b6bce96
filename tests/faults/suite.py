"""A PLC triggers a real line while at random everything fails that can fail, and then the books are compared.

    python -m tests.faults.suite [--count 10000] [--seed 1] [--rate 50] [--kind KIND] [--tls] [--json FILE]

Daemon and broker are killed and started again, the network is cut or hangs, the camera goes blind or away; triggers
come alone and in bursts, twice, again long afterwards, and with an id that another part had. One good or bad part lies
in front of the camera until every trigger for it is decided. Exit status 1 when anything is not 0 that must be.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from rich.console import Console
from rich.table import Table

from inspector.bench.report import machine
from inspector.plc_sim.log import TriggerLog
from tests.broker import wait_until
from tests.faults.audit import audit, rows_of
from tests.faults.line import FAULTS, Line
from tests.faults.stage import DEFECT, GOOD
from tests.parts import write_small_bundle
from tests.plant import Plant

DEADLINE_MS, MARGIN_MS = 300, 150
BURSTS = [1] * 12 + [2, 3, 4, 6]
"""Triggers for one part; the station's queue holds two besides the one in work."""
CALM_S, TROUBLE_S = (0.5, 4.0), (0.1, 2.0)
"""How long, from and to, all is well, and something is not."""


class Chaos:
    """Breaks and mends one thing after the other in a thread of its own, also before the last one is well again."""

    def __init__(self, line, rng, kinds=tuple(FAULTS)):
        self._line = line
        self._rng = rng
        self._kinds = kinds
        self._stop = Event()
        self._error = None
        self._thread = Thread(target=self._run, name="chaos", daemon=True)

    def _run(self):
        try:
            while not self._stop.wait(self._rng.uniform(*CALM_S)):
                self._line.breaking(self._rng.choice(self._kinds))
                self._stop.wait(self._rng.uniform(*TROUBLE_S))
                self._line.mend()
        except Exception as error:  # noqa: BLE001 - raised again where somebody sees it
            self._error = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self._error:
            raise self._error


def drive(line, plc, rng, *, count, rate_hz, deadline_ms, progress=lambda sent: None):
    """Trigger ``count`` times, part after part."""
    sent, due_s = 0, time.monotonic()
    answered = []
    while sent < count:
        kind = rng.choice([GOOD, DEFECT])
        line.stage.place(kind)
        burst = min(rng.choice(BURSTS), count - sent)
        entries = [
            plc.trigger(f"{kind}-{sent + number}", deadline_ms, copies=1 + (rng.random() < 0.1))
            for number in range(burst)
        ]
        sent += burst
        plc.decide(entries)
        answered += [each for each in entries if each.answers]
        repeat_or_contest(plc, rng, answered)
        progress(sent)
        due_s = max(due_s + burst / rate_hz, time.monotonic() - 1)
        time.sleep(max(0.0, due_s - time.monotonic()))


def repeat_or_contest(plc, rng, answered):
    """Now and then an old trigger comes again, or its id for another part."""
    if answered and rng.random() < 0.02:
        plc.again(rng.choice(answered))
    if answered and rng.random() < 0.01:
        plc.contest(rng.choice(answered), "good-contested")


def recover(line, plc):
    """Nothing fails any more: wait until all is well and every row has arrived, or a minute has passed, and end it.

    Returns when that was.
    """
    line.witness.wait_until_ready(time.monotonic())
    wait_until(lambda: not plc.ledger.away, "the PLC's connection")
    plc.settle()
    recorded = {row["sequence"] for row in rows_of(line)}
    with suppress(AssertionError):  # the audit counts what is missing
        wait_until(lambda: recorded <= line.witness.sequences, "every row", 60)
    ended_s = time.monotonic()
    line.stop()
    return ended_s


def run(
    folder,
    bundle,
    *,
    count,
    seed,
    rate_hz,
    deadline_ms=DEADLINE_MS,
    tls=False,
    kinds=tuple(FAULTS),
    progress=lambda sent: None,
):
    """The audit of one run."""
    plant = Plant(folder / "plant") if tls else None
    with Line(folder / "line", bundle, plant=plant) as line:
        plc = line.plc(margin_ms=MARGIN_MS)
        with Chaos(line, random.Random(seed + 1), kinds):
            load = {"count": count, "rate_hz": rate_hz, "deadline_ms": deadline_ms}
            drive(line, plc, random.Random(seed), **load, progress=progress)
        result = audit(line, plc, recover(line, plc))
        with TriggerLog(line.folder / "triggers.jsonl") as log:
            log.write(plc.ledger, until_s=float("inf"))
        return result


def table_of(result):
    table = Table("", "", title="what must be 0, and what there was")
    table.columns[1].justify = "right"
    for name, value in asdict(result).items():
        if name == "triggers":
            table.add_section()
        text = ", ".join(f"{key} {each:.4g}" for key, each in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(name.replace("_", " "), text or "intact", style="red" if name in result.broken else "none")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="triggers; default 10000")
    parser.add_argument("--seed", type=int, default=1, help="of what fails and when; default 1")
    parser.add_argument("--rate", type=float, default=50.0, help="triggers a second at most; default 50")
    parser.add_argument("--kind", action="append", choices=FAULTS, help="let only this fail; may be given again")
    parser.add_argument("--tls", action="store_true", help="with the shipped broker configuration and certificates")
    parser.add_argument(
        "--bundle", type=Path, help="bundle for the pictures of tests/parts.py; without it, one is made"
    )
    parser.add_argument("--keep", type=Path, help="folder for logs and records; without it, they are thrown away")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    console, started_s = Console(), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = arguments.bundle or Path(scratch) / "bundle"
        if not arguments.bundle:
            write_small_bundle(bundle)
        with console.status("") as status:
            result = run(
                arguments.keep or Path(scratch),
                bundle,
                count=arguments.count,
                seed=arguments.seed,
                rate_hz=arguments.rate,
                tls=arguments.tls,
                kinds=arguments.kind or tuple(FAULTS),
                progress=lambda sent: status.update(f"{sent} of {arguments.count} triggers"),
            )
    console.print(table_of(result))
    if arguments.json:
        about = {"machine": machine(), "seed": arguments.seed, "tls": arguments.tls}
        about["seconds"] = time.monotonic() - started_s
        arguments.json.write_text(json.dumps({**about, **asdict(result)}, indent=2) + "\n")
    return 1 if result.broken else 0


if __name__ == "__main__":
    sys.exit(main())
