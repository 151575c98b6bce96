"""One row of the benchmark: so many stations with one engine, beside the bare network."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inspector.bench.shifts import Amount, Contest, Rounds, Worker
from inspector.bench.workers import NetworkWorker, StationWorker, with_heat_map
from inspector.bundle import Bundle, read_bundle
from inspector.engines import Engine
from inspector.inspection import Pixels, Sink

STATIONS: Final = "stations"
WITH_HEAT_MAP: Final = "stations with heat map"
NETWORKS: Final = "bare network"
"""As many callers as there are stations, each with its own network and its share of the cores."""
ALL_CORES: Final = "bare network on all cores"
"""A single caller; only beside several stations, else it is the same."""

MEMORY: Final = Path("/proc/self/statm")
MIB: Final = 2**20

Milliseconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is the same for every row. ``amount`` is that of each contender, shared out over the rounds."""

    bundle: Path
    pictures: Sequence[Pixels]
    amount: Amount
    rounds: int
    open_sink: Callable[[str], Sink]
    """Makes the sink of the station of that name."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was seen for one row. ``said`` counts outcomes, and results that a sink refused."""

    engine: Engine
    stations: int
    rounds: Mapping[str, Rounds]
    said: Counter[str]
    memory_mib: tuple[float | None, float | None]
    """Resident memory of the process after the warm-up and at the end; None where the system does not tell."""

    def by_round(self, contender: str, stage: str) -> list[Milliseconds]:
        """The laps of all of the contender's workers together, for each round."""
        return [np.concatenate([spell.laps_ms.get(stage, ()) for spell in spells]) for spells in self.rounds[contender]]

    def laps_ms(self, contender: str, stage: str) -> Milliseconds:
        """All of them."""
        return np.concatenate(self.by_round(contender, stage))


def measure(plan: Plan, engine: Engine, stations: int, progress: Callable[[], None]) -> Measurement:
    """Time so many stations, each with a bundle of its own, as in the daemon; ``progress`` is called after each shift.

    Raises BundleError or ConfigError where the engine cannot run the bundle here.
    """
    with ExitStack() as stack:

        def station(name: str, bundle: Bundle) -> StationWorker:
            return StationWorker(name, bundle, plan.pictures, stack.enter_context(closing(plan.open_sink(name))))

        bundles = {f"bench-{number}": _proved(plan.bundle, engine) for number in range(1, stations + 1)}
        workers = [station(name, bundle) for name, bundle in bundles.items()]
        mapping = [station(f"{name}-map", with_heat_map(bundle)) for name, bundle in bundles.items()]
        contenders: dict[str, Sequence[Worker]] = {
            STATIONS: workers,
            WITH_HEAT_MAP: mapping,
            NETWORKS: [NetworkWorker(bundle, plan.pictures) for bundle in bundles.values()],
        }
        if stations > 1:
            contenders[ALL_CORES] = [NetworkWorker(read_bundle(plan.bundle, replace(engine, threads=0)), plan.pictures)]
        contest = stack.enter_context(Contest(contenders))
        contest.warm_up()
        before_mib = resident_mib()
        rounds = contest.take_turns(plan.amount, plan.rounds, progress)
        said = sum((worker.said for worker in [*workers, *mapping]), Counter[str]())
        return Measurement(engine, stations, rounds, said, (before_mib, resident_mib()))


def shifts(plan: Plan, stations: int) -> int:
    """How often ``measure`` tells its progress."""
    return plan.rounds * (4 if stations > 1 else 3)


def _proved(path: Path, engine: Engine) -> Bundle:
    bundle = read_bundle(path, engine)
    bundle.check_golden()
    return bundle


def resident_mib() -> float | None:
    """Resident memory of this process; None where the system does not tell it as Linux does."""
    if not MEMORY.exists():
        return None
    return int(MEMORY.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
