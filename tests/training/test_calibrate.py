import logging

import numpy as np
import pytest

from training.calibrate import calibrate


def test_keeps_the_false_reject_rate_on_average_over_calibrations():
    rng = np.random.default_rng(0)
    draws = [(rng.gamma(2, size=99).astype(np.float32), rng.gamma(2, size=2000)) for _ in range(500)]

    rates = [(new > calibrate(held_out, 0.05).threshold).mean() for held_out, new in draws]

    # 500 calibrations of 99 normals: the mean's standard error is about 0.001.
    assert 0.044 < np.mean(rates) < 0.053


def test_the_threshold_is_just_above_the_conformal_score():
    calibration = calibrate(np.arange(1, 100, dtype=np.float32), 0.1)

    assert 90 < calibration.threshold < 91
    assert (calibration.observed_false_rejects, calibration.normals) == (9, 99)


def test_too_few_normals_take_the_highest_score_and_say_what_is_needed(caplog):
    with caplog.at_level(logging.WARNING):
        calibration = calibrate(np.arange(10, dtype=np.float32), 0.01)

    assert 9 < calibration.threshold < 9.1
    assert "promises 9.1 %; 99 are needed" in caplog.text


def test_a_rounding_error_rejects_no_calibration_picture():
    scores = np.full(200, 5.0, np.float32)

    assert calibrate(scores, 0.01).threshold > 5.0 * (1 + 5e-4)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.3])
def test_no_more_held_out_normals_are_rejected_than_promised(rate):
    scores = np.random.default_rng(1).normal(size=5000).astype(np.float32)

    calibration = calibrate(scores, rate)

    assert calibration.observed_false_rejects <= rate * 5000
    assert (scores > calibration.threshold).sum() == calibration.observed_false_rejects
