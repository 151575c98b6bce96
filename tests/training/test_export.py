import zipfile

import numpy as np
import onnx
import pytest

from inspector.bundle import read_bundle
from inspector.errors import BundleError
from inspector.pictures import encode_png
from tests.parts import SIZE, good_parts, scratched_parts, small_training_set, write_small_bundle
from training.export import export, golden_pictures


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "bundle"
    return write_small_bundle(path), read_bundle(path)


def test_training_and_bundle_score_the_same(exported):
    model, bundle = exported
    parts = np.concatenate([good_parts(8, seed=3), scratched_parts(8, seed=3)])

    said = bundle.judge(bundle.embedder.embed(parts))

    np.testing.assert_allclose([each.score for each in said], model.score(parts), rtol=1e-3, atol=1e-3)


def test_all_that_scorers_look_at_is_the_same_within_1e_4(exported):
    model, bundle = exported
    parts = good_parts(8, seed=3)

    here, there = model.features(parts), bundle.embedder.embed(parts)

    for name in ("embedding", "pooled", "patches"):
        np.testing.assert_allclose(getattr(there, name), getattr(here, name), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_any_number_of_pictures_fits_the_graph(exported, n):
    _, bundle = exported

    assert bundle.embedder.embed(good_parts(n)).embedding.shape[0] == n


def test_the_graph_is_one_file_that_takes_camera_pixels(exported):
    _, bundle = exported
    graph = onnx.load(bundle.path / "model.onnx", load_external_data=False).graph
    (pictures,) = graph.input

    assert pictures.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [each.dim_value for each in pictures.type.tensor_type.shape.dim][1:] == [SIZE, SIZE, 3]
    assert not any(onnx.external_data_helper.uses_external_data(tensor) for tensor in graph.initializer)


def test_no_array_is_pickled(exported):
    _, bundle = exported
    with zipfile.ZipFile(bundle.path / "scorer.npz") as arrays:
        assert all(b"'O'" not in arrays.read(name)[:128] for name in arrays.namelist())


def test_golden_pictures_are_clear_cases_of_every_label(exported):
    _, bundle = exported
    labels = {golden.label for golden in bundle.manifest.golden}

    assert labels == {"normal", "scratch"}
    for golden in bundle.manifest.golden:
        assert abs(golden.score - bundle.threshold) > 1e-3 * bundle.threshold


def test_nothing_is_written_when_the_two_do_not_agree(exported, tmp_path, monkeypatch):
    model, _ = exported
    data = small_training_set()
    golden = golden_pictures(model, data)
    monkeypatch.setattr("training.export.to_onnx", lambda *_: (exported[1].path / "model.onnx").read_bytes())
    wrong = {label: 255 - pictures for label, pictures in golden.items()}
    monkeypatch.setattr("inspector.bundle.encode_png", lambda _: encode_png(wrong["normal"][0]))

    with pytest.raises(BundleError, match="golden picture"):
        export(model, golden, tmp_path / "bundle", {"name": "plates", "training": {}})

    assert list(tmp_path.iterdir()) == []
