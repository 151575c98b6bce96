import copy
import json
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import onnx
import pytest
import torch

from inspector.bundle import MODEL_INT8, read_bundle
from inspector.engines import Engine
from inspector.errors import BundleError
from inspector.fusion import PartSettings
from inspector.inspection import Outcome
from inspector.naming import UNKNOWN
from inspector.pictures import read_picture
from inspector.scorers import CosineSettings, EuclideanSettings, KnnSettings
from tests.parts import SIZE, good_parts, scratched_parts, small_config, small_training_set, spotted_parts
from training.export import GOLDEN_PER_LABEL, export, golden_pictures, to_onnx
from training.fit import fit_model
from training.history import whoever
from training.quantise import quantised

FIELDS = {"name": "plates", "training": {}}


def scores(bundle, parts):
    return [each.score for each in bundle.judge(bundle.embedder.embed(parts))]


def test_training_and_bundle_score_the_golden_pictures_the_same_within_1e_4(exported):
    model, bundle = exported
    golden = bundle.manifest.golden
    parts = np.stack([read_picture(bundle.path / "golden" / each.file) for each in golden])

    np.testing.assert_allclose(scores(bundle, parts), model.score(parts), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose([each.score for each in golden], model.score(parts), rtol=1e-6, atol=1e-6)


def test_training_and_bundle_score_any_picture_the_same(exported):
    model, bundle = exported
    parts = np.concatenate([good_parts(30, seed=3), scratched_parts(8, seed=3)])

    np.testing.assert_allclose(scores(bundle, parts), model.score(parts), rtol=1e-4, atol=1e-4)


def test_all_that_scorers_look_at_is_the_same_within_1e_4(exported):
    model, bundle = exported
    parts = good_parts(8, seed=3)

    here, there = model.features(parts), bundle.embedder.embed(parts)

    for name in ("embedding", "pooled", "patches"):
        np.testing.assert_allclose(getattr(there, name), getattr(here, name), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 5, 33])
def test_any_number_of_pictures_fits_the_graph(exported, n):
    _, bundle = exported
    parts = good_parts(33)

    np.testing.assert_allclose(scores(bundle, parts[:n]), scores(bundle, parts)[:n], rtol=1e-4, atol=1e-4)


def test_the_graph_is_one_file_that_takes_camera_pixels(exported):
    _, bundle = exported
    graph = onnx.load(bundle.path / "model.onnx", load_external_data=False).graph
    (pictures,) = graph.input

    assert pictures.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [each.dim_value for each in pictures.type.tensor_type.shape.dim][1:] == [SIZE, SIZE, 3]
    assert not any(onnx.external_data_helper.uses_external_data(tensor) for tensor in graph.initializer)


def test_every_file_is_of_a_kind_that_cannot_hold_code(exported):
    _, bundle = exported
    readers = {
        ".json": lambda file: json.loads(file.read_text()),
        ".onnx": lambda file: onnx.checker.check_model(str(file)),
        ".npz": lambda file: dict(np.load(file, allow_pickle=False)),  # reads each array, and refuses a pickled one
        ".png": lambda file: cv2.imread(str(file)).shape,
    }

    files = [file for file in bundle.path.rglob("*") if file.is_file()]

    for file in files:
        readers[file.suffix](file)
    assert {file.suffix for file in files} == readers.keys()


def test_golden_pictures_are_clear_cases_of_every_label(exported):
    model, bundle = exported
    golden = bundle.manifest.golden

    assert [each.label for each in golden] == GOLDEN_PER_LABEL * ["normal"] + GOLDEN_PER_LABEL * ["scratch"]
    assert {each.outcome for each in golden if each.label == "scratch"} == {Outcome.FAIL}
    held_out = np.abs(model.score(small_training_set().held_out[: 4 * GOLDEN_PER_LABEL]) - bundle.threshold)
    assert min(abs(each.score - bundle.threshold) for each in golden[:GOLDEN_PER_LABEL]) >= np.median(held_out)


class TestGoldenPictures:
    """Of a model that scores a picture by its first value."""

    MODEL = SimpleNamespace(
        calibration=SimpleNamespace(threshold=100.0), score=lambda pictures: pictures[:, 0, 0, 0].astype(np.float32)
    )

    def chosen(self, held_out, anomalies):
        data = SimpleNamespace(held_out=scoring(held_out), anomalies={"scratch": scoring(anomalies)})
        return {label: own[:, 0, 0, 0].tolist() for label, own in golden_pictures(self.MODEL, data).items()}

    def test_the_clearest_of_the_first_dozen_are_taken_in_their_order(self):
        chosen = self.chosen([50, 20, 60, 30, 40, *range(51, 58), 0], [200, 120, 250, 180])

        assert chosen == {"normal": [20, 30, 40], "scratch": [200, 250, 180]}

    def test_those_near_the_threshold_are_left_out(self):
        """The spread of these normals is 10."""
        chosen = self.chosen([40, 60], [104, 190, 96, 106])

        assert chosen == {"normal": [40, 60], "scratch": [190, 106]}

    def test_of_each_label_one_is_taken_all_the_same(self):
        assert self.chosen([99, 97, 100], [101, 100])["scratch"] == [101]


@pytest.mark.parametrize("distance", [CosineSettings(), EuclideanSettings(), KnnSettings()])
def test_a_distance_that_is_mostly_rounding_can_be_exported(distance, tmp_path):
    """Untrained, the pictures' directions hardly differ: no machine may make much of what is left of them."""
    data = small_training_set()
    model = fit_model(
        small_config(scorers=(PartSettings(distance=distance),), trainer={"max_epochs": 0}), data, run_dir=None
    )

    export(model, golden_pictures(model, data), tmp_path / "bundle", FIELDS)

    held_out = model.score(data.held_out)
    assert held_out.max() < model.calibration.threshold < 1.01 * held_out.max()
    assert model.calibration.threshold < 0.01
    assert len(read_bundle(tmp_path / "bundle").manifest.golden) == 2 * GOLDEN_PER_LABEL


def test_nothing_is_written_when_the_network_is_not_the_one_that_scored(exported, tmp_path, monkeypatch):
    model, _ = exported

    def other_network(network, height, width, trunk):
        tampered = copy.deepcopy(network)
        with torch.no_grad():
            tampered.trunk.maps.entry[0].weight[0] += 0.5
        return to_onnx(tampered, height, width, trunk)

    monkeypatch.setattr("training.export.to_onnx", other_network)

    with pytest.raises(BundleError, match=r"golden picture \S+ scores .* where it was trained"):
        export(model, golden_pictures(model, small_training_set()), tmp_path / "bundle", FIELDS)

    assert list(tmp_path.iterdir()) == []


def test_the_first_calibration_is_remembered(exported):
    _, bundle = exported
    (first,) = bundle.manifest.calibrations

    assert first.threshold == bundle.threshold
    assert (first.previous_threshold, first.method, first.confidence) == (None, "average", None)
    assert first.program.startswith("inspector-train fit ")
    assert (first.normals, first.normals_from) == (bundle.manifest.calibration.normals, "held out of the training")
    assert first.by == whoever()


def test_what_training_knows_goes_into_the_manifest(exported):
    model, bundle = exported
    manifest = bundle.manifest

    assert manifest.input_size == (SIZE, SIZE)
    assert manifest.calibration == model.calibration
    assert manifest.anomaly_types == model.anomaly_types
    assert [part.kind for part in manifest.parts] == ["mahalanobis", "patches"]
    assert "torch" in manifest.created_by


class TestKnownAnomalies:
    @pytest.fixture(scope="class")
    @classmethod
    def bundle(cls, of_two_types, pictures_of_two_types, tmp_path_factory):
        path = tmp_path_factory.mktemp("two types") / "plates"
        export(of_two_types, golden_pictures(of_two_types, pictures_of_two_types), path, FIELDS)
        return read_bundle(path)

    def test_the_gates_decision_and_the_evidence_travel_with_the_bundle(self, bundle, of_two_types):
        assert bundle.manifest.gate == of_two_types.gate
        assert bundle.manifest.gate.ships == "with anomalies"
        assert [part.kind for part in bundle.manifest.parts[-2:]] == ["discriminant", "known_patches"]
        assert bundle.scorer.gain == of_two_types.gate.gain

    def test_the_bundle_scores_and_names_as_training_does(self, bundle, of_two_types):
        parts = np.concatenate([good_parts(5, seed=3), scratched_parts(5, seed=7), spotted_parts(5, seed=7)])

        judged = bundle.judge(bundle.embedder.embed(parts))

        features, namer = of_two_types.features(parts), of_two_types.namer
        np.testing.assert_allclose([each.score for each in judged], of_two_types.score(parts), rtol=1e-4, atol=1e-4)
        likely = namer.probabilities(namer.similarities(features.pooled))
        names = ["scratch", "spot", UNKNOWN]
        failed = [i for i, each in enumerate(judged) if each.outcome is Outcome.FAIL]
        assert set(range(5, 15)) <= set(failed)
        for i in failed:
            assert judged[i].nearest_type == names[likely[i].argmax()]
            assert judged[i].type_confidence == pytest.approx(likely[i].max(), abs=1e-3)

    def test_the_heat_map_is_trainings(self, bundle, of_two_types):
        parts = scratched_parts(3, seed=7)

        here = of_two_types.scorer.heat_map(of_two_types.features(parts))

        np.testing.assert_allclose(bundle.heat_map(bundle.embedder.embed(parts)), here, rtol=1e-3, atol=1e-3)

    def test_golden_pictures_are_of_every_type(self, bundle):
        labels = [each.label for each in bundle.manifest.golden]

        assert labels == [name for name in ("normal", "scratch", "spot") for _ in range(GOLDEN_PER_LABEL)]


def test_without_anomalies_there_is_no_gate_and_nothing_to_name(tmp_path):
    data = replace(small_training_set(), anomalies={})
    model = fit_model(small_config(), data, run_dir=None)

    export(model, golden_pictures(model, data), tmp_path / "bundle", FIELDS)

    bundle = read_bundle(tmp_path / "bundle")
    assert (bundle.manifest.gate, bundle.namer, bundle.manifest.anomaly_types) == (None, None, ())
    (judged,) = bundle.judge(bundle.embedder.embed(scratched_parts(1)))
    assert (judged.outcome, judged.nearest_type) == (Outcome.FAIL, None)


class TestEightBits:
    @pytest.fixture(scope="class")
    @classmethod
    def written(cls, exported, tmp_path_factory):
        model, data = exported[0], small_training_set()
        path = tmp_path_factory.mktemp("int8") / "plates"
        return path, export(model, golden_pictures(model, data), path, FIELDS, quantise_on=data)

    def test_the_bundle_holds_both_networks_and_how_they_compare(self, written, exported):
        path, parity = written
        manifest = read_bundle(path).manifest

        assert manifest.int8 == parity.record
        assert (path / MODEL_INT8).read_bytes() == quantised(
            (path / "model.onnx").read_bytes(), small_training_set().normal
        )
        assert (path / "model.onnx").read_bytes() == (exported[1].path / "model.onnx").read_bytes()

    def test_a_daemon_judges_the_golden_pictures_by_it(self, written):
        bundle = read_bundle(written[0], Engine(precision="int8"))

        bundle.check_golden()

        assert len(list(bundle.golden())) == 2 * GOLDEN_PER_LABEL

    def test_without_being_asked_there_is_none(self, exported):
        _, bundle = exported

        assert bundle.manifest.int8 is None
        assert not (bundle.path / MODEL_INT8).exists()

    def test_ranges_are_read_from_training_normals_alone(self, exported, tmp_path, monkeypatch):
        model, data, asked = exported[0], small_training_set(), []
        monkeypatch.setattr("training.export.quantised", lambda graph, normals: asked.append(normals) or graph)

        parity = export(model, golden_pictures(model, data), tmp_path / "bundle", FIELDS, quantise_on=data)

        assert asked == [data.normal]
        assert asked[0] is data.normal
        assert parity.record.largest_difference == 0

    def test_nothing_is_written_when_it_turns_a_golden_verdict(self, exported, tmp_path, monkeypatch):
        model, data = exported[0], small_training_set()
        monkeypatch.setattr("training.export.quantised", lambda graph, _: blind(graph))

        with pytest.raises(BundleError, match=r"in 8 bits the network gives 3 of 6 golden pictures another verdict"):
            export(model, golden_pictures(model, data), tmp_path / "bundle", FIELDS, quantise_on=data)

        assert list(tmp_path.iterdir()) == []


def scoring(scores):
    """A picture for each score that the first value is."""
    return np.tile(np.array(scores, np.uint8)[:, None, None, None], (1, 2, 2, 3))


def blind(graph):
    """The network looking at no picture but the mean one."""
    model = onnx.load_from_string(graph)
    first = next(node for node in model.graph.node if node.op_type == "Conv")
    kernel = next(each for each in model.graph.initializer if each.name == first.input[1])
    kernel.CopyFrom(onnx.numpy_helper.from_array(0 * onnx.numpy_helper.to_array(kernel), kernel.name))
    return model.SerializeToString()
