import numpy as np
import pytest

from inspector.bundle import read_bundle, write_bundle
from inspector.engines import Engine
from inspector.errors import BundleError
from inspector.pictures import read_picture
from tests.inspector.bundle.changes import another_graph, int8_record, read_manifest
from tests.parts import SIZE


def write_again(path, fields, **changes):
    """What is at ``path``, but for the changes."""
    old = read_bundle(path)
    golden = {each.file: read_picture(path / "golden" / each.file) for each in old.manifest.golden}
    model = (path / "model.onnx").read_bytes()
    old_fields = old.manifest.model_dump(exclude={"files"})
    parts = {"model": model, "scorer": old.scorer, "namer": old.namer, "golden": golden}
    write_bundle(path, old_fields | fields, **parts | changes)


def test_an_8_bit_network_is_written_with_its_record(bundle_copy):
    write_again(bundle_copy, {"int8": int8_record(0.5)}, int8=(bundle_copy / "model.onnx").read_bytes())

    bundle = read_bundle(bundle_copy, Engine(precision="int8"))
    assert bundle.manifest.int8.largest_difference == 0.5
    bundle.check_golden()


def assert_refused(path, message, fields, **changes):
    """Nothing is written, and the old bundle stays."""
    before = read_bundle(path).digest

    with pytest.raises(BundleError, match=message):
        write_again(path, fields, **changes)

    assert read_bundle(path).digest == before
    assert [each.name for each in path.parent.iterdir()] == ["bundle"]


def test_golden_pictures_must_score_as_recorded(bundle_copy):
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    golden = {each["file"]: black for each in read_manifest(bundle_copy)["golden"]}

    assert_refused(bundle_copy, "golden picture", {}, golden=golden)


def test_the_network_must_give_the_recorded_verdicts(bundle_copy):
    assert_refused(bundle_copy, "by onnxruntime float32", {}, model=another_graph(bundle_copy))


def test_the_8_bit_network_must_give_them_too(bundle_copy):
    assert_refused(bundle_copy, "by onnxruntime int8", {"int8": int8_record(1e9)}, int8=another_graph(bundle_copy))


def test_the_8_bit_network_must_be_one(bundle_copy):
    assert_refused(bundle_copy, r"model\.int8\.onnx: .* cannot load", {"int8": int8_record()}, int8=b"no graph")


def test_an_8_bit_network_and_its_record_go_together(bundle_copy):
    assert_refused(bundle_copy, r"names no \['model\.int8\.onnx'\]", {"int8": int8_record()})
    assert_refused(bundle_copy, "holds no 8-bit network", {}, int8=(bundle_copy / "model.onnx").read_bytes())
