"""Milliseconds beside anomalib's: the shipped model, and four of anomalib's exported to OpenVINO, in one run."""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress as ProgressBar
from rich.table import Table

from inspector.errors import ConfigError
from training.benchmark.peer import PEER_PYTHON
from training.benchmark.runs import Record, machine, positive
from training.benchmark.sets import find_sets
from training.benchmark.speed_models import (
    EXPORT,
    OUR_WORKER,
    PEERS,
    Model,
    our_bundle,
    our_models,
    peers_graph,
    peers_home,
    peers_models,
)
from training.benchmark.speed_sets import TIMED, Division, divide, timed_pictures
from training.benchmark.speed_table import Row, captioned, headings, markdown, rows_of, written_between
from training.benchmark.speed_turns import Progress, Turn, Worker, take_turns

TIMING: Final = Path(__file__).with_name("anomalib_speed.py")

console = Console(stderr=True)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``benchmark speed``."""
    parser = commands.add_parser("speed", help="milliseconds and AUROC beside anomalib's models in OpenVINO")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of sets, each with normal/ and a folder a type"
    )
    parser.add_argument(
        "--sets", type=_names, default=["magnetic_tile", "elpv"], help="with commas (default: magnetic_tile,elpv)"
    )
    parser.add_argument("--threads", type=positive, default=2, help="threads of each model (default: %(default)s)")
    parser.add_argument("--rounds", type=positive, default=30, help="in each every model comes once (default: 30)")
    parser.add_argument("--pictures", type=positive, default=10, help="in a model's turn (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=Path("build/benchmark/speed.json"), metavar="OUT", help="results")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between its two markers in this file")
    parser.add_argument(
        "--cache", type=Path, default=Path("build/benchmark/speed"), help="fitted models (default: %(default)s)"
    )
    parser.add_argument(
        "--ready", action="store_true", help="leave out anomalib's models that are not fitted yet: some take an hour"
    )
    parser.add_argument("--peer-python", type=Path, default=PEER_PYTHON, help="python of anomalib's environment")
    parser.set_defaults(command=run)


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def run(arguments: argparse.Namespace) -> int:
    """Fit and export what is not there yet, time everything, write the results and print the table."""
    if arguments.write:
        _place_for_table(arguments.write, "")
    with ExitStack() as stack:
        bench = Bench(arguments, stack)
        divisions = bench.divisions()
        models = [*bench.ours(divisions), *bench.peers(divisions)]
        auroc = {model.name: bench.auroc(model) for model in models}
        record = bench.record()
        rows = rows_of(models, bench.times(models), auroc)
    figures = [row.figures(rows) for row in rows]
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({**record, "rows": figures}, indent=1) + "\n")
    if arguments.write:
        table = markdown(rows, arguments.sets, captioned(record))
        arguments.write.write_text(_place_for_table(arguments.write, table), encoding="utf-8")
    _print(rows, arguments.sets)
    return 0


def _place_for_table(path: Path, table: str) -> str:
    """The file with the table in its place. Raises ConfigError where there is none, also before any work is done."""
    try:
        return written_between(path.read_text(encoding="utf-8"), table, path)
    except OSError as error:
        raise ConfigError(f"--write {path}: {error.strerror}") from error


def _print(rows: Sequence[Row], sets: Sequence[str]) -> None:
    table = Table(*headings(sets), title="milliseconds, and ratios within a round: median (quartiles)")
    for row in rows:
        table.add_row(*row.cells(rows, sets))
    Console().print(table)


class Bench:
    """The two workers, and what they load."""

    def __init__(self, arguments: argparse.Namespace, stack: ExitStack) -> None:
        self._arguments, self._cache, self._stack = arguments, arguments.cache, stack
        python, threads = arguments.peer_python, str(arguments.threads)
        self._workers = {
            "ours": self._started("ours", *OUR_WORKER, threads),
            "anomalib": self._started("anomalib", python, "-I", TIMING, threads),
        }
        self._about: dict[str, dict[str, Any]] = {name: worker.ask("about") for name, worker in self._workers.items()}
        self._left_out: list[str] = []
        self._export = cache(lambda: self._started("export", python, "-I", EXPORT))

    def divisions(self) -> list[dict[int, Division]]:
        """Of each set, by the number of known anomalies."""
        divided = []
        for pictures in find_sets(self._arguments.data, self._arguments.sets):
            with _bar(f"{pictures.name}: pictures") as progress:
                divided.append(divide(pictures, self._cache / "pictures", lambda _: progress(0, 0)))
        return divided

    def ours(self, divisions: Sequence[dict[int, Division]]) -> Iterator[Model]:
        """Our bundles, loaded."""
        for division in (each for of_set in divisions for each in of_set.values()):
            bundle = our_bundle(division, self._cache / "ours", _track(division))
            for model in our_models(division, bundle, self._about["ours"]["engines"]):
                yield self._loaded(model)

    def peers(self, divisions: Sequence[dict[int, Division]]) -> Iterator[Model]:
        """Models of anomalib, loaded; those of random weights are of the first set only."""
        for peer in PEERS:
            for of_set in divisions if peer.learns else divisions[:1]:
                kept = (peer, of_set[0], self._cache / "anomalib", self._about["anomalib"]["versions"])
                if self._arguments.ready and not peers_home(*kept).exists():
                    self._left_out.append(f"{peer.name} of {of_set[0].set}")
                    continue
                with _bar(f"{of_set[0].set}: {peer.name}") as progress:
                    graph = peers_graph(*kept, exporter=self._export, progress=progress)
                for model in peers_models(peer, of_set[0], graph, self._about["anomalib"]["precisions"]):
                    yield self._loaded(model)

    def auroc(self, model: Model) -> float | None:
        """As ``Model.auroc``."""
        with _bar(f"{model.name}: scores") as progress:
            versions = self._about[model.worker]["versions"]
            return model.auroc(self._workers[model.worker], versions, progress)

    def times(self, models: Sequence[Model]) -> dict[Turn, list[float]]:
        """As ``take_turns``."""
        turns = [Turn(model.worker, model.name, stage) for model in models for stage in model.stages]
        of = self._arguments
        rows = [[(start + i) % (2 * TIMED) for i in range(of.pictures)] for start in range(0, 2 * TIMED, of.pictures)]
        with _bar("timing", quiet=True) as progress:
            return take_turns(self._workers, turns, rounds=of.rounds, rows=rows, progress=progress)

    def record(self) -> Record:
        """On what, and with what, it is measured; now, before the timing, for the load of the machine."""
        of = self._arguments
        return {
            "machine": machine(),
            "processor": self._about["anomalib"]["processor"].strip(),
            "load_before": os.getloadavg()[0],
            "versions": {name: about["versions"] for name, about in self._about.items()},
            "threads": of.threads,
            "rounds": of.rounds,
            "pictures": of.pictures,
            "left_out": self._left_out,
        }

    def _started(self, name: str, *command: str | Path) -> Worker:
        return self._stack.enter_context(Worker(command, self._cache / f"{name}.log"))

    def _loaded(self, model: Model) -> Model:
        pictures = timed_pictures(model.division)
        self._workers[model.worker].ask("load", **model.question, pictures=pictures)
        return model


@contextmanager
def _bar(what: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A bar for one piece of work; a quiet one is drawn by nobody but its progress, while no worker works."""
    with ProgressBar(console=console, transient=True, auto_refresh=not quiet) as bar:
        task = bar.add_task(what, total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None, refresh=quiet)

        yield progress


def _track(division: Division) -> Any:
    """As ``training.seen.Tracker``, with the set's name."""

    @contextmanager
    def track(what: str, total: int) -> Iterator[Any]:
        with ProgressBar(console=console, transient=True) as bar:
            task = bar.add_task(f"{division.set}, {division.shots} known: {what}", total=total or None)
            yield lambda done: bar.advance(task, done)

    return track
