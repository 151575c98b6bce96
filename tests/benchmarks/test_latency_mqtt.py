import json

import numpy as np
import pytest

from inspector.bundle import read_bundle
from tests.benchmarks.latency_mqtt import measure, overheads_ms
from tests.parts import good_parts


def test_the_overhead_is_what_the_inspection_itself_does_not_take():
    result = {"part_id": "100.25", "timings_ms": {"total": 12.0}}

    whole, overhead = overheads_ms([(100.265, json.dumps(result)), (100.270, json.dumps(result))])

    assert whole == pytest.approx([15.0, 20.0])
    assert overhead == pytest.approx([3.0, 8.0])


@pytest.mark.parametrize("rate_hz", [0, 500])
def test_another_process_gets_every_verdict_after_it_was_made(small_bundle, broker, rate_hz):
    row = measure(read_bundle(small_bundle), good_parts(2), broker.port, count=30, rate_hz=rate_hz)

    assert row["count"] == 30
    assert 0 < row["overhead_ms"]["p50"] < row["whole_ms"]["p50"]
    assert np.isfinite(row["overhead_to_whole"])
