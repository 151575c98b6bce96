"""The shape of the source's second experiment: 21 normal pictures, 30 anomalies of one type, a network from scratch."""

import argparse
import json
import os
from pathlib import Path
from typing import Final

import numpy as np

from inspector.errors import DataError
from inspector.fusion import PartSettings
from inspector.inspection import Pixels
from inspector.scorers.mahalanobis import MahalanobisSettings
from training.benchmark.runs import Published, Record, draw_boxes, machine, positive, print_table, resumed, run_once
from training.config import DataSettings, TrainingConfig
from training.data import scan
from training.dataset import read_pictures
from training.network import NetworkSettings
from training.seen import TrainingSet

NORMALS, ANOMALIES, HELD_OUT = 21, 30, 10
AUXILIARY_EACH: Final = 40
"""Auxiliary pictures of each class: of 5,000, the 21 normals would be 0.4 % of what the network sees."""

TEST_DATA: Final = Path(os.environ.get("INSPECTOR_TEST_DATA", "../shared/data"))

PUBLISHED: Final[Published] = {
    (False, "lof"): "0.75", (False, "euclidean"): "0.73", (False, "mahalanobis"): "0.85",
    (True, "lof"): "0.81", (True, "euclidean"): "0.76", (True, "mahalanobis"): "0.88",
}  # fmt: skip

CONFIG: Final = TrainingConfig(
    name="light",
    output=Path("unused"),
    data=DataSettings(root=Path("unused")),
    network=NetworkSettings(
        backbone="light", weights="none", input_size=(32, 32), levels=(8,), patch_levels=(8,), train="all"
    ),
    scorers=(PartSettings(distance=MahalanobisSettings()),),
    trainer={"max_epochs": 10},
    false_reject_rate=0.1,  # what ten held-out pictures can support; no figure depends on it
)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``benchmark light``."""
    parser = commands.add_parser("light", help="21 normals, 30 anomalies of one type, the light network from scratch")
    parser.add_argument("--data", type=Path, default=TEST_DATA / "food_cans", help="set (default: %(default)s)")
    parser.add_argument("--normal", default="normal", help="name of the folder with normal pictures")
    parser.add_argument("--anomaly", default="critical_defect", help="the type that is known (default: %(default)s)")
    parser.add_argument("--auxiliary", type=Path, default=TEST_DATA / "cifar10_aux", help="labelled other things")
    parser.add_argument("--runs", type=positive, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the first run; each further one adds 1")
    parser.add_argument("--out", type=Path, default=Path("build/benchmark/light"), help="for results and box plot")
    parser.add_argument("--quick", action="store_true", help="one short run on few pictures, for tests")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the experiment, or what is left of it."""
    each = 5 if arguments.quick else AUXILIARY_EACH
    config = CONFIG.model_copy(update={"trainer": {"max_epochs": 1}}) if arguments.quick else CONFIG
    pictures = _read(arguments)

    def once(tags: Record) -> list[Record]:
        data, tests = draw(pictures, arguments.anomaly, seed=tags["run"], known=tags["known"], auxiliary_each=each)
        return run_once(config.model_copy(update={"seed": tags["run"]}), data, tests, **tags)

    count = 1 if arguments.quick else arguments.runs
    runs = [
        {"run": seed, "known": known}
        for seed in range(arguments.seed, arguments.seed + count)
        for known in (ANOMALIES, 0)
    ]
    settings = {
        "config": config.model_dump(mode="json"), "machine": machine(),
        "data": str(arguments.data), "normal": arguments.normal, "anomaly": arguments.anomaly,
        "auxiliary": str(arguments.auxiliary), "auxiliary_each": each,
    }  # fmt: skip
    records = resumed(arguments.out / "runs.jsonl", settings, runs, once)
    (arguments.out / "results.json").write_text(json.dumps({**settings, "records": records}, indent=1))
    draw_boxes(records, f"{arguments.data.name}: {arguments.anomaly} known", arguments.out / "auc.png")
    print_table(
        records,
        PUBLISHED,
        f"{arguments.data.name}, light network from scratch",
        "the published figures are of the source's hand pictures: only the shape of the experiment is the same",
    )
    return 0


Sets = dict[str, dict[str, Pixels]]


def _read(arguments: argparse.Namespace) -> Sets:
    found = scan(DataSettings(root=arguments.data, normal=arguments.normal, auxiliary=arguments.auxiliary))
    needed = NORMALS + HELD_OUT + 1
    if len(found.normal) < needed:
        raise DataError(f"{arguments.data}: {len(found.normal)} normals; {needed} are needed")
    if len(found.anomalies.get(arguments.anomaly, ())) <= ANOMALIES:
        raise DataError(f"{arguments.data}: more than {ANOMALIES} pictures of '{arguments.anomaly}' are needed")
    size = CONFIG.network.picture_size
    return {
        "normal": {"normal": read_pictures(found.normal, size)},
        "anomalies": {name: read_pictures(own, size) for name, own in found.anomalies.items()},
        "auxiliary": {name: read_pictures(own, size) for name, own in found.auxiliary.items()},
    }


def draw(
    pictures: Sets, anomaly: str, *, seed: int, known: int, auxiliary_each: int
) -> tuple[TrainingSet, dict[str, tuple[Pixels, Pixels]]]:
    """A training set, and the tests: the other normals against the rest of the known type, and against other types."""
    rng = np.random.default_rng(seed)
    normal = rng.permutation(pictures["normal"]["normal"])
    own = rng.permutation(pictures["anomalies"][anomaly])
    others = np.concatenate([each for name, each in pictures["anomalies"].items() if name != anomaly] or [own[:0]])
    auxiliary = {name: rng.permutation(each)[:auxiliary_each] for name, each in pictures["auxiliary"].items()}
    held_out, rest = normal[NORMALS : NORMALS + HELD_OUT], normal[NORMALS + HELD_OUT :]
    tests = {"same type": (rest, own[ANOMALIES:])}
    if len(others):
        tests["other types"] = (rest, others)
    return TrainingSet(normal[:NORMALS], held_out, {anomaly: own[:known]} if known else {}, auxiliary), tests
