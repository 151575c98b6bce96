from tests.broker import MOSQUITTO
from tests.faults.broker_away import run
from tests.requirements import needs


def test_everything_arrives_afterwards_in_order_and_as_it_was(small_bundle, tmp_path):
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")

    outcome = run(tmp_path / "line", small_bundle, rows=200, rate_hz=50, normal=20)

    assert (outcome.missing, outcome.altered, outcome.out_of_order) == (0, 0, 0)
    assert outcome.late_rows >= 190  # the last few may come live, after the reconnection
    assert outcome.rows > 220
