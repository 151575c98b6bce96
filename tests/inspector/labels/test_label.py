import pytest
from pydantic import ValidationError

from inspector.inspection import Outcome, utc_now
from inspector.labels.label import Anomaly, Label, Says, sayable


@pytest.mark.parametrize("name", ["scratch", "bent lead", "Kratzer-2", "傷", "a.b"])
def test_a_type_may_be_called_what_a_folder_can_be(name):
    assert Anomaly(type=name).type == name


@pytest.mark.parametrize(
    "name", ["", "_masks", ".hidden", "../x", "a/b", "a\nb", "scratch\n", "normal", "Unknown", "x" * 65]
)
def test_and_nothing_that_leads_elsewhere_or_is_no_anomaly(name):
    with pytest.raises(ValidationError):
        Anomaly(type=name)


@pytest.mark.parametrize("weight", [0, -1, float("inf"), float("nan")])
def test_a_weight_is_what_training_takes(weight):
    with pytest.raises(ValidationError):
        Anomaly(type="scratch", weight=weight)


@pytest.mark.parametrize(
    ("says", "anomaly", "folder"),
    [
        (Says.FALSE_REJECT, None, "normal"),
        (Says.TRUE_REJECT, Anomaly(type="scratch"), "scratch"),
        (Says.MISSED, Anomaly(type="scratch"), "scratch"),
        (None, None, None),
    ],
)
def test_a_label_is_a_class_of_training(says, anomaly, folder):
    assert Label(inspection="x", station="s", says=says, anomaly=anomaly, by="otto", at=utc_now()).folder == folder


def test_only_what_was_let_pass_can_have_been_missed():
    assert sayable(Outcome.PASS) == (Says.MISSED,)
    assert Says.MISSED not in sayable(Outcome.FAIL)
    assert Says.MISSED not in sayable(Outcome.ERROR)
