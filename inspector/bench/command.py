"""What ``inspector bench`` does: measures row by row, then prints, writes and draws."""

import argparse
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from inspector.arguments import STANDARD_OUTPUT
from inspector.bench.chart import chart
from inspector.bench.figures import row_of
from inspector.bench.measure import Measurement, Plan, measure, shifts
from inspector.bench.options import ALL, COUNT
from inspector.bench.replay import DiscardingSink
from inspector.bench.report import as_json, print_tables
from inspector.bench.shifts import Amount
from inspector.bundle import GOLDEN, read_manifest
from inspector.cores import compute_in_the_calling_thread, share_out, usable_cores
from inspector.engine_choice import EngineWish, PrecisionWish, Wish
from inspector.engines import Engine
from inspector.errors import ConfigError, FrameError
from inspector.inspection import Pixels, Sink
from inspector.pictures import SUFFIXES, encode_png, read_picture
from inspector.sinks.mqtt import MqttSettings

ROUNDS: Final = 10
"""Turns of each contender: enough to tell how far the ratios scatter."""

MOST_PICTURES: Final = 100
"""That are held in memory; of more, so many evenly spread ones."""

PREFIX: Final = "inspector-bench"
"""Of the topics, so that nobody takes a benchmark for a line."""

EXIT_INTERRUPTED: Final = 130
"""As shells have it after Ctrl-C."""

REACH_S: Final = 3.0
"""How long the broker may take to accept a connection."""


def bench(arguments: argparse.Namespace) -> int:
    """Do what the arguments of ``options`` say; returns the exit status.

    After Ctrl-C the rows that are complete are told all the same. Raises BundleError or ConfigError for what cannot be
    measured.
    """
    compute_in_the_calling_thread()
    setups = _setups(arguments)
    plan = _plan(arguments)
    seen = _measure_all(plan, setups)
    if seen:
        _tell(arguments, plan, seen)
    return 0 if len(seen) == len(setups) else EXIT_INTERRUPTED


def _plan(arguments: argparse.Namespace) -> Plan:
    amount = Amount(seconds=arguments.seconds) if arguments.seconds else Amount(count=arguments.count or COUNT)
    pictures = _pictures(arguments.pictures or arguments.bundle / GOLDEN)
    return Plan(arguments.bundle, pictures, amount, ROUNDS, _sink_maker(arguments.broker))


def _pictures(folder: Path) -> list[Pixels]:
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}; name a folder of pictures") from error
    if not files:
        raise ConfigError(f"{folder}: holds no pictures ({', '.join(sorted(SUFFIXES))})")
    step = -(-len(files) // MOST_PICTURES)
    try:
        return [read_picture(file) for file in files[::step]]
    except FrameError as error:
        raise ConfigError(f"{error}; take it away, only good files tell the speed") from error


def _sink_maker(broker: tuple[str, int] | None) -> Callable[[str], Sink]:
    if broker is None:
        return lambda _: DiscardingSink()
    try:
        socket.create_connection(broker, REACH_S).close()
    except OSError as error:
        raise ConfigError(f"no broker at {broker[0]}:{broker[1]}: {error}; start it, or leave --broker out") from error
    return MqttSettings(host=broker[0], port=broker[1], prefix=PREFIX).open


def _setups(arguments: argparse.Namespace) -> list[tuple[Engine, int]]:
    """Each engine with each number of stations."""
    setups: list[tuple[Engine, int]] = []
    for stations in arguments.stations:
        threads = arguments.threads or share_out([()] * stations, usable_cores())[0]
        setups += [(engine, stations) for engine in _engines(arguments, threads)]
    return sorted(setups, key=lambda setup: str(setup[0]))


def _engines(arguments: argparse.Namespace, threads: int) -> list[Engine]:
    manifest, _ = read_manifest(arguments.bundle)
    wishes = [
        Wish(
            cast(EngineWish, "auto" if engine == ALL else engine),
            cast(PrecisionWish, "auto" if precision == ALL else precision),
            threads,
        )
        for engine in arguments.engine
        for precision in arguments.precision
    ]
    return list(dict.fromkeys(engine for wish in wishes for engine in wish.candidates(manifest)))


def _measure_all(plan: Plan, setups: Sequence[tuple[Engine, int]]) -> list[Measurement]:
    seen = []
    with suppress(KeyboardInterrupt), _progress() as progress:
        tasks = [progress.add_task(f"{engine}, {n} at once", total=shifts(plan, n)) for engine, n in setups]
        for task, (engine, stations) in zip(tasks, setups, strict=True):
            seen.append(measure(plan, engine, stations, partial(progress.advance, task)))
    return seen


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _tell(arguments: argparse.Namespace, plan: Plan, seen: Sequence[Measurement]) -> None:
    rows = [row_of(each) for each in seen]
    report = as_json(plan, "mqtt" if arguments.broker else "discarded", rows)
    if arguments.json == STANDARD_OUTPUT:
        print(report)
    else:
        print_tables(rows, Console())
    if arguments.json and arguments.json != STANDARD_OUTPUT:
        arguments.json.write_text(report + "\n", encoding="utf-8")
    if arguments.chart:
        arguments.chart.write_bytes(encode_png(chart(rows, seen)))
