import pytest

from inspector.archive.choice import Choice, Why
from inspector.inspection import Outcome
from tests.entries import entry


def chosen(choice, *inspections):
    return [choice.why(each) for each in inspections]


def test_every_reject_is_kept():
    fail, error = entry(outcome=Outcome.FAIL, score=9.0), entry(outcome=Outcome.ERROR, score=None, reason="late")

    assert chosen(Choice(0, 0), fail, error, fail) == [Why.REJECT] * 3


def test_of_parts_that_no_model_judges_none_is_kept():
    unjudged = entry(outcome=Outcome.ERROR, score=None, threshold=None, bundle=None, reason="no_model")

    assert chosen(Choice(1, 1), unjudged) == [None]


def test_of_so_many_passes_the_first_is_kept_and_rejects_do_not_count():
    choice = Choice(3, 0)

    kept = [choice.why(entry()) for _ in range(7)]
    choice.why(entry(outcome=Outcome.FAIL))

    assert kept == [Why.SAMPLE, None, None, Why.SAMPLE, None, None, Why.SAMPLE]
    assert chosen(choice, entry(), entry(), entry()) == [None, None, Why.SAMPLE]


@pytest.mark.parametrize(("keep_passes", "why"), [(0, None), (1, Why.SAMPLE)])
def test_none_and_all(keep_passes, why):
    assert chosen(Choice(keep_passes, 0), entry(), entry()) == [why, why]


@pytest.mark.parametrize(
    ("threshold", "score", "is_near"),
    [(10, 9.1, True), (10, 8.9, False), (10, 10, True), (-10, -10.9, True), (-10, -11.1, False), (0, 0, False)],
)
def test_a_pass_near_the_threshold_is_kept(threshold, score, is_near):
    (why,) = chosen(Choice(0, 0.1), entry(threshold=threshold, score=score))

    assert why == (Why.NEAR_THRESHOLD if is_near else None)


def test_a_near_pass_is_counted_and_is_no_sample():
    choice, near = Choice(2, 0.1), entry(threshold=10, score=9.5)

    assert chosen(choice, near, near, entry(), entry()) == [*[Why.NEAR_THRESHOLD] * 2, Why.SAMPLE, None]
