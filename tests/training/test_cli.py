import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytorch_lightning.utilities import rank_zero_only

from inspector import __version__
from inspector.bundle import read_bundle
from inspector.pictures import encode_png
from tests.parts import SIZE, good_parts, scratched_parts, write_parts
from training.cli import main

CONFIG = f"""\
name: plates
output: out
data:
  root: set
  anomalies: {{scratch: {{weight: 2, critical: true}}}}
network:
  {{backbone: light, weights: none, input_size: [{SIZE}, {SIZE}], levels: [8], patch_levels: [8], train: all}}
batch_size: 16
trainer: {{max_epochs: 4}}
false_reject_rate: 0.05
"""

ROOT = Path(__file__).parents[2]
CHECKPOINT_DEADLINE_S = 60


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


def configured(site, name, *changes):
    """The path of a configuration that differs, with an output folder of its own."""
    text = CONFIG.replace("output: out", f"output: {name}")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (site / f"{name}.yaml").write_text(text)
    return str(site / f"{name}.yaml")


def run_json(capsys, *arguments):
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *arguments):
    """The one message of a mistake."""
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


class TestFit:
    def test_writes_a_bundle_that_remembers_its_training(self, fitted):
        manifest = json.loads((fitted / "bundle.json").read_text())

        assert manifest["name"] == "plates"
        assert manifest["anomaly_types"] == [{"name": "scratch", "weight": 2.0, "critical": True, "pictures": 6}]
        assert (manifest["training"]["normal"], manifest["training"]["held_out"]) == (45, 15)
        assert manifest["training"]["config"]["batch_size"] == 16

    def test_json_is_all_that_goes_to_standard_output(self, site, capsys):
        summary = run_json(capsys, "fit", configured(site, "json"))

        bundle = read_bundle(site / "json" / "bundle")
        assert summary == {
            "bundle": str(bundle.path),
            "digest": bundle.digest,
            "threshold": bundle.threshold,
            "false_reject_rate": 0.05,
            "held_out_normals": 15,
            "anomaly_types": {"scratch": 6},
            "critical_missed": 0,
            "promise": None,
            "tail": None,
            "review": None,
            "cost": None,
            "gate": bundle.manifest.gate.model_dump(mode="json"),
            "int8": None,
            "more_normals": pytest.approx(0.05, abs=0.05),
            "name": "plates",
            "seconds": summary["seconds"],
        }
        assert summary["seconds"] > 0
        assert summary["gate"]["reason"].startswith("not compared: the network as a whole was trained")

    def test_people_are_told_the_gates_decision_and_what_more_normals_would_buy(self, site, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "160")

        assert main(["fit", configured(site, "told", ("train: all", "train: head"))]) == 0

        gate, said = read_bundle(site / "told" / "bundle").manifest.gate, capsys.readouterr().err
        assert f"ships {gate.ships}: {gate.reason}" in said
        without, known = gate.known
        assert f"left-out pictures of known types {without:.3f} normals only, {known:.3f} with anomalies" in said
        assert "unknown types" not in said, "of the only type nobody can ask how it would do unknown"
        assert re.search(r"with twice as many normals, normal pictures would look about \d+% less novel", said)

    def test_a_promise_is_kept_recorded_and_told(self, site, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        change = ("false_reject_rate: 0.05", "max_false_reject: 0.2\nconfidence: 0.9")

        assert main(["fit", configured(site, "promised", change)]) == 0

        said, promise = capsys.readouterr().err, read_bundle(site / "promised" / "bundle").manifest.calibration.promise
        assert "at most 20 % of good parts rejected, at 90 % confidence" in said
        assert (promise.max_false_reject, promise.confidence, promise.scores) == (0.2, 0.9, 15)

    def test_a_promise_that_too_few_normals_cannot_keep_is_refused_before_training(self, site, capsys):
        config = configured(site, "few", ("false_reject_rate: 0.05", "max_false_reject: 0.005"))

        assert (
            "598 held-out normals are needed for 0.5 % at 95 %; there are 15; with 15 the best promise is 18.2 %"
            in (refusal(capsys, "fit", config))
        )
        assert not (site / "few" / "bundle").exists()

    def test_only_the_first_of_several_devices_writes_the_bundle(self, site, monkeypatch):
        """Lightning runs the whole command once for each device."""
        monkeypatch.setattr(rank_zero_only, "rank", 1)

        assert main(["fit", configured(site, "second", ("max_epochs: 4", "max_epochs: 1"))]) == 0

        assert not (site / "second" / "bundle").exists()

    def test_a_signal_leaves_a_checkpoint_that_a_resume_and_an_export_go_on_from(self, site, capsys):
        # What hardly a step has trained tells places apart by rounding: no bundle could be made with patches.
        scorers = ("batch_size", "scorers: [{of: pooled, distance: {kind: mahalanobis}}]\nbatch_size")
        config = configured(site, "interrupted", ("max_epochs: 4", "max_epochs: 2000"), scorers)
        checkpoint = site / "interrupted" / "checkpoints" / "last.ckpt"
        command = [sys.executable, "-m", "training.cli", "fit", config]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + CHECKPOINT_DEADLINE_S
            while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
                os.sched_yield()
            process.send_signal(signal.SIGTERM)  # SIGINT is ignored in whatever a shell started behind it
            _, said = process.communicate()

        assert process.returncode == 1
        assert "interrupted; `fit --resume` goes on" in said
        assert "Traceback" not in said
        assert run_json(capsys, "export", config)["held_out_normals"] == 15
        resumed = configured(site, "interrupted", ("max_epochs: 4", "max_epochs: 3"), scorers)
        assert main(["fit", resumed, "--resume"]) == 0


class TestExport:
    def test_makes_the_same_bundle_from_the_checkpoint(self, fitted, site, capsys):
        before = read_bundle(fitted)

        summary = run_json(capsys, "export", site / "plates.yaml")

        again = read_bundle(fitted)
        assert summary["threshold"] == before.threshold
        assert summary["digest"] == again.digest
        assert again.manifest.calibration == before.manifest.calibration
        assert again.manifest.golden == before.manifest.golden

    def test_the_network_in_8_bits_is_put_beside_the_other_where_it_is_asked_for(self, site, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "250")
        # Embeddings of a network that is trained as a whole lie so near together that 8 bits are not fine enough.
        head_only = ("train: all", "train: head")
        config = configured(site, "eight", head_only, ("batch_size", "int8: true\nbatch_size"))

        assert main(["fit", config]) == 0

        record, said = read_bundle(site / "eight" / "bundle").manifest.int8, capsys.readouterr().err
        assert f"int8: on {record.pictures} pictures its scores go with float32's by a correlation of" in said
        assert f"{record.flipped} verdicts differ; of 15 good parts" in said
        summary = run_json(capsys, "export", configured(site, "eight", head_only), "--int8")
        assert summary["int8"].items() >= record.model_dump().items()
        assert read_bundle(site / "eight" / "bundle").manifest.int8 == record

    def test_without_a_fit_is_refused(self, site, capsys):
        assert re.search(r"there is no .*last\.ckpt", refusal(capsys, "export", configured(site, "unfitted")))


class TestEvaluate:
    @pytest.fixture
    def masked(self, tmp_path):
        """A set with a mask for each scratch."""
        parts = scratched_parts(3, seed=7)
        write_parts(tmp_path / "set" / "normal", good_parts(4, seed=7))
        write_parts(tmp_path / "set" / "scratch", parts)
        write_parts(tmp_path / "set" / "_masks" / "scratch", np.where(parts > 200, np.uint8(255), np.uint8(0)))
        return tmp_path / "set"

    def test_gives_figures_and_pictures(self, fitted, site, tmp_path, capsys):
        figures = run_json(capsys, "evaluate", fitted, site / "set", "--report", tmp_path / "a" / "report")

        assert figures["auroc"] == 1.0
        assert (figures["normals"], figures["anomalies"]) == (60, 6)
        assert figures["types"]["scratch"]["recall"] == 1.0
        assert figures["bundle"] == read_bundle(fitted).digest
        assert "pixel" not in figures, "there are no masks"
        for name in ("histogram.png", "roc.png", "mistakes.png", "overlays.png"):
            assert cv2.imread(str(tmp_path / "a" / "report" / name)).std() > 5

    def test_prints_a_table_for_people(self, fitted, site, capsys):
        assert main(["evaluate", str(fitted), str(site / "set")]) == 0

        said = capsys.readouterr().out
        assert re.search(r"scratch\s.* 6 .* 1\.0000 .* 1\.0000 .* >= 0\.606", said), "0.05 ** (1 / 6), rounded down"
        assert re.search(r"good parts rejected: 0\.\d+ of 60, proved at 95%: <= 0\.\d+", said)

    def test_masks_give_figures_of_the_place(self, fitted, masked, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "120")

        figures = run_json(capsys, "evaluate", fitted, masked)
        assert main(["evaluate", str(fitted), str(masked)]) == 0

        pixel = figures["pixel"]
        assert pixel["pictures"] == 3
        assert pixel["auroc"] > 0.6
        assert f"by 3 masks: pixel AUROC {pixel['auroc']:.4f}, PRO {pixel['pro']:.4f}" in capsys.readouterr().out

    def test_a_mask_of_another_size_is_refused(self, fitted, masked, capsys):
        mask = sorted((masked / "_masks" / "scratch").iterdir())[1]
        mask.write_bytes(encode_png(good_parts(1)[0][:-1]))

        assert f"{mask}: this mask has {SIZE} x {SIZE - 1} pixels" in refusal(capsys, "evaluate", fitted, masked)

    def test_names_with_brackets_are_printed_as_they_are(self, fitted, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "120")
        write_parts(tmp_path / "set" / "normal", good_parts(2))
        write_parts(tmp_path / "set" / "crack [old]", scratched_parts(2))

        assert main(["evaluate", str(fitted), str(tmp_path / "set")]) == 0

        assert "crack [old]" in capsys.readouterr().out

    def test_normals_alone_have_no_auroc(self, fitted, tmp_path, capsys):
        write_parts(tmp_path / "set" / "good", good_parts(3))

        figures = run_json(
            capsys, "evaluate", fitted, tmp_path / "set", "--normal", "good", "--report", tmp_path / "report"
        )

        assert (figures["auroc"], figures["recall"], figures["types"]) == (None, None, {})
        assert (tmp_path / "report" / "roc.png").stat().st_size > 0

    def test_a_changed_byte_is_refused(self, fitted, site, tmp_path, capsys):
        broken = tmp_path / "bundle"
        for file in fitted.rglob("*.*"):
            (broken / file.relative_to(fitted)).parent.mkdir(parents=True, exist_ok=True)
            (broken / file.relative_to(fitted)).write_bytes(file.read_bytes())
        (broken / "model.onnx").write_bytes(b"\0" + (broken / "model.onnx").read_bytes()[1:])

        assert "checksum does not match" in refusal(capsys, "evaluate", broken, site / "set")

    @pytest.mark.parametrize(
        ("paths", "says"),
        [
            (("nowhere", "set", "report"), "nowhere/bundle.json"),
            (("out/bundle", "nowhere", "report"), "nowhere: cannot list this folder"),
            (("out/bundle", "set", "plates.yaml/report"), "--report: cannot make the folder"),
        ],
    )
    def test_each_kind_of_mistake_is_one_message(self, fitted, capsys, paths, says):
        bundle, data, report = (fitted.parents[1] / path for path in paths)

        assert says in refusal(capsys, "evaluate", bundle, data, "--report", report)


class TestMistakes:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (("name: plates", "name: ''"), "At 'name' (line 1): "),
            (("batch_size", "batchsize"), "At 'batchsize' (line 8): unknown key; did you mean 'batch_size'?"),
            (("false_reject_rate: 0.05", "false_reject_rate: 5"), "At 'false_reject_rate' (line 10): "),
            (("data:", "data"), "not valid YAML"),
            (("root: set", "root: nowhere"), "nowhere: cannot list this folder"),
            (("scratch:", "scrach:"), "did you mean 'scratch'?"),
            (("backbone: light", "backbone: lite"), "network.backbone: timm knows no 'lite'"),
            (("levels: [8]", "levels: [7]"), "network.levels: the light network has maps at strides [2, 4, 8]"),
            (
                ("backbone: light, weights: none", "backbone: resnet18, weights: own.pth"),
                "network.weights: no file",
            ),
            (("batch_size: 16", "batch_size: 900"), "lower batch_size"),
            (("batch_size: 16", "loss: {kind: arcfase}"), "loss.kind: no loss 'arcfase'; did you mean 'arcface'?"),
            (("batch_size: 16", "loss: {kind: triplet, options: {margn: 1}}"), "loss.options: triplet: "),
            (("max_epochs", "max_epoch"), "trainer.max_epoch: "),
            (("max_epochs: 4", "accelerator: abacus"), "abacus"),
            (("output: wrong", "output: plates.yaml/out"), "output: cannot make the folder"),
        ],
        ids=lambda value: "" if isinstance(value, str) else value[1],
    )
    def test_each_kind_is_one_message(self, site, capsys, change, says):
        assert says in refusal(capsys, "fit", configured(site, "wrong", change))

    def test_a_missing_configuration_is_named(self, tmp_path, capsys):
        assert "none.yaml: cannot be read" in refusal(capsys, "fit", tmp_path / "none.yaml")

    def test_a_relative_weights_file_is_looked_for_beside_the_configuration(self, site, capsys):
        change = ("backbone: light, weights: none", "backbone: resnet18, weights: own.pth")

        assert f"no file {site / 'own.pth'}" in refusal(capsys, "fit", configured(site, "weights", change))

    def test_bad_pictures_are_listed_all_at_once(self, tmp_path, capsys):
        good = write_parts(tmp_path / "set" / "normal", good_parts(4))
        (tmp_path / "set" / "scratch").mkdir()
        (tmp_path / "set" / "scratch" / "torn.png").write_bytes(good[0].read_bytes()[:-30])
        (tmp_path / "set" / "scratch" / "empty.png").touch()
        (tmp_path / "set" / "scratch" / "notes.txt").write_text("three were found on Monday")
        (tmp_path / "plates.yaml").write_text(CONFIG)

        message = refusal(capsys, "fit", tmp_path / "plates.yaml")

        for name in ("torn.png", "empty.png", "notes.txt"):
            assert name in message

    def test_a_resume_without_a_checkpoint_is_said(self, site, capsys):
        assert "nothing to resume" in refusal(capsys, "fit", configured(site, "fresh"), "--resume")


class TestCommandLine:
    def test_help_has_examples(self, capsys):
        with pytest.raises(SystemExit) as ended:
            main(["--help"])

        assert ended.value.code == 0
        assert "inspector-train fit configs/training/cells.yaml" in capsys.readouterr().out

    def test_version(self, capsys):
        with pytest.raises(SystemExit):
            main(["--version"])

        assert capsys.readouterr().out.strip() == __version__

    def test_a_wrong_command_line_is_status_2(self, capsys):
        with pytest.raises(SystemExit) as ended:
            main(["fitt"])

        assert ended.value.code == 2

    def test_the_schema_is_json(self, capsys):
        assert main(["schema"]) == 0

        assert "false_reject_rate" in json.loads(capsys.readouterr().out)["properties"]
