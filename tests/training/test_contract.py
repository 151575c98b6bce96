import math

import numpy as np
import pytest

from inspector.bundle import EscapeCost
from inspector.errors import DataError
from training.contract import HeldOut, check_possible, contract, promised_threshold
from training.costs import Costs
from training.promise import Promised, Terms, TooFewNormalsError

NORMALS = np.random.default_rng(5).exponential(size=300).astype(np.float32)
BY_SCORE = np.sort(NORMALS)[::-1]
ONE, FIVE = Terms(0.01), Terms(0.05)


def made(promised, limit=math.inf, costs=None, **anomalies):
    by_type = {name: np.array(own, np.float32) for name, own in anomalies.items()}
    return contract(HeldOut(NORMALS, by_type), promised, limit, costs)


def costs(cost, false_reject=1.0):
    return Costs(false_reject, {"scratch": EscapeCost(cost=cost, per_million=1000)})


class TestReview:
    def test_between_the_two_thresholds_parts_are_rejected_and_looked_at(self):
        one = made(Promised(ONE, review=FIVE))

        assert one.threshold == promised_threshold(NORMALS, FIVE) < one.review.below
        assert one.review.below == promised_threshold(NORMALS, ONE)
        assert one.promise.max_false_reject == 0.05
        assert one.review.max_false_reject == 0.01

    def test_without_it_no_fail_is_in_doubt(self):
        assert made(Promised(ONE)).review is None

    def test_what_critical_types_bring_down_is_in_doubt_too(self):
        one = made(Promised(ONE, review=FIVE), limit=1.0)

        assert one.threshold == 1.0
        assert one.promise.gave_way == "promise"
        assert one.review.below == promised_threshold(NORMALS, ONE)

    def test_the_larger_share_needs_its_normals_too(self):
        with pytest.raises(TooFewNormalsError, match="59 held-out normals are needed for 5 % at 95 %; there are 20"):
            contract(HeldOut(NORMALS[:20]), Promised(Terms(0.2), review=FIVE))


class TestTail:
    BEYOND = Terms(0.002)

    def test_it_goes_beyond_what_the_normals_prove_and_is_told_apart_from_it(self):
        one = made(Promised(self.BEYOND, tail=True))

        assert one.tail.max_false_reject == 0.002
        assert one.tail.threshold == one.threshold > BY_SCORE[0]
        assert one.promise.max_false_reject == pytest.approx(1 - 0.05 ** (1 / 300))
        assert one.tail.kept
        assert len(one.tail.excesses) == 30

    def test_without_it_too_few_are_refused(self):
        with pytest.raises(TooFewNormalsError):
            made(Promised(self.BEYOND))

    def test_where_the_normals_are_enough_nothing_is_modelled(self):
        one = made(Promised(ONE, tail=True))

        assert one.tail is None
        assert one == made(Promised(ONE))

    def test_critical_types_may_bring_it_down(self):
        one = made(Promised(self.BEYOND, tail=True), limit=1.0)

        assert (one.threshold, one.tail.kept, one.promise.gave_way) == (1.0, False, "promise")
        assert one.promise.why.startswith("0.2 % at 95 % by a model of the tail would take a threshold of ")

    def test_with_a_band_the_model_sets_its_upper_end(self):
        one = made(Promised(self.BEYOND, review=FIVE, tail=True))

        assert one.threshold == promised_threshold(NORMALS, FIVE)
        assert one.review.below == one.tail.threshold > BY_SCORE[0]
        assert one.tail.kept

    def test_one_that_does_not_fit_is_refused(self):
        lump = np.r_[NORMALS[:250], np.full(20, 20, np.float32) + 1e-3 * NORMALS[:20]].astype(np.float32)

        with pytest.raises(DataError, match="does not fit the highest 30 of 270 scores"):
            contract(HeldOut(lump), Promised(self.BEYOND, tail=True))

    def test_what_cannot_be_had_is_known_before_anything_is_trained(self):
        check_possible(Promised(self.BEYOND, tail=True), 60)
        check_possible(Promised(ONE), 299)
        for promised, error in [
            (Promised(self.BEYOND, tail=True), DataError),
            (Promised(ONE), TooFewNormalsError),
            (Promised(self.BEYOND, review=FIVE, tail=True), TooFewNormalsError),
        ]:
            with pytest.raises(error):
                check_possible(promised, 58)


class TestCosts:
    def test_they_choose_above_what_the_promise_takes(self):
        """Rejecting is so dear, and scratches so far off, that even fewer good parts are rejected."""
        one = made(Promised(FIVE), costs=costs(1, false_reject=100), scratch=[20, 30])

        assert one.threshold == one.cost.wanted > BY_SCORE[0]
        assert (one.cost.held_by, one.cost.why) == (None, "")
        assert one.promise.max_false_reject == 0.05
        assert one.promise.rejected == 0

    def test_the_promise_comes_before_them(self):
        one = made(Promised(FIVE), costs=costs(1e5), scratch=[0.5, 1.0, 1.5, 3.14])

        assert one.threshold == promised_threshold(NORMALS, FIVE)
        assert one.cost.held_by == "promise"
        assert one.cost.wanted < 0.5
        assert one.cost.least < one.cost.expected
        assert "but the promise holds it up" in one.cost.why

    def test_critical_types_come_before_both(self):
        one = made(Promised(FIVE), limit=1.0, costs=costs(1, false_reject=100), scratch=[20, 30])

        assert one.threshold == 1.0
        assert one.promise.gave_way == "promise"
        assert one.cost.held_by == "critical"
        assert "but the critical types hold it down" in one.cost.why
