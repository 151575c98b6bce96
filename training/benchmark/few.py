"""What a few known anomalies are worth: normals only against what ships, over sets, types, shots and seeds."""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import Progress
from sklearn.metrics import roc_curve

from inspector.errors import DataError
from inspector.fusion import viewed
from inspector.heatmap import enlarge
from inspector.inspection import Floats
from inspector.pictures import read_picture
from inspector.scorers import EVIDENCE, FittedScorer
from training.benchmark.few_seen import OfSeed, SetSeen
from training.benchmark.few_table import print_tables
from training.benchmark.peer import PEER_PYTHON, PeerJob, patchcore_scores, peer_versions
from training.benchmark.runs import Record, machine, positive, resumed
from training.benchmark.sets import PictureSet, find_sets
from training.benchmark.splits import Setting, Split, splits
from training.config import DataSettings, TrainingConfig
from training.evaluate import auroc
from training.features import Seen
from training.fit import FittedModel, fit_seen
from training.localise import MASKS, PixelFigures, read_mask
from training.parts import Distances

RATES: Final = (0.01, 0.05)
"""False-reject rates at which recall is told."""

CONFIG: Final = TrainingConfig(name="few", output=Path("unused"), data=DataSettings(root=Path("unused")))

console = Console(stderr=True)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``benchmark few``."""
    parser = commands.add_parser("few", help="a few known anomalies against normals only, on any folder of sets")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of sets, each with normal/ and a folder a type"
    )
    parser.add_argument("--sets", type=_names, default=[], help="names, with commas; elpv is taken from its package")
    parser.add_argument("--shots", type=_numbers, default=[0, 1, 10], help="known anomalies, with commas (0,1,10)")
    parser.add_argument("--setting", choices=("general", "hard", "both"), default="both")
    parser.add_argument("--hard-type", action="append", help="known in the hard setting; default: every type in turn")
    parser.add_argument("--seeds", type=positive, default=5, help="number of seeds (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=Path("build/benchmark/few.json"), metavar="OUT", help="results")
    parser.add_argument("--peer", choices=("anomalib",), help="run its PatchCore on the same splits")
    parser.add_argument("--peer-python", type=Path, default=PEER_PYTHON, help="python of its environment")
    parser.set_defaults(command=run)


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _numbers(text: str) -> list[int]:
    numbers = _names(text)
    if not numbers or not all(each.isdecimal() for each in numbers):
        raise argparse.ArgumentTypeError(f"{text}: give whole numbers with commas, such as 0,1,10")
    return sorted({int(each) for each in numbers})


def run(arguments: argparse.Namespace) -> int:
    """Run what is not done yet, write the JSON file and print the tables."""
    sets = find_sets(arguments.data, arguments.sets)
    _check_hard_types(arguments.hard_type or [], sets)
    record: Record = {"config": CONFIG.model_dump(mode="json"), "machine": machine()}
    if arguments.peer:
        record["peer"] = peer_versions(arguments.peer_python)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    rows: list[Record] = []
    for pictures in sets:
        bench = Bench(pictures, arguments.peer_python if arguments.peer else None)
        planned = list(_planned(arguments, pictures))
        rows += bench.run(planned, record, arguments.json.with_suffix(f".{pictures.name}.jsonl"))
    arguments.json.write_text(json.dumps({**record, "rows": rows}, indent=1) + "\n")
    print_tables(rows)
    return 0


def _check_hard_types(names: Sequence[str], sets: Sequence[PictureSet]) -> None:
    there = {name for pictures in sets for name in pictures.anomalies}
    if missing := set(names) - there:
        known = ", ".join(sorted(there))
        raise DataError(f"--hard-type {min(missing)}: no set has this type; there are: {known}")


def _planned(arguments: argparse.Namespace, pictures: PictureSet) -> Sequence[Split]:
    settings: tuple[Setting, ...] = ("general", "hard") if arguments.setting == "both" else (arguments.setting,)
    numbers = {name: len(own) for name, own in pictures.anomalies.items()}
    hard = [name for name in numbers if not arguments.hard_type or name in arguments.hard_type]
    return [
        split
        for seed in range(arguments.seeds)
        for split in splits(
            len(pictures.normal), numbers, seed=seed, shots=arguments.shots, settings=settings, hard=hard
        )
    ]


@dataclass
class Bench:
    """One set; its pictures are seen once, when the first split needs them, and by the peer if there is one."""

    pictures: PictureSet
    peer: Path | None
    _seen: SetSeen | None = field(default=None, init=False)
    _of_seed: "_SeedBench | None" = field(default=None, init=False)

    def run(self, planned: Sequence[Split], record: Record, path: Path) -> list[Record]:
        """The rows of these splits; those in ``path`` are not made again."""
        by_tags = {json.dumps(split.tags, sort_keys=True): split for split in planned}
        with Progress(console=console) as bar:
            task = bar.add_task(self.pictures.name, total=len(planned))

            def once(tags: Record) -> list[Record]:
                split = by_tags[json.dumps(tags, sort_keys=True)]
                row = {"set": self.pictures.name, **tags, **self._row(split)}
                if self.peer and not split.shots:
                    row["peer"] = self._peer(split, self.peer)
                bar.advance(task)
                return [row]

            settings = {**record, "set": self.pictures.name, "pictures": len(self.pictures.normal)}
            return resumed(path, settings, [split.tags for split in planned], once)

    def _row(self, split: Split) -> Record:
        if self._seen is None:
            with Progress(console=console, transient=True) as bar:
                task = bar.add_task(f"{self.pictures.name}: the backbone's one look", total=None)
                self._seen = SetSeen.of(CONFIG, self.pictures, lambda done: bar.advance(task, done))
        if self._of_seed is None or self._of_seed.seed != split.seed:
            self._of_seed = _SeedBench(self.pictures, self._seen, split)
        return self._of_seed.row(split)

    def _peer(self, split: Split, python: Path) -> Record:
        anomalies = [self.pictures.anomalies[name][row] for name, rows in split.unseen.items() for row in rows]
        normals = [self.pictures.normal[row] for row in split.test]
        train = tuple(self.pictures.normal[row] for row in split.train)
        started_s = time.monotonic()
        job = PeerJob(self.pictures.name, train, (*normals, *anomalies), split.seed)
        scores = np.array(patchcore_scores(python, job), np.float32)
        labels = [name for name, rows in split.unseen.items() for _ in rows]
        figures = _figures(scores[: len(normals)], scores[len(normals) :], labels)
        return {**figures, "seconds": time.monotonic() - started_s}


class _SeedBench:
    """The splits of one seed: the normals' own model is fitted once."""

    def __init__(self, pictures: PictureSet, whole: SetSeen, split: Split) -> None:
        self.seed = split.seed
        self._pictures, self._whole = pictures, whole
        self._shared = OfSeed(CONFIG, whole, split)
        self._distances = Distances()
        self._said: dict[tuple[int, str], tuple[FittedScorer, Floats]] = {}
        """By the scorer's id, which holds as long as the scorer is kept beside what it said."""
        self._normals_only = self._fit({})

    def row(self, split: Split) -> Record:
        """The figures of one split; nothing of the tested pictures was looked at before."""
        started_s = time.monotonic()
        shipped = self._fit(split.known) if split.known else self._normals_only
        seconds = time.monotonic() - started_s
        # One memory bank of normals serves all splits of a seed, so that the heat map is the same in all.
        pixel = {} if split.shots else {"pixel": self._localised(split)}
        return {
            **pixel,
            "normals_only": self._tested(self._normals_only, split),
            "shipped": self._tested(shipped, split),
            "gate": shipped.gate.model_dump(mode="json") if shipped.gate else None,
            "fit_seconds": seconds,
        }

    def _fit(self, known: dict[str, Any]) -> FittedModel:
        training = self._shared.training(known)
        return fit_seen(self._shared.config, self._whole.network, training, self._distances)

    def _tested(self, model: FittedModel, split: Split) -> Record:
        normals = self._scores(model, "", self._shared.tested)
        anomalies = {
            name: self._scores(model, name, self._shared.of_type(name, np.arange(len(own.pixels))))[split.unseen[name]]
            for name, own in self._whole.anomalies.items()
            if name in split.unseen
        }
        labels = [name for name, own in anomalies.items() for _ in own]
        return _figures(normals, np.concatenate(list(anomalies.values())), labels)

    def _localised(self, split: Split) -> Record | None:
        """Pixel figures where the set has masks."""
        root, figures = self._pictures.root, PixelFigures()
        if not (root / MASKS).is_dir():
            return None
        for name, files in self._pictures.anomalies.items():
            for file, heat in zip(files, self._heat(self._shared.of_type(name, np.arange(len(files)))), strict=True):
                size = read_picture(file).shape[:2]
                if (mask := read_mask(file, root, size)) is not None:
                    figures.add(enlarge(heat, *size), mask)
        for row, heat in zip(split.test, self._heat(self._shared.tested), strict=True):
            size = read_picture(self._pictures.normal[row]).shape[:2]
            figures.add(enlarge(heat, *size), np.zeros(size, np.bool_))
        return {"auroc": figures.auroc(), "pro": figures.pro()}

    def _heat(self, seen: Seen) -> Floats:
        maps = self._normals_only.scorer.heat_map(seen.through(self._normals_only.network.head))
        if maps is None:
            raise DataError("the benchmark's model has no memory bank to draw heat maps from")
        return maps

    def _scores(self, model: FittedModel, name: str, seen: Seen) -> Floats:
        """The model's scores, each part that several models share asked once."""
        features = seen.through(model.network.head)
        columns = []
        for part in model.scorer.parts:
            key = id(part.scorer), name
            if part.record.kind in EVIDENCE or key not in self._said:
                self._said[key] = part.scorer, part.score(features)
            columns.append(self._said[key][1])
        return model.scorer.fuse(np.stack(columns, axis=1), viewed(features, "pooled").embedding)


def _figures(normals: Floats, anomalies: Floats, labels: Sequence[str]) -> Record:
    of = np.array(labels)
    rejected, caught, _ = roc_curve([0] * len(normals) + [1] * len(anomalies), np.r_[normals, anomalies])
    return {
        "auroc": auroc(normals, anomalies),
        "types": {name: auroc(normals, anomalies[of == name]) for name in dict.fromkeys(labels)},
        "recall": {f"{rate:.0%}": float(caught[rejected <= rate].max()) for rate in RATES},
    }
