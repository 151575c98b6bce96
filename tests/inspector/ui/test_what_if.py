from datetime import timedelta

import numpy as np
import pytest

from inspector.inspection import Outcome, utc_now
from inspector.labels.label import Anomaly, Label, Says
from inspector.ui.history import Scored
from inspector.ui.what_if import bars, outcomes, seen
from tests.inspector.ui.conftest import an_inspection

BUNDLE, OTHER = "b" * 64, "c" * 64
NOW = utc_now()
SCRATCH = Anomaly(type="scratch")


def rows(*scores, bundle=BUNDLE):
    """The newest first, ten seconds apart."""
    return [Scored(NOW - timedelta(seconds=10 * number), score, bundle) for number, score in enumerate(scores)]


def labelled(says, score, anomaly=None, bundle=BUNDLE):
    said = an_inspection(Outcome.FAIL).model_copy(update={"score": score, "bundle": bundle})
    label = Label(inspection=said.id, station="press-1", says=says, anomaly=anomaly, by="otto", at=NOW)
    return label, said


def test_the_last_parts_are_judged_anew_and_what_had_no_score_stays_an_error():
    of = seen(rows(1.0, 2.0, None, 3.0), BUNDLE, [])

    then = outcomes(of, 1.5, 20)

    assert (then.passes, then.fails, then.errors) == (1, 2, 1)
    assert of.parts == 4


def test_a_score_at_the_threshold_passes_as_in_the_daemon():
    assert outcomes(seen(rows(2.0), BUNDLE, []), 2.0, 20).passes == 1


def test_what_another_model_judged_does_not_count():
    of = seen([*rows(1.0, 3.0), *rows(9.0, bundle=OTHER)], BUNDLE, [labelled(Says.FALSE_REJECT, 9.0, bundle=OTHER)])

    assert (of.parts, of.left_out, len(of.good)) == (2, 1, 0)


def test_labelled_parts_tell_false_rejects_and_escapes_by_type():
    said = [
        labelled(Says.FALSE_REJECT, 2.5),
        labelled(Says.FALSE_REJECT, 3.5),
        labelled(Says.TRUE_REJECT, 2.8, SCRATCH),
        labelled(Says.MISSED, 1.0, SCRATCH),
        labelled(Says.TRUE_REJECT, 5.0, Anomaly(type="dent")),
    ]
    of = seen(rows(1.0), BUNDLE, said)

    then = outcomes(of, 3.0, 20)

    assert then.false_rejects == 1
    assert then.escapes == {"dent": 0, "scratch": 2}


def test_a_shift_is_reckoned_at_the_rate_of_these_parts():
    # Five parts in 40 seconds are 3,600 in eight hours but one: two of five are rejected, at 20 s each.
    of = seen(rows(1.0, 3.0, 1.0, None, 1.0), BUNDLE, [])

    assert outcomes(of, 2.0, 20).minutes == pytest.approx(2 * (8 * 3600 / 40) * 20 / 60)


def test_where_no_rate_can_be_told_no_minutes_are():
    assert outcomes(seen(rows(1.0), BUNDLE, []), 2.0, 20).minutes is None
    assert outcomes(seen([], BUNDLE, []), 2.0, 20).minutes is None


def test_every_part_is_in_the_drawing_and_the_threshold_too():
    scores = np.random.default_rng(0).gamma(2, size=500).astype(float)
    of = seen(rows(*scores, 1e6), BUNDLE, [])

    low, high = of.extent(50.0)

    assert low < scores.min()
    assert 50 < high < 1e6
    assert sum(bars(of, low, high)) == 501


def test_a_single_part_can_be_drawn():
    low, high = seen(rows(0.0), BUNDLE, []).extent(0.0)

    assert low < 0 < high
