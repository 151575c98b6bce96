import pytest

from inspector.inspection import Outcome
from inspector.tally import Tally
from tests.entries import entry


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def test_counts_and_rate_of_the_last_ten_seconds():
    clock = Clock()
    tally = Tally(clock)
    assert (tally.verdicts(), tally.rate_hz()) == ({"PASS": 0, "FAIL": 0, "ERROR": 0}, 0.0)

    for _ in range(600):
        tally.observe(entry(outcome=Outcome.PASS))
        clock.now_s += 0.05
    tally.observe(entry(outcome=Outcome.FAIL))

    assert tally.verdicts() == {"PASS": 600, "FAIL": 1, "ERROR": 0}
    assert tally.rate_hz() == pytest.approx(20, rel=0.01)
    clock.now_s += 60
    assert tally.rate_hz() == 0.0
