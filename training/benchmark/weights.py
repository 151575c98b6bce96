"""What the weight of an anomaly type buys: its recall at fixed false-reject rates, and what the other types pay."""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from inspector.errors import DataError
from inspector.inspection import Floats
from training.benchmark.few import CONFIG, RATES
from training.benchmark.few_seen import OfSeed, SetSeen
from training.benchmark.few_table import interval
from training.benchmark.runs import Record, machine, positive, resumed
from training.benchmark.sets import PictureSet, find_sets
from training.benchmark.splits import Split, splits
from training.config import AnomalyTypeSettings, DataSettings, TrainingConfig
from training.fit import fit_seen
from training.parts import Distances

SHOTS: Final = 3
"""Known pictures of each type, so that a weight has something to weigh."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``benchmark weights``."""
    parser = commands.add_parser("weights", help="recall of one anomaly type by its weight, on a set of several types")
    parser.add_argument("set", type=Path, help="folder of the set, with normal/ and a folder a type")
    parser.add_argument("--type", required=True, help="the anomaly type whose weight changes")
    parser.add_argument("--weights", type=_weights, default=[1.0, 3.0, 10.0], help="with commas (1,3,10)")
    parser.add_argument("--seeds", type=positive, default=5, help="number of seeds (default: %(default)s)")
    parser.add_argument(
        "--json", type=Path, default=Path("build/benchmark/weights.json"), metavar="OUT", help="results"
    )
    parser.set_defaults(command=run)


def _weights(text: str) -> list[float]:
    try:
        weights = [float(each) for each in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: give numbers with commas, such as 1,3,10") from error
    if min(weights) <= 0:
        raise argparse.ArgumentTypeError(f"{text}: weights are above 0")
    return weights


def run(arguments: argparse.Namespace) -> int:
    """Run what is not done yet, write the JSON file and print the table."""
    (pictures,) = find_sets(arguments.set.parent, [arguments.set.name])
    if arguments.type not in pictures.anomalies or len(pictures.anomalies) < 2:
        raise DataError(f"{arguments.set}: needs the type '{arguments.type}' and another; correct --type")
    record: Record = {"set": pictures.name, "type": arguments.type, "shots": SHOTS, "machine": machine()}
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    runs = [{"seed": seed, "weight": weight} for seed in range(arguments.seeds) for weight in arguments.weights]
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(pictures.name, total=len(runs))
        whole = SetSeen.of(CONFIG, pictures, lambda _: None)
        shared: dict[int, tuple[OfSeed, Distances]] = {}

        def once(tags: Record) -> list[Record]:
            split = _split(pictures, tags["seed"])
            if tags["seed"] not in shared:
                shared.clear()
                shared[tags["seed"]] = OfSeed(CONFIG, whole, split), Distances()
            of_seed, distances = shared[tags["seed"]]
            weighted = {arguments.type: AnomalyTypeSettings(weight=tags["weight"])}
            config = of_seed.config.model_copy(update={"data": DataSettings(root=Path("unused"), anomalies=weighted)})
            bar.advance(task)
            return [{**tags, **_measured(config, whole, of_seed, distances, split)}]

        rows = resumed(arguments.json.with_suffix(".jsonl"), record, runs, once)
    arguments.json.write_text(json.dumps({**record, "rows": rows}, indent=1) + "\n")
    _print(rows, arguments.type)
    return 0


def _split(pictures: PictureSet, seed: int) -> Split:
    """Some pictures of every type are known, and the rest of all types is tested."""
    numbers = {name: len(own) for name, own in pictures.anomalies.items()}
    (split,) = splits(len(pictures.normal), numbers, seed=seed, shots=[0], settings=(), hard=())
    rng = np.random.default_rng(seed)
    known = {name: np.sort(rng.permutation(number)[:SHOTS]) for name, number in numbers.items()}
    unseen = {name: np.setdiff1d(np.arange(number), known[name]) for name, number in numbers.items()}
    return Split(seed, SHOTS, None, None, split.train, split.test, known, unseen)


def _measured(config: TrainingConfig, whole: SetSeen, of_seed: OfSeed, distances: Distances, split: Split) -> Record:
    model = fit_seen(config, whole.network, of_seed.training(split.known, config), distances)
    head = model.network.head
    normals = model.scorer.score(of_seed.tested.through(head))
    scores = {
        name: model.scorer.score(of_seed.of_type(name, rows).through(head)) for name, rows in split.unseen.items()
    }
    return {
        "gate": model.gate.ships if model.gate else None,
        "recall": {
            f"{rate:.0%}": {name: _recall(normals, own, rate) for name, own in scores.items()} for rate in RATES
        },
    }


def _recall(normals: Floats, anomalies: Floats, rate: float) -> float:
    """At the threshold that rejects this share of the tested normals."""
    return float((anomalies > np.quantile(normals, 1 - rate, method="higher")).mean())


def _print(rows: list[Record], name: str) -> None:
    table = Table(title=f"weight of '{name}'", caption="recall at equal false-reject rates, means with 95 % intervals")
    for heading in ("weight", *(f"{who}, at {rate:.0%}" for rate in RATES for who in (name, "other types"))):
        table.add_column(heading, justify="right")
    for weight in dict.fromkeys(each["weight"] for each in rows):
        own = [each for each in rows if each["weight"] == weight]
        cells = []
        for rate in RATES:
            recalls: list[dict[str, Any]] = [each["recall"][f"{rate:.0%}"] for each in own]
            cells.append([each[name] for each in recalls])
            cells.append([float(np.mean([value for of, value in each.items() if of != name])) for each in recalls])
        table.add_row(f"{weight:g}", *("{:.3f} ± {:.3f}".format(*interval(values)) for values in cells))
    Console().print(table)
