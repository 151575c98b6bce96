import numpy as np
import pytest

from inspector.bundle import Int8Record
from inspector.errors import BundleError
from inspector.inspection import Outcome
from tests.parts import small_training_set
from training.parity import AT_ONCE, Parity, prove
from training.quantise import quantised

SCORES = np.array([0.0, 1.0, 3.0, 4.5, 9.0], np.float32)
INT8 = np.array([0.5, 3.25, 2.0, 4.0, 8.0], np.float32)


def test_two_networks_are_compared_at_the_one_threshold():
    parity = Parity.of(SCORES, INT8, threshold=2.5, normals=3)

    assert (parity.record.pictures, parity.record.flipped, parity.record.largest_difference) == (5, 2, 2.25)
    assert parity.record.correlation == pytest.approx(np.corrcoef(SCORES, INT8)[0, 1])
    assert (parity.normals, parity.rejected) == (3, (1, 1))


def test_a_score_at_the_threshold_passes():
    assert Parity.of(SCORES, SCORES, threshold=3.0, normals=3).rejected == (0, 0)


def test_a_score_that_is_not_a_number_is_no_pass():
    int8 = np.array([np.nan, *SCORES[1:]], np.float32)

    parity = Parity.of(SCORES, int8, threshold=5.0, normals=3)

    assert (parity.record.flipped, parity.rejected) == (1, (0, 1))


@pytest.mark.parametrize("scores", [SCORES[:1], np.full(5, 3.0, np.float32)])
def test_scores_that_do_not_vary_correlate_with_nothing(scores):
    assert Parity.of(scores, scores, threshold=5.0, normals=1).record.correlation == 0.0


def test_it_is_told_in_one_sentence():
    record = Int8Record(correlation=0.99871, pictures=193, flipped=3, largest_difference=1.234)

    assert str(Parity(record, normals=143, rejected=(1, 2))) == (
        "int8: on 193 pictures its scores go with float32's by a correlation of 0.9987, and differ by 1.23 at most; "
        "3 verdicts differ; of 143 good parts 2 are rejected, 1 in float32"
    )


def test_the_summary_holds_the_record_and_the_rejects():
    parity = Parity.of(SCORES, INT8, threshold=0.75, normals=3)

    assert parity.summary() == {
        **parity.record.model_dump(),
        "normals_rejected": {"float32": 2, "int8": 2},
    }


class TestProof:
    @pytest.fixture(scope="class")
    @classmethod
    def graphs(cls, exported):
        graph = (exported[1].path / "model.onnx").read_bytes()
        return quantised(graph, small_training_set().normal), graph

    @pytest.fixture(scope="class")
    @classmethod
    def golden(cls, exported):
        return list(exported[1].golden())

    def test_compares_held_out_normals_and_anomalies(self, exported, graphs, golden):
        model, data = exported[0], small_training_set()

        parity = prove(*graphs, model, data, golden)

        assert (parity.record.pictures, parity.normals) == (99 + 5, 99)
        assert parity.record.pictures > 3 * AT_ONCE, "several batches"
        assert parity.rejected[0] == model.calibration.observed_false_rejects
        assert 0.5 < parity.record.correlation < 1
        assert parity.record.largest_difference > 0

    def test_a_graph_is_at_one_with_itself(self, exported, graphs, golden):
        parity = prove(graphs[1], graphs[1], exported[0], small_training_set(), golden)

        assert parity.record.correlation == pytest.approx(1)
        assert (parity.record.flipped, parity.record.largest_difference) == (0, 0)

    def test_another_verdict_on_a_golden_picture_is_refused(self, exported, graphs, golden):
        flipped = [
            (replaced(picture, Outcome.FAIL if picture.label == "normal" else picture.outcome), pixels)
            for picture, pixels in golden
        ]

        with pytest.raises(BundleError) as refused:
            prove(*graphs, exported[0], small_training_set(), flipped)

        head, *files = str(refused.value).splitlines()
        assert "in 8 bits the network gives 3 of 6 golden pictures another verdict, at the threshold" in head
        assert head.endswith("Leave int8 off (`export` needs no new training), or add normal pictures:")
        assert [file.split(":")[0].strip() for file in files] == ["normal-0.png", "normal-1.png", "normal-2.png"]
        assert "(FAIL) in float32, " in files[0]


def replaced(picture, outcome):
    return picture.model_copy(update={"outcome": outcome})
