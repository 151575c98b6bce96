import pytest

from inspector.bundle import Judgement
from inspector.inspection import Outcome
from inspector.models.agreement import MOST_NAMED, Tally
from tests.entries import entry


def counted(*pairs):
    tally = Tally()
    for number, (judged, said, score, other) in enumerate(pairs):
        tally.add(entry(id=f"id-{number}", outcome=judged, score=score), Judgement(said, other))
    return tally.result(skipped=2)


def test_what_differs_is_counted_by_kind_with_the_ids_of_the_record():
    result = counted(
        (Outcome.PASS, Outcome.PASS, 1.0, 1.1),
        (Outcome.PASS, Outcome.FAIL, 2.0, 2.1),
        (Outcome.FAIL, Outcome.FAIL, 3.0, 3.3),
        (Outcome.PASS, Outcome.ERROR, 4.0, None),
    )

    assert (result.parts, result.equal, result.fails, result.errors, result.skipped) == (4, 0.5, 2, 1, 2)
    assert [(each.judged, each.candidate, each.parts, each.ids) for each in result.disagreements] == [
        ("PASS", "ERROR", 1, ("id-3",)),
        ("PASS", "FAIL", 1, ("id-1",)),
    ]
    assert result.correlation == pytest.approx(0.9986, abs=1e-4)
    assert str(result) == "50.0% of 4 parts have the same verdict, scores correlate by 0.999"


def test_scores_that_never_move_have_no_correlation():
    assert counted(*[(Outcome.PASS, Outcome.PASS, 1.0, 2.0)] * 5).correlation is None


def test_no_more_ids_are_kept_than_somebody_would_look_at():
    (kind,) = counted(*[(Outcome.PASS, Outcome.FAIL, 1.0, 2.0)] * 50).disagreements

    assert (kind.parts, len(kind.ids)) == (50, MOST_NAMED)
