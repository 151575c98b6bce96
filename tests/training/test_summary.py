import json

import numpy as np
import pytest

from training.parity import Parity
from training.summary import in_words, summary


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
