"""From what was measured to the figures of one row: percentiles, and ratios with their spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from inspector.bench.measure import ALL_CORES, NETWORKS, STATIONS, WITH_HEAT_MAP, Measurement, Milliseconds
from inspector.bench.replay import VERDICT
from inspector.bench.shifts import Rounds, Spell
from inspector.bench.workers import END_TO_END, NETWORK

STAGES: Final = ("acquire", "preprocess", "embed", "score", "publish")
"""What a station does with a frame, in this order."""

MAPPED_VERDICT: Final = "verdict_with_heat_map"

SEEN: Final = {
    **{stage: (STATIONS, stage) for stage in (*STAGES, VERDICT, END_TO_END)},
    MAPPED_VERDICT: (WITH_HEAT_MAP, VERDICT),
    NETWORK: (NETWORKS, NETWORK),
}
"""Where each latency of a row comes from: contender and stage."""

FEWEST_FOR_P99_9: Final = 1000
"""With fewer inspections, one in a thousand is a guess."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of ``count`` latencies, in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float
    p99_9: float | None
    """None of fewer than 1,000."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure that each round gives anew: its median, and the quartiles, between which half of the rounds lie."""

    median: float
    quartile_1: float
    quartile_3: float


@dataclass(frozen=True, slots=True)
class Row:
    """What ``inspector bench --json`` says of one engine and one number of stations."""

    engine: str
    precision: str
    stations: int
    threads_per_station: int
    latency_ms: dict[str, Percentiles]
    """By stage; ``verdict`` is from a frame's arrival to its verdict, ``end_to_end`` until the next one is asked for,
    ``network`` the bare network."""
    per_second: dict[str, Spread]
    """Inspections of all workers together, by contender."""
    ratios: dict[str, Spread]
    """See ``_ratios``."""
    fairness: float
    """Rate of the slowest station divided by that of the fastest."""
    outside_network: float
    """Share of a station's time that it does not spend in the network."""
    memory_mib: tuple[float | None, float | None]
    """Resident, of the whole process, after the warm-up and at the end."""
    said: dict[str, int]
    """Outcomes, and the results that the sink refused."""

    @property
    def title(self) -> str:
        """Names the row among others."""
        stations = "1 station" if self.stations == 1 else f"{self.stations} stations"
        threads = "1 thread" if self.threads_per_station == 1 else f"{self.threads_per_station} threads"
        return f"{self.engine} {self.precision}, {stations} of {threads}"


def row_of(seen: Measurement) -> Row:
    """The figures of what was measured."""
    return Row(
        engine=seen.engine.kind,
        precision=seen.engine.precision,
        stations=seen.stations,
        threads_per_station=seen.engine.threads,
        latency_ms={name: percentiles(seen.laps_ms(*where)) for name, where in SEEN.items()},
        per_second={contender: spread(_rates(rounds)) for contender, rounds in seen.rounds.items()},
        ratios=_ratios(seen),
        fairness=_fairness(seen.rounds[STATIONS]),
        outside_network=float(1 - seen.laps_ms(STATIONS, "embed").sum() / seen.laps_ms(STATIONS, END_TO_END).sum()),
        memory_mib=seen.memory_mib,
        said=dict(seen.said),
    )


def percentiles(laps_ms: Milliseconds) -> Percentiles:
    """Of at least one lap."""
    p50, p95, p99, p99_9 = (float(value) for value in np.percentile(laps_ms, (50, 95, 99, 99.9)))
    return Percentiles(len(laps_ms), p50, p95, p99, p99_9 if len(laps_ms) >= FEWEST_FOR_P99_9 else None)


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    quartile_1, median, quartile_3 = (float(value) for value in np.percentile(values, (25, 50, 75)))
    return Spread(median, quartile_1, quartile_3)


def _ratios(seen: Measurement) -> dict[str, Spread]:
    """Each of two figures of one and the same round.

    ``verdict``, ``verdict_with_heat_map`` and ``score``: medians, to that of the bare network with as many threads.
    ``rate``: to that of as many bare networks. ``rate_to_all_cores``: to that of a single one that has all cores.
    """
    networks = _medians(seen, NETWORK)
    rates = {contender: _rates(rounds) for contender, rounds in seen.rounds.items()}
    ratios = {name: _quotient(_medians(seen, name), networks) for name in (VERDICT, MAPPED_VERDICT, "score")}
    ratios["rate"] = _quotient(rates[STATIONS], rates[NETWORKS])
    if ALL_CORES in rates:
        ratios["rate_to_all_cores"] = _quotient(rates[STATIONS], rates[ALL_CORES])
    return ratios


def _medians(seen: Measurement, name: str) -> list[float]:
    return [float(np.median(laps_ms)) for laps_ms in seen.by_round(*SEEN[name])]


def _rates(rounds: Rounds) -> list[float]:
    return [sum(spell.rate for spell in spells) for spells in rounds]


def _quotient(values: Sequence[float], others: Sequence[float]) -> Spread:
    return spread([value / other for value, other in zip(values, others, strict=True)])


def _fairness(rounds: Rounds) -> float:
    """Of the rates over all rounds."""
    by_worker = zip(*rounds, strict=True)
    whole = [Spell({}, sum(each.count for each in own), sum(each.duration_s for each in own)) for own in by_worker]
    return min(each.rate for each in whole) / max(each.rate for each in whole)
