import shutil

import pytest

from inspector.inspection import utc_now
from inspector.plc_sim.ledger import Answer, Entry
from tests.benchmarks.trigger_overhead import figures, measure, overheads_ms
from tests.broker import MOSQUITTO
from tests.inspector.plc_sim.station import an_answer
from tests.requirements import needs


def test_the_overhead_is_what_the_inspection_itself_does_not_take():
    answer = Answer(an_answer("t", timings_ms={"total": 12.0}), 100.015)
    entry = Entry("t", "part-1", 200, utc_now(), sent_s=100.0, deadline_s=100.2, answers=[answer])

    assert overheads_ms([entry]) == pytest.approx([3.0])


def test_both_kinds_are_measured_and_compared(small_bundle, tmp_path):
    needs(MOSQUITTO and shutil.which("openssl"), "mosquitto and openssl (Debian: apt-get install mosquitto openssl)")

    overheads = measure(tmp_path, small_bundle, count=20, rate_hz=0)

    assert {kind: len(values) for kind, values in overheads.items()} == {"plain": 20, "tls": 20}
    assert min(map(min, overheads.values())) > 0
    rows = figures(overheads)
    assert rows["tls to plain"]["p50"] == pytest.approx(rows["tls"]["p50"] / rows["plain"]["p50"])
