import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.bundle import EscapeCost
from inspector.bundle.rounding import room
from training.costs import Costs

SCORES = st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=12).map(lambda own: np.array(own, np.float32))


QUARTERS = st.integers(-20, 20).map(lambda number: number / 4)
"""The same in float32 and in float64."""


def costs(false_reject=1.0, **escape):
    return Costs(false_reject, {name: EscapeCost(cost=cost, per_million=1000) for name, cost in escape.items()})


def test_the_expected_cost_of_a_part():
    """Two of nine good parts rejected, one of four scratches missed; one part of a thousand is scratched."""
    normals, scratches = np.arange(9, dtype=np.float32), np.array([5, 7, 9, 11], np.float32)

    expected = costs(2, scratch=300).expected(6.0, normals, {"scratch": scratches})

    assert expected == pytest.approx(0.999 * 2 * 2.5 / 10 + 0.001 * 300 * 1.5 / 5)


def test_a_type_that_nobody_has_seen_escapes_half_the_time():
    assert costs(1e-9, scratch=300).expected(0.0, np.zeros(9, np.float32), {}) == pytest.approx(0.001 * 300 / 2)


@given(SCORES, SCORES, st.floats(1, 1e4), QUARTERS, QUARTERS.map(abs))
def test_no_threshold_within_the_limits_is_cheaper(normals, scratches, price, low, width):
    priced, anomalies, high = costs(scratch=price), {"scratch": scratches}, low + width

    chosen = priced.cheapest(normals, anomalies, low, high)

    assert low <= chosen <= high
    least = priced.expected(chosen, normals, anomalies)
    grid = [*np.arange(low, high, 1 / 16), low, high, *(np.r_[normals, scratches].clip(low, high))]
    # A threshold less than the room for rounding above a normal's score is not to be had.
    rooms = np.array([room(score, normals) for score in normals])
    usable = [each for each in grid if not ((each >= normals) & (each < normals + rooms)).any()]
    assert all(least <= priced.expected(each, normals, anomalies) + 1e-12 for each in usable)


def test_the_dearer_an_escape_the_lower_the_threshold():
    rng = np.random.default_rng(0)
    normals, scratches = rng.normal(0, 1, 400).astype(np.float32), rng.normal(3, 1, 40).astype(np.float32)

    thresholds = [
        costs(scratch=price).cheapest(normals, {"scratch": scratches}, -math.inf, math.inf)
        for price in (1, 30, 1000, 30000)
    ]

    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] > thresholds[-1] + 1
