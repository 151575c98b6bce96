from pathlib import Path

import pytest
from scipy.stats import binomtest

from inspector.inspection import Outcome
from training.evaluate import Scored
from training.report_page.reliability import calibration_error, reliability


def named(label, nearest_type, confidence, outcome=Outcome.FAIL):
    return Scored(Path("a.png"), label, 9.0, outcome, nearest_type, type_confidence=confidence)


def test_a_name_is_right_if_it_is_the_label_and_unknown_if_the_label_is_not_known():
    (low, high) = reliability(
        [
            named("scratch", "scratch", 0.9),
            named("scratch", "spot", 0.95),
            named("dent", "unknown", 1.0),
            named("scratch", "unknown", 0.3),
        ],
        "normal",
        ["scratch", "spot"],
    )

    assert (low.low, low.named, low.right) == (pytest.approx(0.2), 1, 0)
    assert (high.high, high.named, high.right) == (1.0, 3, 2)
    assert high.confidence == pytest.approx((0.9 + 0.95 + 1.0) / 3)


def test_good_parts_and_parts_without_a_name_do_not_count():
    scored = [
        named("normal", "scratch", 0.9),
        named("scratch", None, None),
        named("scratch", None, None, Outcome.PASS),
        named("scratch", None, None, Outcome.ERROR),
    ]

    assert reliability(scored, "normal", ["scratch"]) == []


def test_the_bounds_are_scipys_two_sided_ones():
    scored = [named("scratch", "scratch" if i < 7 else "spot", 0.7) for i in range(10)]

    (only,) = reliability(scored, "normal", ["scratch", "spot"])

    interval = binomtest(7, 10).proportion_ci(0.95, "exact")
    assert (only.at_least, only.at_most) == pytest.approx((interval.low, interval.high))


def test_the_error_is_the_mean_distance_over_pictures():
    """Three at 0.9 of which two are right, one at 0.3 that is wrong: (|2.7 - 2| + |0.3 - 0|) / 4."""
    scored = [named("scratch", "scratch", 0.9)] * 2 + [named("scratch", "spot", 0.9), named("scratch", "spot", 0.3)]

    assert calibration_error(reliability(scored, "normal", ["scratch", "spot"])) == pytest.approx(0.25)
    assert calibration_error([]) is None
