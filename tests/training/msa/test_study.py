"""The AIAG's example, and small studies by slow loops."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from training.msa.limits import Grade, verdicts
from training.msa.study import GOOD, Decision, study

A, R, U = Decision.ACCEPT, Decision.REJECT, Decision.UNDECIDED


def numbered(*decisions):
    return dict(enumerate(decisions, start=1))


def parts(**groups):
    """Of each group of parts: how many, and the decisions on each of them."""
    return {f"{name}{i}": numbered(*said) for name, (count, *said) in groups.items() for i in range(count)}


def truths_of(decisions, **kinds):
    return {part: kinds.get(part.rstrip("0123456789"), GOOD) for part in decisions}


def of_one(decisions, confidence=0.95, **kinds):
    (own,) = study(truths_of(decisions, **kinds), {"x": decisions}, confidence).appraisals
    return own


AIAG_A = parts(goodright=(29, A, A, A), goodonce=(5, A, A, R), badright=(13, R, R, R), badonce=(3, R, R, A))
"""Appraiser A of the AIAG's example, 34 good and 16 bad parts in three presentations: 42 of 50 parts are right always,
97 of 102 and 45 of 48 presentations; on which parts the wrong ones fell makes no difference to these figures."""


class TestAppraisal:
    def test_figures_of_the_aiags_appraiser(self):
        own = of_one(AIAG_A, badright="bad", badonce="bad")

        assert own.effectiveness.estimate == Fraction(42, 50)
        assert round(float(own.miss_rate.estimate), 3) == 0.062  # 3 of 48; the manual says 6.3 %
        assert round(float(own.false_alarm_rate.estimate), 3) == 0.049
        assert (own.miss_rate.happened, own.miss_rate.presentations) == (3, 48)
        assert (own.false_alarm_rate.happened, own.false_alarm_rate.presentations) == (5, 102)
        assert own.repeatability.estimate == Fraction(42, 50)
        assert round(own.kappa.value, 2) == 0.88

    def test_a_part_wrong_in_one_presentation_is_not_judged_right(self):
        own = of_one(parts(good=(3, A, A), odd=(1, A, R), bad=(1, R, R)), bad="scratch")

        assert own.effectiveness.estimate == Fraction(4, 5)
        assert own.right.estimate == Fraction(9, 10)

    def test_undecided_is_a_reject_that_is_counted(self):
        own = of_one(parts(good=(2, A, A), odd=(1, A, U), bad=(1, U, R)), bad="scratch")

        assert own.undecided == 2
        assert own.miss_rate.estimate == 0
        assert own.false_alarm_rate.estimate == Fraction(1, 6)
        assert own.repeatability.estimate == Fraction(3, 4)

    def test_repeatability_is_of_parts_with_several_presentations(self):
        own = of_one(parts(good=(3, A), odd=(1, A, R), bad=(1, R)), bad="scratch")

        assert (own.repeatability.estimate, own.repeatability.parts) == (0, 1)
        assert of_one(parts(good=(3, A), bad=(1, R)), bad="scratch").repeatability is None

    def test_miss_rates_are_told_by_type(self):
        own = of_one(
            parts(good=(1, A), scratch=(3, R), faint=(1, A), spot=(2, A)),
            scratch="scratch", faint="scratch", spot="spot",
        )  # fmt: skip

        assert {kind: share.estimate for kind, share in own.miss_rates.items()} == {
            "scratch": Fraction(1, 4),
            "spot": Fraction(1),
        }
        assert own.miss_rate.estimate == Fraction(3, 6)


TRUTHS = {"p1": GOOD, "p2": "scratch", "p3": GOOD, "p4": "scratch"}


class TestSeveralAppraisers:
    def test_are_compared_in_the_presentations_that_both_judged(self):
        one = {"p1": numbered(A, A), "p2": numbered(R, R), "p3": numbered(A, R), "p4": numbered(R, R)}
        two = {"p1": numbered(A), "p2": numbered(R), "p3": numbered(R), "p4": numbered(A)}

        made = study(TRUTHS, {"one": one, "two": two}, 0.95)

        kappa = made.between["one", "two"]
        assert kappa.presentations == 4
        assert kappa.value == pytest.approx(cohen_kappa_score([1, 0, 1, 0], [1, 0, 0, 1]))

    def test_each_two_are_compared_and_all_together(self):
        same = {"p1": numbered(A), "p2": numbered(R), "p3": numbered(A), "p4": numbered(R)}

        made = study(TRUTHS, {"one": same, "two": same, "three": same}, 0.95)

        assert list(made.between) == [("one", "two"), ("one", "three"), ("two", "three")]
        assert {kappa.value for kappa in made.between.values()} == {1.0}
        assert (made.overall.value, made.overall.presentations) == (1.0, 4)

    def test_one_alone_has_nobody_to_agree_with(self):
        same = {"p1": numbered(A), "p2": numbered(R), "p3": numbered(A), "p4": numbered(R)}

        made = study(TRUTHS, {"one": same}, 0.95)

        assert (made.between, made.overall) == ({}, None)
        assert (made.good, made.defective) == (2, 2)


judged_parts = st.tuples(
    st.sampled_from([GOOD, "scratch", "spot"]), st.lists(st.sampled_from(Decision), min_size=1, max_size=4)
)


@given(st.lists(judged_parts, min_size=1, max_size=25))
def test_figures_are_those_of_slow_loops(given_parts):
    truths = {str(i): truth for i, (truth, _) in enumerate(given_parts)}
    decisions = {str(i): numbered(*said) for i, (_, said) in enumerate(given_parts)}
    right_parts, missed, false_alarms, bad, good = 0, Fraction(), Fraction(), 0, 0
    for truth, said in given_parts:
        accepted = sum(each is A for each in said)
        if truth == GOOD:
            good += 1
            false_alarms += Fraction(len(said) - accepted, len(said))
            right_parts += accepted == len(said)
        else:
            bad += 1
            missed += Fraction(accepted, len(said))
            right_parts += accepted == 0

    (own,) = study(truths, {"x": decisions}, 0.95).appraisals

    assert own.effectiveness.estimate == Fraction(right_parts, len(given_parts))
    assert (own.miss_rate.estimate if own.miss_rate else None) == (missed / bad if bad else None)
    assert (own.false_alarm_rate.estimate if own.false_alarm_rate else None) == (false_alarms / good if good else None)
    # Turning all decisions and truths around makes misses of the false alarms, and changes nothing else.
    turned_truths = {part: "bad" if truth == GOOD else GOOD for part, truth in truths.items()}
    turned = {part: numbered(*(R if said is A else A for said in own.values())) for part, own in decisions.items()}
    (other,) = study(turned_truths, {"x": turned}, 0.95).appraisals
    assert (other.miss_rate, other.false_alarm_rate) == (own.false_alarm_rate, own.miss_rate)
    assert (other.effectiveness, other.repeatability) == (own.effectiveness, own.repeatability)


class TestVerdicts:
    def by_criterion(self, decisions, **kinds):
        return {each.criterion: each for each in verdicts(of_one(decisions, **kinds), 0.95)}

    def test_of_the_aiags_appraiser(self):
        said = self.by_criterion(AIAG_A, badright="bad", badonce="bad")

        assert {name: each.grade for name, each in said.items()} == {
            "effectiveness": Grade.MARGINAL,
            "miss_rate": Grade.UNACCEPTABLE,
            "false_alarm_rate": Grade.ACCEPTABLE,
        }
        assert not any(each.proven for each in said.values())

    @pytest.mark.parametrize(
        ("bad_parts", "missed", "grade"),
        [
            (98, 2, Grade.ACCEPTABLE),
            (97, 3, Grade.MARGINAL),
            (95, 5, Grade.MARGINAL),
            (94, 6, Grade.UNACCEPTABLE),
        ],
    )
    def test_limits_belong_to_the_better_grade(self, bad_parts, missed, grade):
        said = self.by_criterion(parts(good=(50, A), bad=(bad_parts, R), faint=(missed, A)), bad="bad", faint="bad")

        assert said["miss_rate"].grade is grade

    @pytest.mark.parametrize(
        ("right", "grade"),
        [(18, Grade.ACCEPTABLE), (17, Grade.MARGINAL), (16, Grade.MARGINAL), (15, Grade.UNACCEPTABLE)],
    )
    def test_effectiveness_wants_to_be_high(self, right, grade):
        said = self.by_criterion(parts(good=(right - 1, A), odd=(20 - right, R), bad=(1, R)), bad="bad")

        assert said["effectiveness"].grade is grade

    @pytest.mark.parametrize(("bad_parts", "proven"), [(148, False), (149, True)])
    def test_no_miss_in_149_defective_parts_proves_2_percent(self, bad_parts, proven):
        said = self.by_criterion(parts(good=(1, A), bad=(bad_parts, R)), bad="bad")["miss_rate"]

        assert (said.grade, said.proven, said.parts_to_prove) == (Grade.ACCEPTABLE, proven, 149)
        assert (said.parts, said.wrong_parts) == (bad_parts, 0)

    @pytest.mark.parametrize(("right", "proven"), [(28, False), (29, True)])
    def test_29_parts_judged_right_prove_90_percent_effectiveness(self, right, proven):
        said = self.by_criterion(parts(good=(right - 1, A), bad=(1, R)), bad="bad")["effectiveness"]

        assert (said.proven, said.parts_to_prove) == (proven, 29)

    def test_presentations_are_no_parts(self):
        said = self.by_criterion(parts(good=(1, A), bad=(20, *[R] * 10)), bad="bad")["miss_rate"]

        assert not said.proven

    def test_many_misses_prove_unacceptable(self):
        said = self.by_criterion(parts(good=(30, A), bad=(10, A)), bad="bad")

        assert (said["miss_rate"].grade, said["miss_rate"].proven) == (Grade.UNACCEPTABLE, True)
        assert (said["effectiveness"].grade, said["effectiveness"].proven) == (Grade.UNACCEPTABLE, False)
        assert said["miss_rate"].parts_to_prove > 149

    def test_marginal_is_proven_by_its_own_limit(self):
        said = self.by_criterion(parts(good=(500, A), bad=(970, R), faint=(30, A)), bad="bad", faint="bad")["miss_rate"]

        assert (said.grade, said.proven) == (Grade.MARGINAL, True)
