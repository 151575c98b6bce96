from types import SimpleNamespace

import numpy as np
import pytest

from inspector.bundle import GoldenPicture
from inspector.errors import BundleError
from inspector.inspection import Outcome
from tests.parts import SIZE, good_parts, scratched_parts
from training.export import to_onnx
from training.parity import Parity, prove


def floats(*values):
    return np.array(values, np.float32)


def test_it_counts_verdicts_that_differ_and_good_parts_that_are_rejected():
    parity = Parity.of(floats(1, 2, 9, 20), floats(1, 6, 9, 4), threshold=5, normals=3)

    assert parity.record.pictures == 4
    assert parity.record.flipped == 2
    assert parity.record.largest_difference == 16
    assert (parity.normals, parity.rejected) == (3, (1, 2))
    assert "2 verdicts differ" in str(parity)
    assert parity.summary()["normals_rejected"] == {"float32": 1, "int8": 2}


def test_scores_that_go_together_correlate_whatever_their_scale():
    scores = np.arange(20, dtype=np.float32)

    assert Parity.of(scores, 2 * scores + 1, threshold=5, normals=20).record.correlation == pytest.approx(1)


def test_scores_that_are_all_the_same_have_no_correlation():
    assert Parity.of(floats(1, 2), floats(3, 3), threshold=5, normals=2).record.correlation == 0


@pytest.fixture
def graph(exported):
    model, _ = exported
    return to_onnx(model.network, SIZE, SIZE)


def proof(model, outcome=None):
    """A golden good part, which is said to have got this verdict."""
    (part,) = good_parts(1, seed=5)
    (score,) = model.score(part[None])
    said = Outcome.PASS if score <= model.calibration.threshold else Outcome.FAIL
    return [(GoldenPicture(file="normal-0.png", label="normal", score=float(score), outcome=outcome or said), part)]


def pictures():
    return SimpleNamespace(held_out=good_parts(6, seed=3), anomalies={"scratch": scratched_parts(3, seed=3)})


def test_a_graph_says_what_it_says(exported, graph):
    model, _ = exported

    parity = prove(graph, graph, model, pictures(), proof(model))

    assert (parity.record.pictures, parity.normals) == (9, 6)
    assert (parity.record.flipped, parity.record.largest_difference) == (0, 0)
    assert parity.record.correlation == pytest.approx(1)


def test_another_verdict_on_a_golden_picture_is_refused_by_name(exported, graph):
    model, _ = exported
    golden, _ = proof(model)[0]
    other = Outcome.FAIL if golden.outcome is Outcome.PASS else Outcome.PASS

    with pytest.raises(BundleError, match=r"normal-0\.png(.|\n)*8 bits") as refusal:
        prove(graph, graph, model, pictures(), proof(model, other))

    assert "Leave int8 off" in str(refusal.value)
