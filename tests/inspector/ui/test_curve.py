from datetime import timedelta

from inspector.inspection import Outcome, utc_now
from inspector.ui.curve import HEIGHT, WIDTH, dots
from tests.inspector.ui.conftest import an_inspection

NOW = utc_now()


def drawn(*inspections):
    return [(dot.x, dot.y) for dot in dots(inspections, 5)]


def test_nothing_is_drawn_of_nothing():
    assert drawn() == []


def test_the_newest_is_at_the_right_and_five_minutes_ago_at_the_left():
    ages_s = (300, 150, 0)
    inspections = [an_inspection(captured_at=NOW - timedelta(seconds=age_s)) for age_s in ages_s]

    assert [x for x, _ in drawn(*inspections)] == [0, WIDTH / 2, WIDTH]


def test_the_threshold_is_in_the_middle_and_what_is_far_beyond_stays_at_the_edge():
    scores = (2.0, 0.0, 1e9, -5.0)
    heights = [y for _, y in drawn(*(an_inspection(score=score, threshold=2.0) for score in scores))]

    assert heights == [HEIGHT / 2, HEIGHT, 0, HEIGHT]


def test_an_error_is_drawn_as_the_reject_that_it_is():
    assert drawn(an_inspection(Outcome.ERROR))[0][1] == 0


def test_with_a_threshold_of_nothing_the_side_of_it_is_drawn():
    below, above = drawn(an_inspection(score=-2.0, threshold=-1.0), an_inspection(score=-0.5, threshold=-1.0))

    assert below[1] > HEIGHT / 2 > above[1]
