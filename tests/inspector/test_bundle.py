import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from inspector.bundle import Judgement, read_bundle, score_tolerance, write_bundle
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


def read_manifest(path):
    return json.loads((path / "bundle.json").read_text())


def change_manifest(path, **changes):
    (path / "bundle.json").write_text(json.dumps(read_manifest(path) | changes))


def change_arrays(path, change):
    """``change`` gets the scorer's arrays by name and gives those that are to be stored, under a right checksum."""
    with np.load(path / "scorer.npz") as arrays:
        np.savez(path / "scorer.npz", **change(dict(arrays)))
    digest = hashlib.sha256((path / "scorer.npz").read_bytes()).hexdigest()
    change_manifest(path, files=read_manifest(path)["files"] | {"scorer.npz": digest})


def test_judges_pictures(small_bundle):
    bundle = read_bundle(small_bundle)
    pictures = np.concatenate([good_parts(3, seed=5), scratched_parts(3, seed=5)])

    said = bundle.judge(bundle.embedder.embed(pictures))

    assert [each.outcome for each in said] == [Outcome.PASS] * 3 + [Outcome.FAIL] * 3
    assert {each.nearest_type for each in said[3:]} == {"scratch"}
    assert [each.type_confidence for each in said[:3]] == [None] * 3
    assert all(0.5 < each.type_confidence <= 1 for each in said[3:])


def test_judges_a_batch_as_its_pictures_one_by_one(small_bundle):
    bundle = read_bundle(small_bundle)
    pictures = np.concatenate([good_parts(5, seed=5), scratched_parts(5, seed=5)])

    together = bundle.judge(bundle.embedder.embed(pictures))

    for picture, said in zip(pictures, together, strict=True):
        (alone,) = bundle.judge(bundle.embedder.embed(picture[None]))
        assert (alone.outcome, alone.nearest_type) == (said.outcome, said.nearest_type)
        assert alone.score == pytest.approx(said.score, abs=score_tolerance(said.score))


def test_what_is_abnormal_and_like_no_known_type_is_unknown(small_bundle):
    bundle = read_bundle(small_bundle)
    never = replace(bundle, namer=bundle.namer.calibrated(temperature=0.1, unknown=2.0))

    (said,) = never.judge(bundle.embedder.embed(scratched_parts(1)))

    assert (said.outcome, said.nearest_type) == (Outcome.FAIL, "unknown")
    assert said.type_confidence > 0.99


def test_without_known_types_a_fail_names_none(small_bundle):
    bundle = read_bundle(small_bundle)

    (said,) = replace(bundle, namer=None).judge(bundle.embedder.embed(scratched_parts(1)))

    assert (said.outcome, said.nearest_type, said.type_confidence) == (Outcome.FAIL, None, None)


def test_the_heat_map_is_hottest_on_the_scratch(small_bundle):
    bundle = read_bundle(small_bundle)
    good, scratched = bundle.heat_map(bundle.embedder.embed(np.concatenate([good_parts(1), scratched_parts(1)])))

    assert good.shape == scratched.shape == (2, 2)
    assert scratched.max() > good.max() + 3


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


def test_golden_pictures_must_score_as_they_did(bundle_copy):
    golden = read_manifest(bundle_copy)["golden"]
    golden[0]["score"] += 1
    change_manifest(bundle_copy, golden=golden)

    bundle = read_bundle(bundle_copy)
    with pytest.raises(BundleError, match=golden[0]["file"]):
        bundle.check_golden()


def test_golden_verdicts_must_be_as_they_were(bundle_copy):
    golden = read_manifest(bundle_copy)["golden"]
    golden[0]["outcome"] = "FAIL"
    change_manifest(bundle_copy, golden=golden)

    with pytest.raises(BundleError, match=r"\(PASS\) here"):
        read_bundle(bundle_copy).check_golden()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("spoilt", ["embedding", "pooled", "patches"])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_features_that_are_no_numbers_are_an_error_never_a_pass(small_bundle, spoilt, value):
    bundle = read_bundle(small_bundle)
    seen = bundle.embedder.embed(np.concatenate([good_parts(2), scratched_parts(1)]))
    vectors = getattr(seen, spoilt).copy()
    vectors[1:, ..., 0] = value

    good, *unjudged = bundle.judge(replace(seen, **{spoilt: vectors}))

    assert good.outcome is Outcome.PASS
    assert unjudged == 2 * [Judgement(Outcome.ERROR, None)]


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
            namer=before.namer,
            golden=pictures,
        )

    assert read_bundle(bundle_copy).digest == before.digest
    assert [path.name for path in bundle_copy.parent.iterdir()] == ["bundle"]
