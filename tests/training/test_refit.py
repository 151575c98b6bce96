"""Labels of the line as more pictures for a training, and a refit that looks at these alone."""

import json

import pytest

from inspector.bundle import read_bundle
from tests.parts import good_parts, scratched_parts, write_parts
from tests.training.test_cli import CONFIG
from training.cli import main


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A configuration whose backbone stays as it is, its set, and what people have labelled."""
    folder = tmp_path_factory.mktemp("site")
    write_parts(folder / "set" / "normal", good_parts(60), "normal")
    write_parts(folder / "set" / "scratch", scratched_parts(6), "scratch")
    write_parts(folder / "said" / "normal", good_parts(3, seed=7), "line")
    write_parts(folder / "said" / "hair", scratched_parts(4, seed=8), "line")
    (folder / "said" / "anomalies.yaml").write_text("data: {anomalies: {hair: {weight: 2.0, critical: true}}}\n")
    (folder / "plates.yaml").write_text(CONFIG.replace("train: all", "train: head"))
    return folder


@pytest.fixture(scope="module")
def fitted(site):
    assert main(["fit", str(site / "plates.yaml")]) == 0
    return read_bundle(site / "out" / "bundle")


def train(site, capsys, *words):
    capsys.readouterr()
    assert main([words[0], str(site / "plates.yaml"), *map(str, words[1:]), "--json", "--progress-json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_a_refit_with_labels_knows_their_types_and_holds_the_same_normals_out(site, fitted, tmp_path, capsys):
    said, progress = train(site, capsys, "refit", "--labelled", site / "said", "--output", tmp_path)

    new, record = read_bundle(tmp_path / "bundle"), fitted.manifest.training
    assert said["digest"] == new.digest
    assert {each.name: (each.pictures, each.critical) for each in new.manifest.anomaly_types} == {
        "scratch": (6, True), "hair": (4, True)
    }  # fmt: skip
    assert new.manifest.training["normal"] == record["normal"] + 3
    assert new.manifest.training["labelled_normal"] == 3
    assert new.manifest.training["held_out_sha256"] == record["held_out_sha256"]
    steps = [json.loads(line) for line in progress.splitlines() if line.startswith("{")]
    assert {"step": "features of the normals", "done": 48, "of": 48} in steps


def test_a_refit_of_the_same_set_scores_as_the_fit_did(site, fitted, tmp_path, capsys):
    train(site, capsys, "refit", "--output", tmp_path)

    again = read_bundle(tmp_path / "bundle")
    assert again.threshold == pytest.approx(fitted.threshold, rel=1e-3)
    assert [each.score for each in again.manifest.golden] == pytest.approx(
        [each.score for each in fitted.manifest.golden], rel=0.02
    )
    again.check_golden()


def test_a_fit_takes_labels_too(site, tmp_path, capsys):
    said, _ = train(site, capsys, "fit", "--labelled", site / "said", "--output", tmp_path)

    assert said["anomaly_types"] == {"hair": 4, "scratch": 6}


def test_a_labelled_copy_of_a_picture_of_the_set_counts_once(site, tmp_path, capsys):
    write_parts(tmp_path / "said" / "normal", good_parts(2), "again")

    train(site, capsys, "fit", "--labelled", tmp_path / "said", "--output", tmp_path / "out")

    assert read_bundle(tmp_path / "out" / "bundle").manifest.training["labelled_normal"] == 0


def test_one_picture_in_two_classes_is_a_mistake_that_names_both(site, tmp_path, capsys):
    write_parts(tmp_path / "said" / "scratch", good_parts(1), "wrong")

    assert main(["fit", str(site / "plates.yaml"), "--labelled", str(tmp_path / "said")]) == 78

    said = capsys.readouterr().err
    assert "several classes" in said
    assert "wrong-000.png" in said
    assert "normal-000.png" in said


def test_a_backbone_that_is_trained_as_well_has_no_refit(site, tmp_path, capsys):
    (site / "whole.yaml").write_text(CONFIG)

    assert main(["refit", str(site / "whole.yaml")]) == 78

    assert "take fit" in capsys.readouterr().err
