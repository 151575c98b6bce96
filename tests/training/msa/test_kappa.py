import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from training.msa.kappa import NO_PAIRS, NO_WIDTH, NONE_IN_COMMON, ONE_ANSWER, cohen, fleiss


def one_presentation_each(pairs):
    return {str(i): [pair] for i, pair in enumerate(pairs)}


def of_table(table):
    """Pairs of answers whose numbers a table holds: the first appraiser's answers are its rows."""
    return [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]


def standard_error(pairs):
    """Of Fleiss, Cohen and Everitt 1969, cell by cell."""
    n = len(pairs)
    answers = sorted({answer for pair in pairs for answer in pair})
    p = {(i, j): sum(pair == (i, j) for pair in pairs) / n for i in answers for j in answers}
    row = {i: sum(p[i, j] for j in answers) for i in answers}
    column = {j: sum(p[i, j] for i in answers) for j in answers}
    observed = sum(p[i, i] for i in answers)
    expected = sum(row[i] * column[i] for i in answers)
    kappa = (observed - expected) / (1 - expected)
    first = sum(p[i, i] * (1 - (row[i] + column[i]) * (1 - kappa)) ** 2 for i in answers)
    second = (1 - kappa) ** 2 * sum(p[i, j] * (column[i] + row[j]) ** 2 for i in answers for j in answers if i != j)
    third = (kappa - expected * (1 - kappa)) ** 2
    return math.sqrt(max(first + second - third, 0) / n) / (1 - expected)


pairs_of_answers = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=60)

AIAG = {
    "A and the reference": ([[45, 5], [3, 97]], 0.88),
    "B and the reference": ([[45, 2], [3, 100]], 0.92),
    "C and the reference": ([[42, 9], [6, 93]], 0.77),
    "A and B": ([[44, 6], [3, 97]], 0.86),
}
"""MSA, 4th edition, chapter III, section C: cross tabulations of 50 parts in three presentations, and their kappa."""


class TestCohen:
    @pytest.mark.parametrize(("table", "kappa"), AIAG.values(), ids=AIAG)
    def test_is_the_aiags(self, table, kappa):
        assert round(cohen(one_presentation_each(of_table(table)), 0.95).value, 2) == kappa

    def test_worked_by_hand(self):
        # 20 + 15 of 50 agree, 0.7; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5; (0.7 - 0.5) / (1 - 0.5).
        assert cohen(one_presentation_each(of_table([[20, 5], [10, 15]])), 0.95).value == pytest.approx(0.4)

    def test_interval_of_fleiss_table_of_diagnoses(self):
        # Fleiss, Statistical Methods for Rates and Proportions, table of 100 diagnoses: kappa 0.676, its error 0.088.
        pairs = of_table([[75, 1, 4], [5, 4, 1], [0, 0, 10]])

        kappa = cohen(one_presentation_each(pairs), 0.95)

        assert kappa.value == pytest.approx(0.676, abs=5e-4)
        assert (kappa.high - kappa.low) / 2 / 1.959964 == pytest.approx(0.088, abs=5e-4)

    @given(pairs_of_answers)
    def test_is_sklearns_and_its_interval_that_of_fleiss_cohen_and_everitt(self, pairs):
        first, second = zip(*pairs, strict=True)
        assume(len(set(first) | set(second)) > 1 and first != second)

        kappa = cohen(one_presentation_each(pairs), 0.9)

        assert kappa.value == pytest.approx(cohen_kappa_score(first, second))
        error = standard_error(pairs)
        if error < 1e-7:
            assert (kappa.low, kappa.high, kappa.note) == (None, None, NO_WIDTH)
            return
        reach = 1.6448536 * error
        assert kappa.low == pytest.approx(max(kappa.value - reach, -1), abs=1e-6)
        assert kappa.high == pytest.approx(min(kappa.value + reach, 1), abs=1e-6)
        assert -1 <= kappa.low <= kappa.value <= kappa.high <= 1

    @given(pairs_of_answers)
    def test_does_not_care_who_is_first(self, pairs):
        one = cohen(one_presentation_each(pairs), 0.95)
        other = cohen(one_presentation_each([(b, a) for a, b in pairs]), 0.95)

        assert one.note == other.note
        np.testing.assert_allclose(
            np.array([one.value, one.low, one.high], float), np.array([other.value, other.low, other.high], float),
            atol=1e-9,
        )  # fmt: skip

    @given(pairs_of_answers, st.integers(2, 4))
    def test_presentations_that_say_the_same_again_do_not_narrow_the_interval(self, pairs, times):
        once = cohen(one_presentation_each(pairs), 0.95)
        again = cohen({part: own * times for part, own in one_presentation_each(pairs).items()}, 0.95)

        assert again.value == pytest.approx(once.value)
        assert again.note == once.note
        assert (again.low, again.high) == (pytest.approx(once.low), pytest.approx(once.high))

    @given(st.lists(st.sampled_from("ab"), min_size=2, max_size=30))
    def test_is_1_without_interval_where_nobody_disagrees(self, answers):
        assume(len(set(answers)) > 1)

        kappa = cohen(one_presentation_each(zip(answers, answers, strict=True)), 0.95)

        assert (kappa.value, kappa.low, kappa.high, kappa.note) == (1.0, None, None, NO_WIDTH)

    @pytest.mark.parametrize(("table", "kappa"), [([[0, 5], [5, 0]], -1), ([[4, 0], [1, 0]], 0)])
    def test_has_no_interval_where_all_disagree_or_one_always_says_the_same(self, table, kappa):
        said = cohen(one_presentation_each(of_table(table)), 0.95)

        assert (said.value, said.low, said.note) == (pytest.approx(kappa), None, NO_WIDTH)

    def test_is_undefined_where_all_answers_are_the_same_or_there_are_none(self):
        assert cohen({"p": [(True, True)] * 3}, 0.95).note == ONE_ANSWER
        assert cohen({"p": []}, 0.95).note == NO_PAIRS
        assert cohen({}, 0.95).value is None


class TestFleiss:
    def test_is_that_of_the_worked_example_of_14_raters(self):
        # Ten subjects, five categories; kappa 0.210 (Wikipedia, "Fleiss' kappa", worked example).
        table = [
            [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
        ]  # fmt: skip

        answers = [[k for k, count in enumerate(row) for _ in range(count)] for row in table]

        assert fleiss(answers).value == pytest.approx(0.210, abs=5e-4)

    @given(st.integers(2, 5).flatmap(lambda raters: st.lists(
        st.lists(st.sampled_from("abc"), min_size=raters, max_size=raters), min_size=1, max_size=20)))  # fmt: skip
    def test_counts_pairs_of_raters(self, answers):
        assume(len({each for own in answers for each in own}) > 1)
        together, pairs, everything = 0, 0, [each for own in answers for each in own]
        for own in answers:
            for i in range(len(own)):
                for j in range(len(own)):
                    if i != j:
                        pairs += 1
                        together += own[i] == own[j]
        by_chance = sum((everything.count(each) / len(everything)) ** 2 for each in "abc")

        assert fleiss(answers).value == pytest.approx((together / pairs - by_chance) / (1 - by_chance))

    def test_is_1_where_all_agree_and_undefined_where_there_is_one_answer(self):
        assert fleiss([[True] * 3, [False] * 3]).value == 1
        assert fleiss([[True] * 3] * 2).note == ONE_ANSWER
        assert fleiss([]).note == NONE_IN_COMMON
