from array import array
from collections import Counter

import numpy as np
import pytest

from inspector.bench.figures import FEWEST_FOR_P99_9, percentiles, row_of, spread
from inspector.bench.measure import ALL_CORES, NETWORKS, STATIONS, WITH_HEAT_MAP, Measurement
from inspector.bench.shifts import Spell
from inspector.engines import Engine


def station(embed, score, seconds):
    verdict = np.add(embed, score)
    laps = {"acquire": 0 * verdict, "preprocess": 0 * verdict, "embed": embed, "score": score, "publish": 0 * verdict}
    laps |= {"verdict": verdict, "end_to_end": 1.25 * verdict}
    return Spell({stage: array("d", values) for stage, values in laps.items()}, len(embed), seconds)


def network(laps_ms, seconds):
    return Spell({"network": array("d", laps_ms)}, len(laps_ms), seconds)


@pytest.fixture
def row():
    """Two rounds of two stations whose verdicts take 12 ms, first beside networks of 10 ms, then of 8 ms."""
    slow, fast = station([10.0], [2.0], 0.2), station([10.0, 10.0], [2.0, 2.0], 0.2)
    mapped = station([10.0], [6.0], 0.2)
    rounds = {
        STATIONS: [[slow, fast], [slow, fast]],
        WITH_HEAT_MAP: [[mapped, mapped], [mapped, mapped]],
        NETWORKS: [[network([10.0], 0.1)] * 2, [network([8.0], 0.05)] * 2],
        ALL_CORES: [[network([5.0], 0.04)], [network([5.0], 0.06)]],
    }
    return row_of(Measurement(Engine(threads=1), 2, rounds, Counter(PASS=6), (100.0, None)))


def test_latencies_are_of_all_rounds_and_stations(row):
    assert row.latency_ms["verdict"].count == 6
    assert row.latency_ms["verdict"].p50 == pytest.approx(12.0)
    assert row.latency_ms["verdict_with_heat_map"].p50 == pytest.approx(16.0)
    assert row.latency_ms["network"].p50 == pytest.approx(9.0)


def test_ratios_are_made_within_each_round(row):
    assert row.ratios["verdict"].median == pytest.approx((1.2 + 1.5) / 2)
    assert row.ratios["verdict"].quartile_1 == pytest.approx(1.275)
    assert row.ratios["verdict_with_heat_map"].median == pytest.approx((1.6 + 2.0) / 2)
    assert row.ratios["score"].median == pytest.approx((0.2 + 0.25) / 2)


def test_rates_are_those_of_all_workers_together(row):
    assert row.per_second[STATIONS].median == pytest.approx(1 / 0.2 + 2 / 0.2)
    assert row.ratios["rate"].median == pytest.approx((15 / 20 + 15 / 40) / 2)
    assert row.ratios["rate_to_all_cores"].median == pytest.approx((15 * 0.04 + 15 * 0.06) / 2)


def test_fairness_is_the_slowest_to_the_fastest_station(row):
    assert row.fairness == pytest.approx(0.5)


def test_what_is_not_the_network_is_outside(row):
    assert row.outside_network == pytest.approx(1 - 10 / 15)


def test_a_row_names_its_setting(row):
    assert row.title == "onnxruntime float32, 2 stations of 1 thread"


def test_one_in_a_thousand_is_told_of_a_thousand():
    laps_ms = np.arange(1, FEWEST_FOR_P99_9 + 1, dtype=float)

    assert percentiles(laps_ms).p99_9 == pytest.approx(np.percentile(laps_ms, 99.9))
    assert percentiles(laps_ms[1:]).p99_9 is None
    assert percentiles(laps_ms).p50 == pytest.approx(500.5)


def test_a_spread_is_median_and_quartiles():
    found = spread([5.0, 1.0, 3.0, 2.0, 4.0])

    assert (found.quartile_1, found.median, found.quartile_3) == (2.0, 3.0, 4.0)
