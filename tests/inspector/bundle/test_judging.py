from dataclasses import replace

import numpy as np
import pytest

from inspector.bundle import Judgement, ReviewBand, read_bundle, score_tolerance
from inspector.engines import Engine
from inspector.errors import BundleError
from inspector.inspection import Outcome
from tests.inspector.bundle.changes import add_int8, another_graph, change_manifest, read_manifest
from tests.parts import good_parts, scratched_parts


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


def test_a_fail_within_the_band_asks_a_person_to_look(small_bundle):
    bundle = read_bundle(small_bundle)
    features = bundle.embedder.embed(np.concatenate([good_parts(1, seed=5), scratched_parts(1, seed=5)]))
    score = bundle.judge(features)[1].score

    def with_band(below, namer=bundle.namer):
        band = ReviewBand(below=below, max_false_reject=0.01, confidence=0.95)
        calibration = bundle.manifest.calibration.model_copy(update={"review": band})
        manifest = bundle.manifest.model_copy(update={"calibration": calibration})
        return replace(bundle, manifest=manifest, namer=namer).judge(features)

    for namer in (bundle.namer, None):
        assert [each.review for each in with_band(score, namer)] == [False, True]
        assert [each.outcome for each in with_band(score, namer)] == [Outcome.PASS, Outcome.FAIL]
    assert [each.review for each in with_band(0.999 * score)] == [False, False]
    assert [each.review for each in bundle.judge(features)] == [False, False]


def test_the_heat_map_is_hottest_on_the_scratch(small_bundle):
    bundle = read_bundle(small_bundle)
    good, scratched = bundle.heat_map(bundle.embedder.embed(np.concatenate([good_parts(1), scratched_parts(1)])))

    assert good.shape == scratched.shape == (2, 2)
    assert scratched.max() > good.max() + 3


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

    with pytest.raises(BundleError, match=r"\(PASS\) by onnxruntime float32"):
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


def test_in_8_bits_a_golden_score_may_differ_by_what_was_recorded(bundle_copy):
    golden = read_manifest(bundle_copy)["golden"]
    golden[0]["score"] -= 0.5
    change_manifest(bundle_copy, golden=golden)

    add_int8(bundle_copy, largest_difference=0.6)
    read_bundle(bundle_copy, Engine(precision="int8")).check_golden()
    with pytest.raises(BundleError, match=f"{golden[0]['file']} .* by onnxruntime float32"):
        read_bundle(bundle_copy).check_golden()

    add_int8(bundle_copy, largest_difference=0.4)
    with pytest.raises(BundleError, match=f"{golden[0]['file']} .* by onnxruntime int8"):
        read_bundle(bundle_copy, Engine(precision="int8")).check_golden()


def test_in_8_bits_every_golden_verdict_must_be_as_it_was(bundle_copy):
    add_int8(bundle_copy, another_graph(bundle_copy), largest_difference=1e9)

    with pytest.raises(BundleError, match="by onnxruntime int8"):
        read_bundle(bundle_copy, Engine(precision="int8")).check_golden()


def test_a_picture_of_another_size_is_prepared_where_it_is_told(small_bundle):
    bundle = read_bundle(small_bundle)
    picture, out = good_parts(1)[0], np.empty((*bundle.manifest.input_size, 3), np.uint8)

    assert bundle.prepare(picture, out) is picture
    assert np.shares_memory(bundle.prepare(np.repeat(picture, 3, axis=0), out), out)
