import pytest

from inspector.bundle import Calibration, Promise, ReviewBand
from training.report_page.words import above, percent, percent_down, verdict

PROMISE = Promise(max_false_reject=0.05, confidence=0.95, asked=0.05, rank=9, scores=300, rejected=8)


def calibration(**changes):
    return Calibration(threshold=3, false_reject_rate=0.01, observed_false_rejects=1, normals=99, **changes)


def figures(types=None, *, normals=50, critical=(), trained_on_it=False):
    types = {name: {"caught": caught, "pictures": shown} for name, (caught, shown) in (types or {}).items()}
    return {
        "data": {"trained_on_it": trained_on_it},
        "observed": {"types": types, "normals": normals, "recall_at_least": 0.87219},
        "anomaly_types": [{"name": name, "critical": True} for name in critical],
    }


def test_a_promise_is_told_with_its_proof():
    said = verdict(figures(), calibration(promise=PROMISE))

    assert said.good == "At most 5 % of the good parts are rejected."
    assert "Proved, with 95 % confidence, by 300 good parts that training had not seen, 8 of which lie above" in (
        said.good_proof
    )


def test_an_average_is_called_one():
    said = verdict(figures(), calibration())

    assert said.good == "About 1 % of the good parts are rejected."
    assert "no promise for this one" in said.good_proof
    assert "99 good parts" in said.good_proof


def test_groups_and_a_band_are_told():
    band = ReviewBand(below=4, max_false_reject=0.0101, confidence=0.95)
    promise = PROMISE.model_copy(update={"group_pattern": "(lot)"})

    proof = verdict(figures(), calibration(promise=promise, review=band)).good_proof

    assert "by 300 groups of good parts" in proof
    assert "at most 1.01 % of the good parts are rejected without one" in proof


def test_what_was_caught_is_told_with_what_it_proves_rounded_down():
    said = verdict(figures({"scratch": (40, 41), "spot": (59, 59)}), calibration())

    assert said.defects == "99 of 100 defective parts were caught, which proves at least 87.2 % in such a mix."
    assert verdict(figures(), calibration()).defects.startswith("No defective parts were shown")


@pytest.mark.parametrize(
    ("shown", "caution"),
    [
        ({"trained_on_it": True}, "proves nothing"),
        ({"types": {"metal": (44, 45)}, "critical": ["metal"]}, "metal is critical, and 1 of 45 were missed."),
        ({"critical": ["metal"]}, "metal is critical, and none were shown here."),
        ({"types": {"scratch": (9, 9)}}, "Fewer than 30 pictures of scratch were shown"),
        ({"normals": 0}, "No good parts were shown"),
    ],
)
def test_what_to_be_careful_with(shown, caution):
    assert any(caution in said for said in verdict(figures(**shown), calibration()).cautions)


def test_nothing_to_be_careful_with():
    assert verdict(figures({"metal": (45, 45)}, critical=["metal"]), calibration(promise=PROMISE)).cautions == ()


def test_what_gave_way_is_told():
    gave = PROMISE.model_copy(update={"gave_way": "promise", "why": "because"})

    assert verdict(figures(), calibration(promise=gave)).cautions == ("The promise gave way: because.",)


def test_what_lies_above_the_threshold_is_told_and_what_would_where_the_promise_was_kept():
    assert above(PROMISE) == "8 of 300 held-out scores lie above the threshold"
    gave = PROMISE.model_copy(update={"gave_way": "promise", "rejected": 20})
    assert (
        above(gave) == "20 of 300 held-out scores lie above the threshold; 5 % would take a threshold with 8 above it"
    )


def test_shares():
    assert [percent(each) for each in (0, 0.5, 0.9999, 1, None)] == ["0 %", "50 %", "99.9 %", "100 %", "none"]
    assert percent_down(0.9999) == "99.9 %"
