import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from inspector.bundle import read_bundle, write_bundle
from inspector.errors import BundleError
from inspector.inspection import Outcome
from tests.parts import good_parts, scratched_parts


@pytest.fixture
def bundle_copy(small_bundle, tmp_path):
    return shutil.copytree(small_bundle, tmp_path / "bundle")


def flip_a_byte(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def change_manifest(path, **changes):
    manifest = json.loads((path / "bundle.json").read_text()) | changes
    (path / "bundle.json").write_text(json.dumps(manifest))


def test_judges_pictures(small_bundle):
    bundle = read_bundle(small_bundle)
    pictures = np.concatenate([good_parts(3, seed=5), scratched_parts(3, seed=5)])

    said = bundle.judge(bundle.embedder.embed(pictures))

    assert [each.outcome for each in said] == [Outcome.PASS] * 3 + [Outcome.FAIL] * 3
    assert {each.nearest_type for each in said[3:]} == {"scratch"}


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
    files = json.loads((bundle_copy / "bundle.json").read_text())["files"]
    change_manifest(bundle_copy, files=files | {"../secret": "0"})

    with pytest.raises(BundleError, match="outside the bundle"):
        read_bundle(bundle_copy)


def test_pickled_arrays_are_refused(bundle_copy):
    np.savez(bundle_copy / "scorer.npz", evil=np.array([{"a": 1}], dtype=object))
    files = json.loads((bundle_copy / "bundle.json").read_text())["files"]
    files["scorer.npz"] = hashlib.sha256((bundle_copy / "scorer.npz").read_bytes()).hexdigest()
    change_manifest(bundle_copy, files=files)

    with pytest.raises(BundleError, match=r"scorer\.npz"):
        read_bundle(bundle_copy)


def test_golden_pictures_must_score_as_they_did(bundle_copy):
    golden = json.loads((bundle_copy / "bundle.json").read_text())["golden"]
    golden[0]["score"] += 1
    change_manifest(bundle_copy, golden=golden)

    bundle = read_bundle(bundle_copy)
    with pytest.raises(BundleError, match=golden[0]["file"]):
        bundle.check_golden()


def test_golden_verdicts_must_be_as_they_were(bundle_copy):
    golden = json.loads((bundle_copy / "bundle.json").read_text())["golden"]
    golden[0]["outcome"] = "FAIL"
    change_manifest(bundle_copy, golden=golden)

    with pytest.raises(BundleError, match=r"\(PASS\) here"):
        read_bundle(bundle_copy).check_golden()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_features_that_are_no_numbers_are_an_error_never_a_pass(small_bundle, value):
    bundle = read_bundle(small_bundle)
    seen = bundle.embedder.embed(good_parts(1))
    spoilt = replace(seen, embedding=np.full_like(seen.embedding, value))

    (said,) = bundle.judge(spoilt)

    assert (said.outcome, said.score) == (Outcome.ERROR, None)


def test_a_bundle_that_does_not_hold_is_not_written_and_the_old_one_stays(bundle_copy):
    before = read_bundle(bundle_copy)
    fields = before.manifest.model_dump(exclude={"files"})
    fields["golden"][0]["score"] += 1
    pictures = {each["file"]: good_parts(1)[0] for each in fields["golden"]}

    with pytest.raises(BundleError, match="golden picture"):
        write_bundle(
            bundle_copy,
            fields,
            model=(bundle_copy / "model.onnx").read_bytes(),
            scorer=before.scorer,
            prototypes=before.prototypes,
            golden=pictures,
        )

    assert read_bundle(bundle_copy).digest == before.digest
    assert [path.name for path in bundle_copy.parent.iterdir()] == ["bundle"]
