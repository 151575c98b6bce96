import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from training.promise import Terms, TooFewNormalsError, at_least, at_most, check_enough, highest_by_group, percent_up

SHARES = st.floats(0.001, 0.4)
CONFIDENCES = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


def fewer_than(k, n, p):
    """Chance of fewer than k of n, term by term."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k))


class TestTerms:
    def test_the_sentence_of_a_line_engineer(self):
        with pytest.raises(TooFewNormalsError) as refused:
            check_enough(Terms(0.005, 0.95), None, 210)

        assert str(refused.value) == (
            "598 held-out normals are needed for 0.5 % at 95 %; there are 210; with 210 the best promise is 1.42 %"
        )

    def test_groups_are_counted_and_named(self):
        with pytest.raises(
            TooFewNormalsError, match=r"29 held-out groups .* for 10 % at 95 %; there are 3 \(of 12 pictures\)"
        ):
            check_enough(Terms(0.1), [0, 1, 2] * 4, 12)

        check_enough(Terms(0.1), range(29), 29)

    @pytest.mark.parametrize(
        ("share", "confidence", "needed"),
        [(0.05, 0.95, 59), (0.1, 0.9, 22), (0.01, 0.99, 459), (0.01, 0.95, 299), (0.005, 0.95, 598), (0.5, 0.5, 1)],
    )
    def test_the_published_sample_sizes(self, share, confidence, needed):
        """Of one-sided nonparametric tolerance limits, as Wilks 1941 has them: 59 for 95 % at 95 %."""
        assert Terms(share, confidence).needed == needed

    @given(st.integers(1, 300), SHARES, CONFIDENCES)
    def test_the_rank_is_the_largest_whose_tail_leaves_no_more_than_the_doubt(self, n, share, confidence):
        kept = [k for k in range(1, n + 1) if fewer_than(k, n, share) <= 1 - confidence]
        tails = [abs(fewer_than(k, n, share) - (1 - confidence)) for k in range(1, n + 1)]
        assume(min(tails) > 1e-12)

        assert Terms(share, confidence).rank(n) == max(kept, default=0)

    @given(SHARES, CONFIDENCES)
    def test_needed_is_enough_and_one_less_is_not(self, share, confidence):
        terms = Terms(share, confidence)

        assert terms.rank(terms.needed) >= 1
        assert terms.needed == 1 or terms.rank(terms.needed - 1) == 0

    @given(st.integers(1, 5000), CONFIDENCES)
    def test_the_best_promise_is_kept_by_the_highest_score_and_none_below_is(self, n, confidence):
        best = Terms(0.5, confidence).best(n)

        assert best.rank(n) == 1
        assert Terms(best.max_false_reject * (1 - 1e-9), confidence).rank(n) == 0
        assert best.max_false_reject == pytest.approx(1 - (1 - confidence) ** (1 / n))

    @given(st.integers(1, 1000), SHARES, CONFIDENCES)
    def test_more_normals_never_promise_less(self, n, share, confidence):
        terms = Terms(share, confidence)

        assert terms.rank(n) <= terms.rank(n + 1) <= terms.rank(n) + 1
        assert terms.best(n + 1).max_false_reject < terms.best(n).max_false_reject

    @given(st.integers(1, 300), SHARES, CONFIDENCES)
    def test_clopper_and_pearson_prove_the_same_of_the_same_threshold(self, n, share, confidence):
        rank = Terms(share, confidence).rank(n)
        assume(rank)

        assert at_most(rank - 1, n, confidence) <= share * (1 + 1e-9)
        assert at_most(rank, n, confidence) > share * (1 - 1e-9)


class TestSimulated:
    """2,000 calibrations of each shape; what a threshold truly rejects is read from the distribution itself."""

    SHAPES = pytest.mark.parametrize(
        ("draw", "rejected_above"),
        [
            (lambda rng, size: rng.exponential(size=size), lambda x: np.exp(-x)),
            (lambda rng, size: rng.standard_t(2, size=size), lambda x: t.sf(x, 2)),
            (lambda rng, size: rng.beta(0.5, 1, size=size), lambda x: 1 - np.sqrt(x)),
            (lambda rng, size: rng.geometric(0.1, size=size), lambda x: 0.9**x),  # with many ties
        ],
        ids=["exponential", "heavy tail", "bounded", "ties"],
    )

    @SHAPES
    @pytest.mark.parametrize(("n", "share"), [(59, 0.05), (299, 0.01), (400, 0.05)])
    def test_no_more_calibrations_break_the_promise_than_the_doubt(self, draw, rejected_above, n, share):
        scores = np.sort(draw(np.random.default_rng(n), (2000, n)))

        broken = int((rejected_above(scores[:, -Terms(share).rank(n)]) > share).sum())
        by_quantile = int((rejected_above(np.quantile(scores, 1 - share, axis=1)) > share).sum())

        assert binomtest(broken, 2000, 0.05, "greater").pvalue > 1e-3
        assert by_quantile > 500, "a plain quantile breaks it in every second or third calibration"

    def test_pictures_of_a_lot_prove_no_more_than_the_lot(self):
        """Scores of a lot go up together; 60 lots of 10 pictures, promised 5 %."""
        rng = np.random.default_rng(0)
        lots, broken, naive = np.repeat(np.arange(60), 10), 0, 0
        for _ in range(1000):
            scores = np.repeat(rng.standard_normal(60), 10) + 0.1 * rng.standard_normal(600)
            by_lot = np.sort(highest_by_group(scores, lots))[-Terms(0.05).rank(60)]
            by_picture = np.sort(scores)[-Terms(0.05).rank(600)]
            scale = math.hypot(1, 0.1)
            broken += math.erfc(by_lot / scale / math.sqrt(2)) / 2 > 0.05
            naive += math.erfc(by_picture / scale / math.sqrt(2)) / 2 > 0.05

        assert broken <= 50
        assert naive > 150


class TestBounds:
    def test_ten_of_ten(self):
        assert at_least(10, 10) == pytest.approx(0.05 ** (1 / 10)) == pytest.approx(0.741, abs=5e-4)

    @given(st.integers(1, 200), st.data(), CONFIDENCES)
    def test_they_are_scipys_exact_ones(self, n, data, confidence):
        hits = data.draw(st.integers(0, n))

        low = binomtest(hits, n, alternative="greater").proportion_ci(confidence, "exact").low
        high = binomtest(hits, n, alternative="less").proportion_ci(confidence, "exact").high

        assert at_least(hits, n, confidence) == pytest.approx(low, abs=1e-9)
        assert at_most(hits, n, confidence) == pytest.approx(high, abs=1e-9)
        assert at_least(hits, n, confidence) == pytest.approx(1 - at_most(n - hits, n, confidence), abs=1e-9)

    @pytest.mark.parametrize("truth", [0.02, 0.5, 0.9])
    def test_they_cover_the_truth_as_often_as_they_say(self, truth):
        chances = [math.comb(40, k) * truth**k * (1 - truth) ** (40 - k) for k in range(41)]

        below = math.fsum(chance for k, chance in enumerate(chances) if at_least(k, 40) <= truth)
        above = math.fsum(chance for k, chance in enumerate(chances) if at_most(k, 40) >= truth)

        assert min(below, above) >= 0.95


class TestGroups:
    def test_without_groups_the_scores_stay(self):
        scores = np.array([3, 1, 2], np.float32)

        assert highest_by_group(scores, None) is scores

    @given(st.lists(st.tuples(st.integers(0, 5), st.floats(-9, 9, width=32)), min_size=1))
    def test_each_group_counts_once_by_its_highest(self, pictures):
        groups, scores = zip(*pictures, strict=True)

        highest = highest_by_group(np.array(scores, np.float32), groups)

        by_group = itertools.groupby(sorted(pictures), lambda each: each[0])
        assert highest.tolist() == [max(score for _, score in own) for _, own in by_group]


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.005, "0.5 %"), (0.014164, "1.42 %"), (0.0141, "1.41 %"), (0.01410001, "1.42 %"), (0.1, "10 %"), (0.5, "50 %")],
)
def test_per_cent_are_rounded_up(share, said):
    assert percent_up(share) == said


@given(st.floats(1e-5, 0.999))
def test_what_is_said_is_never_less_than_what_is_promised(share):
    said = float(percent_up(share).removesuffix(" %")) / 100

    assert share * (1 - 1e-9) <= said <= share * 1.011
