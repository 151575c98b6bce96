import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.msa.shares import Share, parts_to_prove
from training.promise import at_least, at_most


def chance_of_at_most(successes, trials, probability):
    total = 0.0
    for k in range(successes + 1):
        total += math.comb(trials, k) * probability**k * (1 - probability) ** (trials - k)
    return total


successes_of_trials = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
doubts = st.sampled_from([0.2, 0.1, 0.05, 0.025, 0.01])
several_parts = st.lists(
    st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=40
)


class TestBounds:
    @given(successes_of_trials, doubts)
    def test_are_where_the_binomial_tail_is_the_doubt(self, seen, doubt):
        successes, trials = seen

        low, high = at_least(successes, trials, 1 - doubt), at_most(successes, trials, 1 - doubt)

        if successes < trials:
            assert chance_of_at_most(successes, trials, high) == pytest.approx(doubt, rel=1e-6)
        else:
            assert high == 1
        if successes > 0:
            assert 1 - chance_of_at_most(successes - 1, trials, low) == pytest.approx(doubt, rel=1e-6)
        else:
            assert low == 0

    @given(successes_of_trials, doubts)
    def test_of_failures_mirror_those_of_successes(self, seen, doubt):
        successes, trials = seen

        mirrored = 1 - at_most(trials - successes, trials, 1 - doubt)

        assert at_least(successes, trials, 1 - doubt) == pytest.approx(mirrored, abs=1e-9)

    @pytest.mark.parametrize(
        ("right", "low", "high"), [(42, 0.71, 0.93), (45, 0.78, 0.97), (40, 0.66, 0.90)], ids=["A", "B", "C"]
    )
    def test_are_those_of_the_aiags_three_appraisers_of_50_parts(self, right, low, high):
        share = Share.of([(1, 1)] * right + [(0, 1)] * (50 - right), 0.95)

        assert (round(share.low, 2), round(share.high, 2)) == (low, high)

    def test_ten_of_ten_prove_74_percent(self):
        assert Share.of([(1, 1)] * 10, 0.95).at_least == pytest.approx(0.05 ** (1 / 10))


class TestShare:
    @given(several_parts, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
    def test_lies_between_its_bounds_and_the_one_sided_are_closer(self, parts, confidence):
        share = Share.of(parts, confidence)

        assert 0 <= share.low <= share.at_least + 1e-12
        assert share.at_most <= share.high + 1e-12 <= 1 + 1e-12
        assert share.low - 1e-12 <= share.estimate <= share.high + 1e-12

    @given(several_parts, st.integers(2, 4))
    def test_more_presentations_that_say_the_same_prove_nothing_more(self, parts, times):
        again = [(times * happened, times * of) for happened, of in parts]

        once, more = Share.of(parts, 0.95), Share.of(again, 0.95)

        assert (once.estimate, once.low, once.high) == (more.estimate, more.low, more.high)

    def test_is_the_mean_over_the_parts(self):
        share = Share.of([(2, 2), (0, 1), (1, 4)], 0.95)

        assert share.estimate == (1 + Fraction(0) + Fraction(1, 4)) / 3
        assert (share.parts, share.ever, share.always) == (3, 2, 1)
        assert (share.happened, share.presentations) == (3, 7)

    def test_a_part_that_differs_counts_for_the_upper_and_not_for_the_lower_bound(self):
        share = Share.of([(1, 3)] + [(0, 3)] * 9, 0.95)

        assert share.at_most == at_most(1, 10, 0.95)
        assert share.at_least == 0

    def test_of_no_part_is_none(self):
        assert Share.of([], 0.95) is None


class TestPartsToProve:
    @pytest.mark.parametrize(
        ("limit", "parts"), [(Fraction(2, 100), 149), (Fraction(5, 100), 59), (Fraction(10, 100), 29)]
    )
    def test_without_a_mistake_is_the_first_power_below_the_doubt(self, limit, parts):
        assert parts_to_prove(limit, 0, 0.95) == parts
        assert (1 - float(limit)) ** parts <= 0.05 < (1 - float(limit)) ** (parts - 1)

    @given(st.integers(0, 6), st.sampled_from([Fraction(1, 10), Fraction(1, 5)]))
    def test_is_the_first_number_whose_bound_keeps_the_limit(self, wrong, limit):
        parts = wrong + 1
        while chance_of_at_most(wrong, parts, float(limit)) > 0.05:
            parts += 1

        assert parts_to_prove(limit, wrong, 0.95) == parts
        assert at_most(wrong, parts, 0.95) <= limit < at_most(wrong, parts - 1, 0.95)
