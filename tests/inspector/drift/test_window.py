from itertools import pairwise

import numpy as np
import pytest

from inspector.drift.reference import Reference
from inspector.drift.settings import DriftSettings
from inspector.drift.window import Window
from tests.inspector.drift.parts import THRESHOLD, some_normals, some_parts


@pytest.fixture(scope="module")
def reference():
    return Reference.of(some_normals(), THRESHOLD, DriftSettings(window=60))


def test_a_window_says_nothing_before_it_is_full_and_then_each_time_that_a_tenth_is_new(reference):
    window = Window(60, reference)

    said = [number for number, part in enumerate(some_parts(100), start=1) if window.add(part)]

    assert said == [60, 66, 72, 78, 84, 90, 96]


def test_what_it_says_are_the_sums_over_the_last_parts(reference):
    parts = some_parts(72, score=1.5)
    window = Window(60, reference)

    tally = [window.add(part) for part in parts][-1]

    last = parts[-60:]
    assert tally.parts == 60
    assert tally.fails == sum(not part.passed for part in last) > 0
    assert tally.numbers == pytest.approx(sum(part.numbers for part in last))
    assert tally.vectors == pytest.approx(sum(part.vector for part in last))
    for row, edges in enumerate(reference.edges):
        values = [part.numbers[row] for part in last]
        bounds = [-np.inf, *edges, np.inf]
        slow = [sum(low < each <= high for each in values) for low, high in pairwise(bounds)]
        assert tally.counts[row].tolist() == slow
