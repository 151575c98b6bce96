from functools import cache

import numpy as np
import pytest

from inspector.inspection import Outcome, Reason
from inspector.models.probation import DOUBT, Expected, Probation, limits
from tests.entries import entry

NEW, OLD = "b" * 64, "a" * 64


FEW_FAILS = Expected(2, 100)


def probation(parts=50, expected=FEW_FAILS):
    return Probation(NEW, parts, expected)


def says(outcome, reason=None, bundle=NEW):
    return entry(outcome=outcome, reason=reason, bundle=bundle)


def test_a_model_that_does_as_expected_comes_through():
    watch = probation()
    for number in range(50):
        assert not watch.decided.is_set()
        watch.see(says(Outcome.FAIL if number == 20 else Outcome.PASS))

    assert watch.decided.is_set()
    assert watch.trouble is None


def test_one_that_fails_everything_is_found_out_after_a_few_parts():
    watch = probation()
    count = 0
    while not watch.decided.is_set():
        watch.see(says(Outcome.FAIL))
        count += 1

    assert count <= 6
    assert watch.trouble == f"{count} of the first {count} parts failed, where 2 of 100 were expected"


def test_so_is_one_that_passes_what_failed_before():
    watch = probation(expected=Expected(50, 100))
    while not watch.decided.is_set():
        watch.see(says(Outcome.PASS))

    assert watch.trouble.startswith("0 of the first")


def test_one_part_that_it_cannot_judge_is_one_too_many():
    watch = probation()
    watch.see(says(Outcome.ERROR, Reason.MODEL_ERROR))

    assert watch.trouble == "it could not judge a part: model_error"


def test_a_model_that_is_too_slow_is_found_out():
    watch = probation()
    for reason in (Reason.DEADLINE, Reason.LATE):
        watch.see(says(Outcome.ERROR, reason))
        assert not watch.decided.is_set()
    watch.see(says(Outcome.ERROR, Reason.DEADLINE))

    assert watch.trouble == "3 verdicts came too late in the first 3 parts"


def test_what_is_not_the_models_fault_or_not_its_verdict_does_not_count():
    watch = probation(parts=2)
    for _ in range(10):
        watch.see(says(Outcome.ERROR, Reason.CAMERA_LOST))
        watch.see(says(Outcome.FAIL, bundle=OLD))
        watch.see(says(Outcome.ERROR, Reason.MODEL_ERROR, bundle=OLD))
    assert not watch.decided.is_set()

    watch.see(says(Outcome.PASS))
    watch.see(says(Outcome.PASS))
    assert (watch.decided.is_set(), watch.trouble) == (True, None)


def test_no_probation_is_over_at_once():
    assert probation(parts=0).decided.is_set()


def test_where_nothing_is_known_only_errors_count():
    assert limits(Expected(0, 0), 50) == [(0, seen) for seen in range(1, 51)]


@pytest.mark.parametrize(("share", "parts", "expected"), [(0.02, 50, 100), (0.3, 100, 200), (0.5, 50, 20)])
def test_a_model_like_the_one_before_is_hardly_ever_taken_back(share, parts, expected):
    """Both counts are drawn from the same share."""
    rng = np.random.default_rng(7)
    limits_of = cache(lambda fails: np.array(limits(Expected(int(fails), expected), parts)).T)
    runs, taken_back = 2000, 0
    for fails in rng.binomial(expected, share, runs):
        least, most = limits_of(fails)
        seen = np.cumsum(rng.random(parts) < share)
        taken_back += bool(((seen < least) | (seen > most)).any())

    assert taken_back <= 3 * DOUBT * runs
