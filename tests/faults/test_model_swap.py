from tests.broker import MOSQUITTO
from tests.faults.model_swap import run
from tests.requirements import needs


def test_every_trigger_is_answered_while_models_come_and_go(small_bundle, tmp_path):
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")

    outcome = run(tmp_path, small_bundle, rate_hz=20, swaps=1, parts=20, shadow=10, probation=10)

    assert outcome.breaches == {}
    assert outcome.switches_seen == 1
    assert set(outcome.refused) == {
        "one bit of the network changed",
        "another input size",
        "golden pictures with other scores",
    }
    # How soon is the machine's business; that there was an answer is not.
    assert {why for counts in outcome.decided_by.values() for why in counts} <= {"pass", "late", "error"}
