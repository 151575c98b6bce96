"""How soon a changed camera and changed parts are found, what the alarm says, and how often it is false."""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from inspector.drift import DriftSettings
from inspector.drift.window import Part
from inspector.errors import DataError
from training.benchmark.drift_seen import DriftSet, see_set
from training.benchmark.drift_streams import DEFECT_SHARE, LONGEST, false_alarms, until_alarm, wave
from training.benchmark.runs import machine, positive
from training.benchmark.sets import find_sets

SPLITS: Final = 10
"""How often the normals are dealt anew into a reference and a stream."""

console = Console(stderr=True)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``benchmark drift``."""
    parser = commands.add_parser(
        "drift", help="changes of camera and parts: frames until the alarm, and false alarms among normals"
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of sets, each with normal/ and a folder a type")
    add("--sets", default="magnetic_tile,elpv", help="two or more names, with commas; each is the next one's other lot")
    add("--frames", type=positive, default=1_000_000, help="normal frames for false alarms (default: %(default)s)")
    add("--streams", type=positive, default=50, help="streams for each change (default: %(default)s)")
    add("--window", type=positive, default=DriftSettings().window, help="parts (default: %(default)s)")
    add("--seed", type=int, default=0)
    add("--json", type=Path, default=Path("build/benchmark/drift.json"), metavar="OUT", help="results")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Train on each set, measure, write the JSON file and print the table."""
    names = arguments.sets.split(",")
    if len(names) < 2:
        raise DataError("--sets: name two or more, since each is another lot to the one before")
    sets = find_sets(arguments.data, names)
    settings = DriftSettings(window=arguments.window)
    results: dict[str, Any] = {"machine": machine(), "settings": settings.model_dump(), "sets": {}}
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    for pictures, lot in zip(sets, [*sets[1:], sets[0]], strict=True):
        seen = see_set(pictures, lot, arguments.seed, partial(_say, pictures.name))
        _say(pictures.name, "streams")
        results["sets"][pictures.name] = _measured(seen, settings, arguments)
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    _print(results)
    return 0


def _measured(seen: DriftSet, settings: DriftSettings, arguments: argparse.Namespace) -> dict[str, Any]:
    changed = {name: own.parts(seen.threshold) for name, own in seen.changed.items()}
    changed[f"{DEFECT_SHARE:.0%} defects"] = wave(seen, arguments.seed)
    found = {
        name: until_alarm(seen, parts, settings, streams=arguments.streams, seed=arguments.seed)
        for name, parts in changed.items()
    }
    return {
        "held_out": len(seen.held_out),
        "tested": len(seen.tested),
        "frames": arguments.frames,
        "false_alarms": false_alarms(seen, settings, frames=arguments.frames, splits=SPLITS, seed=arguments.seed),
        "changes": {
            name: {"failing": _failing(changed[name]), "longest": LONGEST, **own.as_json()}
            for name, own in found.items()
        },
    }


def _say(name: str, what: str) -> None:
    console.print(f"{name}: {what}")


def _failing(parts: list[Part]) -> float:
    return sum(not part.passed for part in parts) / len(parts)


def _print(results: dict[str, Any]) -> None:
    for name, own in results["sets"].items():
        alarms = f"{own['false_alarms']} false alarms in {own['frames']:,} normal frames"
        caption = f"{alarms} drawn from {own['tested']} pictures; {own['held_out']} held-out normals"
        table = Table(
            "change",
            "FAIL",
            "alarms",
            "frames, median",
            "frames, 9 of 10",
            "says",
            "a window later",
            title=name,
            caption=caption,
        )
        for change, found in own["changes"].items():
            says = [_counts(found[each]) for each in ("says", "finally_says")]
            frames = [str(found[each] or f"> {found['longest']}") for each in ("median", "nine_of_ten")]
            alarms = f"{found['alarms']} of {found['streams']}"
            table.add_row(change, f"{found['failing']:.0%}", alarms, *frames, *says)
        Console().print(table)


def _counts(causes: dict[str, int]) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in sorted(causes.items())) or "nothing"
