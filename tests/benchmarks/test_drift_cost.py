import numpy as np

from tests.benchmarks.drift_cost import figures_us, measure


def test_parts_that_are_added_and_those_that_are_compared_are_both_measured():
    figures = measure(400, side=16, dimensions=8)

    assert figures["count"] == 400
    for what in ("adding", "comparing"):
        assert 0 < figures[what]["p50"] <= figures[what]["p99"]


def test_a_full_window_is_compared_each_time_that_a_tenth_is_new():
    seconds = np.ones(80)
    seconds[[59, 65, 71, 77]] = 5

    figures = figures_us(seconds, window=60)

    assert figures["adding"] == {"p50": 1e6, "p99": 1e6}
    assert figures["comparing"] == {"p50": 5e6, "p99": 5e6}
