import json
import shutil

import pytest

from inspector.bundle import read_bundle, read_manifest
from inspector.cli import main
from tests.inspector.bundle.changes import change_manifest
from tests.inspector.bundle.changes import read_manifest as manifest_of


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")


@pytest.fixture
def other(small_bundle, tmp_path):
    path = shutil.copytree(small_bundle, tmp_path / "other")
    change_manifest(path, calibration=manifest_of(path)["calibration"] | {"threshold": 123.5})
    return path


def test_show_tells_what_it_is_and_who_calibrated_it(small_bundle, capsys):
    manifest, digest = read_manifest(small_bundle)
    (first,) = manifest.calibrations

    assert main(["bundle", "show", str(small_bundle)]) == 0

    said = capsys.readouterr().out
    for fact in ("plates", digest, "16 x 16 pixels", "scratch", first.by, "held out of the training", "average"):
        assert fact in said
    assert f"{manifest.calibration.threshold:.6g}, from 99 held-out normals" in said


def test_show_tells_a_promise_a_model_a_band_and_a_cost_where_there_are(small_bundle, tmp_path, capsys):
    path = shutil.copytree(small_bundle, tmp_path / "bundle")
    promise = {"max_false_reject": 0.04, "confidence": 0.95, "asked": 0.03, "rank": 1, "scores": 99, "rejected": 1}
    tail = dict.fromkeys(("threshold", "estimate", "level", "shape", "scale"), 1.0) | {"scores": 99, "excesses": [1, 2]}
    tail |= {
        "max_false_reject": 0.001,
        "confidence": 0.95,
        "kolmogorov_smirnov": 0,
        "anderson_darling": 0,
        "chance": 0.5,
    }
    cost = {
        "false_reject": 1,
        "escape": {},
        "expected": 2,
        "wanted": 3,
        "least": 1,
        "held_by": "promise",
        "why": "dear",
    }
    change_manifest(
        path,
        calibration=manifest_of(path)["calibration"]
        | {"promise": promise | {"gave_way": "promise", "why": "so it is"}, "tail": tail, "cost": cost}
        | {"review": {"below": 88.5, "max_false_reject": 0.02, "confidence": 0.95}},
    )

    assert main(["bundle", "show", str(path)]) == 0

    said = capsys.readouterr().out
    for fact in (
        "at most 4 % of good parts",
        "so it is",
        "0.1 % at 95 % by a model of the tail",
        "FAIL up to 88.5",
        "dear",
    ):
        assert fact in said


def test_show_as_json_is_the_manifest_and_its_digest(small_bundle, capsys):
    assert main(["bundle", "show", str(small_bundle), "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said == {"digest": read_bundle(small_bundle).digest, "manifest": manifest_of(small_bundle)}


def test_diff_says_what_is_not_the_same_and_exits_1(small_bundle, other, capsys):
    was = manifest_of(small_bundle)["calibration"]["threshold"]

    assert main(["bundle", "diff", str(small_bundle), str(other), "--json"]) == 1
    (found, *caught) = json.loads(capsys.readouterr().out)["differences"]
    assert found == {"fact": "calibration.threshold", "a": was, "b": 123.5}
    assert all(each["fact"].startswith("left_out.") for each in caught)

    assert main(["bundle", "diff", str(small_bundle), str(other)]) == 1
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "calibration.threshold" in line]
    assert f"{was:.6g}" in row
    assert "123.5" in row


def test_the_same_bundle_elsewhere_is_no_difference(small_bundle, tmp_path, capsys):
    copy = shutil.copytree(small_bundle, tmp_path / "copy")

    assert main(["bundle", "diff", str(small_bundle), str(copy)]) == 0
    assert capsys.readouterr().out == f"no difference: both are {read_bundle(copy).digest}\n"


def test_what_is_no_bundle_is_told_in_one_message(small_bundle, tmp_path, capsys):
    assert main(["bundle", "diff", str(small_bundle), str(tmp_path)]) == 78
    assert "bundle.json" in capsys.readouterr().err


class TestThreshold:
    def at(self, bundle, *more):
        return ["bundle", "threshold", str(bundle.path), "--at", str(bundle.threshold * 1.1), *more]

    @pytest.fixture
    def bundle(self, small_bundle, tmp_path):
        return read_bundle(shutil.copytree(small_bundle, tmp_path / "bundle"))

    def test_it_only_looks_unless_there_is_a_reason(self, bundle, capsys):
        assert main(self.at(bundle)) == 0

        said = capsys.readouterr().out
        assert "of 99 held-out normals are above" in said
        assert "confidence" in said
        assert "nothing was changed" in said
        assert read_manifest(bundle.path)[1] == bundle.digest

    def test_with_a_reason_it_is_set_and_the_history_says_why(self, bundle, capsys):
        assert main(self.at(bundle, "--reason", "new lamp", "--by", "anna", "--let-critical-pass", "--json")) == 0

        said = json.loads(capsys.readouterr().out)
        assert said["digest"] == read_manifest(bundle.path)[1] != bundle.digest
        assert said["proved"] == read_manifest(bundle.path)[0].calibration.promise.max_false_reject
        assert main(["bundle", "show", str(bundle.path)]) == 0
        assert "new lamp" in capsys.readouterr().out

    def test_a_score_that_is_none_is_a_wrong_command_line(self, bundle):
        with pytest.raises(SystemExit) as ended:
            main(["bundle", "threshold", str(bundle.path), "--at", "nan"])
        assert ended.value.code == 2
