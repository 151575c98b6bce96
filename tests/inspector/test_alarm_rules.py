import pytest

from inspector.alarm_rules import AlarmRules, AlarmSettings, FailRateSettings
from inspector.alarms import Alarms
from inspector.inspection import Outcome
from tests.entries import entry


class Line:
    """Feeds outcomes by their first letter to the rules."""

    def __init__(self, **settings):
        self.told = []
        self.alarms = Alarms("press-1", tell=self.told.append, note=lambda *_: None)
        self.rules = AlarmRules(AlarmSettings(**settings), self.alarms)

    def see(self, letters, reason="no_frame"):
        for letter in letters:
            outcome = {"P": Outcome.PASS, "F": Outcome.FAIL, "E": Outcome.ERROR}[letter]
            self.rules.observe(entry(outcome=outcome, reason=reason if outcome is Outcome.ERROR else None))
        return [each.alarm for each in self.told]


@pytest.mark.parametrize(
    ("letters", "raised"), [("FF", []), ("FPF", []), ("FFF", ["consecutive_fails"]), ("FEFF", ["consecutive_fails"])]
)
def test_consecutive_fails_count_over_errors_and_not_over_passes(letters, raised):
    assert Line(consecutive_fails=3, consecutive_errors=None).see(letters) == raised


def test_after_a_pass_consecutive_fails_can_be_reset():
    line = Line(consecutive_fails=2)
    line.see("FFP")
    line.alarms.acknowledge(None, "a")
    line.alarms.reset(None, "a")

    assert line.see("FF") == ["consecutive_fails"] * 4


@pytest.mark.parametrize(
    ("letters", "raised"), [("FF", []), ("FPPF", ["fail_rate"]), ("FPPPF", []), ("PPPFPF", ["fail_rate"])]
)
def test_the_fail_rate_is_that_of_a_full_window(letters, raised):
    assert Line(fail_rate=FailRateSettings(share=0.5, parts=4)).see(letters) == raised


@pytest.mark.parametrize(
    ("letters", "reason", "raised"),
    [("EEPE", "no_frame", []), ("PEEE", "no_frame", ["no_verdict"]), ("EEEEE", "paused", [])],
)
def test_errors_in_a_row_are_no_verdict_unless_somebody_paused(letters, reason, raised):
    assert Line(consecutive_errors=3).see(letters, reason) == raised


def test_what_is_not_asked_for_is_not_raised():
    assert Line(consecutive_errors=None).see("FFFFFFFFEEEEEEEE") == []
