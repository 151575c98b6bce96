import hashlib
import json

import pytest

from inspector.bundle import Manifest, read_bundle
from tests.inspector.bundle.changes import read_manifest
from training.prepare import digest_of_files
from training.report_page.facts import trained_on


def test_the_figures_are_those_of_the_set_and_the_bundle(report, calibrated, data):
    _, said = report
    bundle = read_bundle(calibrated)

    assert said["bundle"] == bundle.digest
    assert said["data"]["pictures"] == {"normal": 32, "scratch": 12, "dent <b>": 9}
    assert said["data"]["sha256"]["scratch"] == digest_of_files(sorted((data / "scratch").iterdir()))
    rejected = sum(one["outcome"] == "FAIL" for one in said["scores"] if one["label"] == "normal")
    assert (said["observed"]["normals"], said["observed"]["rejected"]) == (32, rejected)
    assert rejected >= 2
    assert said["observed"]["types"]["scratch"]["caught"] == 12
    assert said["calibration"] == bundle.manifest.calibration.model_dump(mode="json")
    assert len(said["calibrations"]) == 2
    assert len(said["scores"]) == 53
    assert 0 < said["latency"]["p50_ms"] <= said["latency"]["p99_ms"]
    assert said["config_sha256"] == hashlib.sha256(json.dumps(None).encode()).hexdigest()


def test_recall_at_a_rate_is_that_of_the_lowest_threshold_which_keeps_it(report):
    _, said = report
    good = sorted((one["score"] for one in said["scores"] if one["label"] == "normal"), reverse=True)
    bad = [one["score"] for one in said["scores"] if one["label"] != "normal"]

    assert said["recall_at"]["1%"] == sum(score > good[0] for score in bad) / len(bad)
    assert said["recall_at"]["5%"] == pytest.approx(sum(score > good[1] for score in bad) / len(bad))


def test_pictures_that_trained_or_calibrated_are_known_again(calibrated, tmp_path):
    manifest = read_manifest(calibrated)
    training = {"config": {"data": {"root": str(tmp_path / "set")}}, "normal_sha256": "aa"}
    manifest = Manifest.model_validate(manifest | {"training": training})
    calibrated_with = manifest.calibrations[-1].pictures_sha256

    assert trained_on(manifest, tmp_path / "set" / ".." / "set", "bb")
    assert trained_on(manifest, tmp_path, "aa")
    assert trained_on(manifest, tmp_path, calibrated_with)
    assert not trained_on(manifest, tmp_path, "bb")
