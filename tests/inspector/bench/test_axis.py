import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.bench.axis import Axis

WIDTH = 1000


def test_latencies_that_lie_near_have_a_linear_axis():
    axis = Axis.over(10.0, 40.0, WIDTH)

    assert not axis.is_log
    assert axis.ticks() == [10, 15, 20, 25, 30, 35, 40]
    assert axis.at(25.0) == pytest.approx(WIDTH / 2, abs=1)


def test_latencies_that_lie_far_apart_have_a_logarithmic_one():
    axis = Axis.over(1.0, 100.0, WIDTH)

    assert axis.is_log
    assert axis.ticks() == [1, 2, 5, 10, 20, 50, 100]
    assert axis.at(10.0) == pytest.approx(WIDTH / 2, abs=1)


@given(st.floats(0.001, 1e4), st.floats(1.0, 1e4))
def test_every_range_lies_on_its_axis_with_rising_ticks(low_ms, factor):
    axis = Axis.over(low_ms, low_ms * factor, WIDTH)

    assert 0 <= axis.at(low_ms) <= axis.at(low_ms * factor) <= WIDTH
    ticks = axis.ticks()
    assert ticks == sorted(set(ticks))
    assert all(0 <= axis.at(each) <= WIDTH for each in ticks)


@pytest.mark.parametrize("high_ms", [20.0, 900.0])
def test_bins_look_equally_wide(high_ms):
    axis = Axis.over(10.0, high_ms, WIDTH)

    columns = [axis.at(edge) for edge in axis.edges(10)]

    assert np.diff(columns) == pytest.approx(WIDTH / 10, abs=1)
