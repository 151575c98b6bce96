import hashlib

import numpy as np
import pytest

import inspector.bundle
from inspector.bundle import read_bundle
from inspector.engines import Engine
from inspector.errors import BundleError
from tests.inspector.bundle.changes import add_int8, change_arrays, change_manifest, flip_a_byte, read_manifest


@pytest.mark.parametrize("file", ["model.onnx", "scorer.npz", "golden/normal-0.png"])
def test_a_changed_byte_is_refused_in_one_clear_line(bundle_copy, file):
    flip_a_byte(bundle_copy / file)

    with pytest.raises(BundleError, match="checksum does not match") as refused:
        read_bundle(bundle_copy)

    assert str(bundle_copy / file) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("file", ["bundle.json", "model.onnx", "scorer.npz", "golden/normal-0.png"])
def test_a_missing_file_is_named(bundle_copy, file):
    (bundle_copy / file).unlink()

    with pytest.raises(BundleError, match=file):
        read_bundle(bundle_copy)


def test_the_digest_changes_with_anything(small_bundle, bundle_copy):
    change_manifest(bundle_copy, name="another")

    assert read_bundle(bundle_copy).digest != read_bundle(small_bundle).digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format_version"),
        ({"surprise": 1}, "surprise"),
        ({"parts": [{"kind": "entropy", "of": "embedding"}]}, "does not hold the distances"),
        ({"parts": [{"kind": "lof", "of": "embedding"}]}, "does not hold the distances"),
        ({"input_size": [64, 64]}, "the model's input is"),
        ({"files": {}}, "names no"),
        ({"golden": []}, "golden"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(bundle_copy, changes, message):
    change_manifest(bundle_copy, **changes)

    with pytest.raises(BundleError, match=message):
        read_bundle(bundle_copy)


def test_a_manifest_cannot_name_files_outside(bundle_copy):
    files = read_manifest(bundle_copy)["files"]
    change_manifest(bundle_copy, files=files | {"../secret": "0"})

    with pytest.raises(BundleError, match="outside the bundle"):
        read_bundle(bundle_copy)


def test_pickled_arrays_are_refused(bundle_copy):
    change_arrays(bundle_copy, lambda _: {"evil": np.array([{"a": 1}], dtype=object)})

    with pytest.raises(BundleError, match=r"scorer\.npz"):
        read_bundle(bundle_copy)


SCRATCH = {"name": "scratch", "weight": 1.0, "critical": True, "pictures": 5}


@pytest.mark.parametrize("types", [[], [SCRATCH, SCRATCH | {"name": "dent"}]], ids=["fewer", "more"])
def test_types_that_do_not_fit_the_manifest_are_refused(bundle_copy, types):
    change_manifest(bundle_copy, anomaly_types=types)

    with pytest.raises(BundleError, match=f"tells 1 anomaly types apart, bundle.json names {len(types)}"):
        read_bundle(bundle_copy)


def test_types_that_nothing_tells_apart_are_refused(bundle_copy):
    change_arrays(bundle_copy, lambda arrays: {name: own for name, own in arrays.items() if "types." not in name})

    with pytest.raises(BundleError, match=r"tells 0 anomaly types apart, bundle\.json names 1"):
        read_bundle(bundle_copy)


def test_types_that_are_not_whole_are_refused(bundle_copy):
    change_arrays(bundle_copy, lambda arrays: {name: own for name, own in arrays.items() if name != "types.mean"})

    with pytest.raises(BundleError, match="does not tell the anomaly types apart: KeyError"):
        read_bundle(bundle_copy)


@pytest.mark.parametrize("missing", ["references", "gain", "heat", "0.references", "0.spread_floor", "0.excess"])
def test_a_scorer_that_is_not_whole_is_refused(bundle_copy, missing):
    change_arrays(bundle_copy, lambda arrays: {name: own for name, own in arrays.items() if name != missing})

    with pytest.raises(BundleError, match="does not hold the distances"):
        read_bundle(bundle_copy)


def test_the_8_bit_network_runs_where_it_is_asked_for(bundle_copy):
    add_int8(bundle_copy)

    assert read_bundle(bundle_copy).engine.precision == "float32"
    assert read_bundle(bundle_copy, Engine(precision="int8")).engine.precision == "int8"


def test_a_bundle_without_an_8_bit_network_says_so(bundle_copy):
    with pytest.raises(BundleError, match="holds no 8-bit network; export it with one, or set precision: float32"):
        read_bundle(bundle_copy, Engine(precision="int8"))


def test_a_recorded_8_bit_network_must_be_there(bundle_copy):
    add_int8(bundle_copy)
    files = read_manifest(bundle_copy)["files"]
    del files["model.int8.onnx"]
    change_manifest(bundle_copy, files=files)

    with pytest.raises(BundleError, match=r"names no \['model\.int8\.onnx'\]"):
        read_bundle(bundle_copy)


def test_a_changed_byte_of_the_8_bit_network_is_found_by_those_too_who_do_not_run_it(bundle_copy):
    add_int8(bundle_copy)
    flip_a_byte(bundle_copy / "model.int8.onnx")

    with pytest.raises(BundleError, match=r"model\.int8\.onnx: checksum does not match"):
        read_bundle(bundle_copy)


def test_the_manifest_alone_tells_the_digest(bundle_copy):
    (bundle_copy / "model.onnx").unlink()

    manifest, digest = inspector.bundle.read_manifest(bundle_copy)

    assert manifest.name == "plates"
    assert digest == hashlib.sha256((bundle_copy / "bundle.json").read_bytes()).hexdigest()
