"""Does a promise hold? Over many simulated calibrations, and on real sets beside what their tested normals show."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.progress import Progress

from training.benchmark.few_seen import SetSeen
from training.benchmark.promise_sets import CONFIG, look, normals_of, observed, scored
from training.benchmark.promise_shapes import SHAPES, Shape, broken, modelled, of_scores
from training.benchmark.promise_table import print_tables
from training.benchmark.runs import Record, machine, positive, resumed
from training.benchmark.sets import PictureSet, find_sets
from training.progress import console

CALIBRATIONS: Final = 2000
ASKED: Final = ((59, 0.05), (299, 0.01), (400, 0.05))
"""Normals and the share that they promise: the fewest that can, twice, and some more."""

MODELLED: Final = (300, 0.002)
"""Too few normals for such a share, which takes 1,497."""

MODEL_COSTS: Final = 20
"""Times as many calibrations go into a promise as into the model, each of which is fitted 200 times."""

SHARES: Final = (0.01, 0.05)
"""Promised on real sets."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``benchmark promise``."""
    parser = commands.add_parser("promise", help="how often a promised false-reject rate is broken, and on real sets")
    parser.add_argument("--calibrations", type=positive, default=CALIBRATIONS, help="of each shape (default: 2000)")
    parser.add_argument("--data", type=Path, help="folder of sets, each with normal/ and a folder a type")
    parser.add_argument("--sets", type=_names, default=[], help="names, with commas; elpv is taken from its package")
    parser.add_argument("--seeds", type=positive, default=3, help="fits of each set (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=Path("build/benchmark/promise.json"), metavar="OUT")
    parser.set_defaults(command=run)


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def run(arguments: argparse.Namespace) -> int:
    """Run what is not done yet, write the JSON file and print the tables."""
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    sets = find_sets(arguments.data, arguments.sets) if arguments.data else []
    settings: Record = {"config": CONFIG.model_dump(mode="json"), "machine": machine()}
    fits = [row for pictures in sets for row in _fits(pictures, arguments.seeds, settings, arguments.json)]
    real = [of_scores(f"{row['set']}, resampled", normals_of(row)) for row in fits if row["seed"] == 0]
    simulated = _simulated([*SHAPES, *real], arguments.calibrations)
    kept = [{"set": row["set"], "seed": row["seed"], **observed(row, share)} for share in SHARES for row in fits]
    arguments.json.write_text(json.dumps({**settings, "simulated": simulated, "sets": kept}, indent=1) + "\n")
    print_tables(simulated, kept)
    return 0


def _simulated(shapes: Sequence[Shape], calibrations: int) -> list[Record]:
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("simulated calibrations", total=2 * len(shapes))
        rows = []
        for shape in shapes:
            rows += [broken(shape, n, share, calibrations) for n, share in ASKED]
            bar.advance(task)
        for shape in shapes:
            rows.append(modelled(shape, *MODELLED, max(calibrations // MODEL_COSTS, 1)))
            bar.advance(task)
    return rows


def _fits(pictures: PictureSet, seeds: int, settings: Record, output: Path) -> list[Record]:
    whole: list[SetSeen] = []
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(pictures.name, total=None)

        def once(tags: Record) -> list[Record]:
            if not whole:
                whole.append(look(pictures, lambda done: bar.advance(task, done), CONFIG))
            return [{"set": pictures.name, **tags, **scored(whole[0], pictures, tags["seed"], CONFIG)}]

        header = {**settings, "set": pictures.name, "pictures": len(pictures.normal)}
        path = output.with_suffix(f".{pictures.name}.jsonl")
        return resumed(path, header, [{"seed": seed} for seed in range(seeds)], once)
