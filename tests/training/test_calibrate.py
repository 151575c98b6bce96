import logging
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.calibrate import calibrate

RATES = [0.001, 0.01, 0.02, 0.05, 0.1, 0.3]


@given(st.integers(1, 400), st.sampled_from(RATES), st.integers(0, 9))
def test_the_threshold_is_the_conformal_quantile_but_for_rounding(n, rate, seed):
    scores = np.random.default_rng(seed).gamma(2, size=n).astype(np.float32)

    threshold = calibrate(scores, rate).threshold

    rank = math.ceil((n + 1) * (1 - Fraction(str(rate))))
    quantile = sorted(scores.tolist())[min(rank, n) - 1]
    assert 0 < threshold - quantile <= 1.1e-3 * max(quantile, scores.std())


def test_keeps_the_false_reject_rate_on_average_over_calibrations():
    rng = np.random.default_rng(0)
    draws = [(rng.gamma(2, size=99).astype(np.float32), rng.gamma(2, size=2000)) for _ in range(500)]

    rates = [(new > calibrate(held_out, 0.05).threshold).mean() for held_out, new in draws]

    # 500 calibrations of 99 normals: the mean's standard error is about 0.001, three of which are allowed.
    assert 0.044 < np.mean(rates) < 0.053


@pytest.mark.parametrize("rate", RATES)
def test_no_more_held_out_normals_are_rejected_than_promised(rate):
    scores = np.random.default_rng(1).normal(size=5000).astype(np.float32)

    calibration = calibrate(scores, rate)

    assert calibration.observed_false_rejects <= rate * 5000
    assert (scores > calibration.threshold).sum() == calibration.observed_false_rejects
    assert (calibration.normals, calibration.false_reject_rate) == (5000, rate)


def test_too_few_normals_take_the_highest_score_and_say_what_is_needed(caplog):
    with caplog.at_level(logging.WARNING):
        calibration = calibrate(np.arange(10, dtype=np.float32), 0.01)

    assert 9 < calibration.threshold < 9.1
    assert "10 held-out normals cannot support" in caplog.text
    assert "promises 9.1 %; 99 are needed" in caplog.text


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_as_many_normals_as_are_needed_give_no_warning(rate, caplog):
    needed = math.ceil(1 / rate) - 1

    calibrate(np.arange(needed - 1, dtype=np.float32), rate)
    assert f"{needed} are needed" in caplog.text

    caplog.clear()
    calibrate(np.arange(needed, dtype=np.float32), rate)
    assert not caplog.text


def test_a_rounding_error_rejects_no_calibration_picture():
    scores = np.full(200, 5.0, np.float32)

    assert calibrate(scores, 0.01).threshold > 5.0 * (1 + 5e-4)


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1.0, 1e4])
def test_the_room_for_rounding_follows_the_unit_of_the_scores(unit):
    """A fixed amount would pass every defect where a distance is small everywhere."""
    scores = np.random.default_rng(2).gamma(2, size=200).astype(np.float32)

    threshold = calibrate(np.float32(unit) * scores, 0.05).threshold

    assert threshold == pytest.approx(unit * calibrate(scores, 0.05).threshold, rel=1e-5)
