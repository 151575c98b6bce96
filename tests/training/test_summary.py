import json

import numpy as np
import pytest

from training.calibrate import calibrate
from training.parity import Parity
from training.promise import Promised, Terms
from training.summary import calibration_in_words, in_words, summary


@pytest.fixture(scope="module")
def parity():
    return Parity.of(np.array([0.0, 2.0], np.float32), np.array([0.5, 2.0], np.float32), threshold=1.0, normals=1)


def test_programs_get_all_of_it_as_json(of_two_types, parity):
    told = summary(of_two_types, parity)

    assert json.loads(json.dumps(told)) == told
    assert told["anomaly_types"] == {"scratch": 6, "spot": 5}
    assert told["held_out_normals"] == 30
    assert told["gate"]["ships"] == "with anomalies"
    assert told["int8"] == parity.summary()


def test_without_8_bits_and_gate_nothing_is_told_of_them(exported):
    model, _ = exported

    assert summary(model, None)["int8"] is None
    assert not any(line.startswith(("int8", "AUROC")) for line in in_words(model, None))


def test_people_are_told_line_by_line(of_two_types, parity):
    threshold, ships, known, unknown, int8, more = in_words(of_two_types, parity)

    assert threshold.endswith("from 30 held-out normals")
    assert ships == f"ships [bold green]with anomalies[/]: {of_two_types.gate.reason}"
    assert known.startswith("AUROC on left-out pictures of known types ")
    assert unknown.startswith("AUROC on left-out pictures of unknown types ")
    assert int8 == str(parity)
    assert more.startswith("with twice as many normals, ")


def test_a_promise_is_told_with_its_evidence_and_what_gave_way():
    held_out = np.arange(1000, dtype=np.float32)
    critical = {"metal": np.array([970], np.float32)}
    promised = Promised(Terms(0.01), [i // 2 for i in range(1000)], "([a-z]+)")

    threshold, promise, gave_way = calibration_in_words(calibrate(held_out, 0.01, critical, 0.1, promised))

    assert threshold == "threshold 969 from 1000 held-out normals"
    assert promise.startswith("at most [bold]4.8")
    assert r"15 of 500 groups by (\[a-z]+) lie above" in promise
    assert gave_way.startswith("[yellow]the promise gave way[/]: 1 % at 95 % would take a threshold of 99")
