import json

import cv2
import pytest

from tests.parts import SIZE, good_parts, scratched_parts, write_parts
from training.cli import main

CONFIG = f"""\
name: plates
output: out
data:
  root: set
  anomalies: {{scratch: {{weight: 2, critical: true}}}}
network:
  {{backbone: light, weights: none, input_size: [{SIZE}, {SIZE}], levels: [8], patch_level: 8, train: all}}
batch_size: 16
trainer: {{max_epochs: 2}}
false_reject_rate: 0.05
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with a configuration and pictures larger than the model's input."""
    folder = tmp_path_factory.mktemp("site")
    for name, parts in {"normal": good_parts(60), "scratch": scratched_parts(6)}.items():
        write_parts(folder / "set" / name, [cv2.resize(part, None, fx=2, fy=2) for part in parts], name)
    (folder / "plates.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def fitted(site):
    assert main(["fit", str(site / "plates.yaml")]) == 0
    return site / "out" / "bundle"


def run_json(capsys, *arguments):
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_fit_writes_a_bundle_that_remembers_its_training(fitted):
    manifest = json.loads((fitted / "bundle.json").read_text())

    assert manifest["name"] == "plates"
    assert manifest["anomaly_types"] == [{"name": "scratch", "weight": 2.0, "critical": True, "pictures": 6}]
    assert (manifest["training"]["normal"], manifest["training"]["held_out"]) == (45, 15)
    assert manifest["training"]["config"]["batch_size"] == 16


def test_evaluate_gives_figures_and_pictures(fitted, site, tmp_path, capsys):
    figures = run_json(capsys, "evaluate", fitted, site / "set", "--report", tmp_path / "report")

    assert figures["auroc"] == 1.0
    assert figures["types"]["scratch"]["recall"] == 1.0
    for name in ("histogram.png", "roc.png", "mistakes.png"):
        assert cv2.imread(str(tmp_path / "report" / name)).std() > 5


def test_export_makes_the_same_bundle_from_the_checkpoint(fitted, site, capsys):
    before = json.loads((fitted / "bundle.json").read_text())["calibration"]

    summary = run_json(capsys, "export", site / "plates.yaml")

    assert summary["threshold"] == pytest.approx(before["threshold"], rel=1e-4)
    assert json.loads((fitted / "bundle.json").read_text())["calibration"]["normals"] == before["normals"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("output:", "ouput:"), "At 'ouput' (line 2): unknown key; did you mean 'output'?"),
        (("root: set", "root: nowhere"), "nowhere"),
        (("scratch:", "scrach:"), "did you mean 'scratch'?"),
        (("backbone: light", "backbone: lite"), "timm knows no 'lite'"),
        (("levels: [8]", "levels: [7]"), "not at [7]"),
        (("max_epochs", "max_epoch"), "max_epoch"),
    ],
)
def test_each_kind_of_mistake_is_one_message(site, capsys, change, says):
    (site / "wrong.yaml").write_text(CONFIG.replace(*change).replace("output: out", "output: out-wrong"))

    assert main(["fit", str(site / "wrong.yaml")]) == 78

    message = capsys.readouterr().err
    assert says in message
    assert "Traceback" not in message


def test_bad_pictures_are_listed_all_at_once(tmp_path, capsys):
    good = write_parts(tmp_path / "set" / "normal", good_parts(4))
    (tmp_path / "set" / "scratch").mkdir()
    (tmp_path / "set" / "scratch" / "torn.png").write_bytes(good[0].read_bytes()[:-30])
    (tmp_path / "set" / "scratch" / "empty.png").touch()
    (tmp_path / "set" / "scratch" / "notes.txt").write_text("three were found on Monday")
    (tmp_path / "plates.yaml").write_text(CONFIG)

    assert main(["fit", str(tmp_path / "plates.yaml")]) == 78

    message = capsys.readouterr().err
    for name in ("torn.png", "empty.png", "notes.txt"):
        assert name in message


def test_a_resume_without_a_checkpoint_is_said(site, capsys):
    (site / "fresh.yaml").write_text(CONFIG.replace("output: out", "output: out-fresh"))

    assert main(["fit", str(site / "fresh.yaml"), "--resume"]) == 78
    assert "nothing to resume" in capsys.readouterr().err


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])

    assert "inspector-train fit configs/training/cells.yaml" in capsys.readouterr().out
