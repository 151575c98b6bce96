import logging
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from inspector.bundle import EscapeCost
from training.calibrate import calibrate
from training.costs import Costs
from training.promise import Promised, Terms, TooFewNormalsError, at_most

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


class TestCritical:
    HELD_OUT = np.arange(1000, dtype=np.float32)

    def calibrated(self, *scores, rate=0.01, most=0.05, held_out=HELD_OUT):
        return calibrate(held_out, rate, {"metal": np.array(scores, np.float32)}, most)

    def test_scores_above_the_threshold_change_nothing(self, caplog):
        calibration = self.calibrated(2000, 3000)

        assert calibration.threshold == calibrate(self.HELD_OUT, 0.01).threshold
        assert (calibration.critical, calibration.critical_missed) == ({"metal": 2}, 0)
        assert not caplog.text

    def test_the_threshold_comes_down_below_the_lowest_of_them(self, caplog):
        calibration = self.calibrated(2000, 970)

        assert 968 < calibration.threshold < 970
        assert calibration.critical_missed == 0
        assert calibration.observed_false_rejects == (calibration.threshold < self.HELD_OUT).sum() == 30
        assert not caplog.text

    def test_but_no_further_than_may_be_rejected_and_says_what_passes(self, caplog):
        with caplog.at_level(logging.WARNING):
            calibration = self.calibrated(2000, 970, 300, 200)

        assert calibration.threshold == calibrate(self.HELD_OUT, 0.05).threshold
        assert calibration.observed_false_rejects <= 50
        assert calibration.critical_missed == 2
        assert calibration.critical == {"metal": 4}
        assert "2 of 4 left-out pictures of critical types would pass" in caplog.text
        assert "more than 5 % of the good parts" in caplog.text
        assert "raise critical_false_reject_rate" in caplog.text

    def test_a_rate_below_the_general_one_never_raises_the_threshold(self):
        calibration = self.calibrated(300, rate=0.05, most=0.001)

        assert calibration.threshold == calibrate(self.HELD_OUT, 0.05).threshold
        assert calibration.critical_missed == 1

    def test_several_types_are_held_to_it_together(self):
        critical = {"metal": np.array([975], np.float32), "glass": np.array([2000, 960], np.float32)}

        calibration = calibrate(self.HELD_OUT, 0.01, critical, 0.05)

        assert 958 < calibration.threshold < 960
        assert calibration.critical == {"metal": 1, "glass": 2}

    @pytest.mark.parametrize("critical", [None, {}, {"metal": np.zeros(0, np.float32)}])
    def test_without_such_pictures_nothing_changes(self, critical):
        calibration = calibrate(self.HELD_OUT, 0.01, critical, 0.05)

        assert calibration.threshold == calibrate(self.HELD_OUT, 0.01).threshold
        assert calibration.critical_missed == 0

    def test_room_is_left_for_rounding_below_the_lowest(self):
        calibration = self.calibrated(970)

        assert 970 - calibration.threshold == pytest.approx(0.97, rel=1e-3)

    @pytest.mark.parametrize("seed", range(5))
    def test_the_bound_holds_on_new_normals_on_average(self, seed):
        rng = np.random.default_rng(seed)
        held_out, new = rng.gamma(2, size=(100, 199)).astype(np.float32), rng.gamma(2, size=20_000)

        thresholds = [self.calibrated(0.0, held_out=own, most=0.1).threshold for own in held_out]

        assert np.mean([(new > threshold).mean() for threshold in thresholds]) == pytest.approx(0.1, abs=0.008)


class TestPromised:
    HELD_OUT = np.random.default_rng(3).permutation(1000).astype(np.float32)

    def test_the_threshold_is_the_score_of_the_promised_rank(self):
        terms = Terms(0.01)
        rank = terms.rank(1000)

        calibration = calibrate(self.HELD_OUT, 0.3, promised=Promised(terms))

        assert 0 < calibration.threshold - (1000 - rank) <= 1.1
        promise = calibration.promise
        assert (promise.max_false_reject, promise.asked, promise.confidence) == (0.01, 0.01, 0.95)
        assert (promise.rank, promise.scores, promise.gave_way) == (rank, 1000, None)
        assert promise.rejected == calibration.observed_false_rejects <= rank - 1
        assert calibration.false_reject_rate == 0.01

    def test_without_one_nothing_is_promised(self):
        assert calibrate(self.HELD_OUT, 0.01).promise is None

    def test_too_few_are_refused(self):
        with pytest.raises(TooFewNormalsError, match="299 held-out normals are needed for 1 % at 95 %; there are 298"):
            calibrate(self.HELD_OUT[:298], 0.01, promised=Promised(Terms(0.01)))

    def test_each_group_counts_once(self):
        groups = np.arange(1000) // 10

        calibration = calibrate(self.HELD_OUT, 0.01, promised=Promised(Terms(0.05), groups.tolist(), "(lot)"))

        highest = sorted(self.HELD_OUT.reshape(100, 10).max(axis=1))
        assert 0 < calibration.threshold - highest[-Terms(0.05).rank(100)] <= 1.1
        assert (calibration.normals, calibration.promise.scores, calibration.promise.group_pattern) == (
            1000,
            100,
            "(lot)",
        )

    def test_critical_types_come_first_and_what_still_holds_is_said(self):
        critical = {"metal": np.array([970, 2000], np.float32)}

        calibration = calibrate(self.HELD_OUT, 0.01, critical, 0.05, Promised(Terms(0.01)))

        promise = calibration.promise
        assert 968 < calibration.threshold < 970
        assert calibration.critical_missed == 0
        assert calibration.critical_scores == {"metal": (970.0, 2000.0)}
        assert promise.gave_way == "promise"
        assert promise.rejected == 30
        assert at_most(30, 1000) < promise.max_false_reject < at_most(34, 1000)
        assert promise.why.startswith("1 % at 95 % would take a threshold of 99")

    def test_what_still_holds_does_so_as_often_as_it_says(self):
        """Over 3,000 calibrations, wherever the critical type lies against the normals."""
        rng = np.random.default_rng(4)
        for truth in (0.03, 0.05, 0.08, 0.15):
            critical = {"metal": np.array([-math.log(truth)], np.float32)}
            broken = 0
            for scores in rng.exponential(size=(750, 150)).astype(np.float32):
                calibration = calibrate(scores, 0.01, critical, 0.4, Promised(Terms(0.05)))
                broken += math.exp(-calibration.threshold) > calibration.promise.max_false_reject
            assert binomtest(broken, 750, 0.05, "greater").pvalue > 1e-3


class TestCosts:
    NORMALS = np.random.default_rng(6).exponential(size=400).astype(np.float32)

    def priced(self, cost, **others):
        costs = Costs(1.0, {"scratch": EscapeCost(cost=cost, per_million=1000)})
        return calibrate(self.NORMALS, 0.01, others=others, costs=costs)

    def test_without_a_promise_they_take_the_place_of_the_rate(self):
        scratches = np.array([2, 4, 6, 8], np.float32)

        cheap, dear = self.priced(1, scratch=scratches), self.priced(1e5, scratch=scratches)

        assert dear.threshold < 2 < cheap.threshold
        assert dear.threshold == dear.cost.wanted
        assert dear.promise is None
        assert dear.other_scores == {"scratch": (2.0, 4.0, 6.0, 8.0)}

    def test_critical_types_hold_the_threshold_down_all_the_same(self):
        costs = Costs(1000.0, {"scratch": EscapeCost(cost=1, per_million=1)})
        critical = {"metal": np.array([3], np.float32)}

        made = calibrate(self.NORMALS, 0.01, critical, 0.2, costs=costs)

        assert made.threshold < 3
        assert made.cost.held_by == "critical"
