import json
from pathlib import Path

import pytest

from inspector.bundle import read_bundle
from inspector.cli import main
from inspector.engines import can_run
from tests.parts import good_parts, scratched_parts, write_parts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def parts(tmp_path):
    folder = tmp_path / "parts"
    write_parts(folder, good_parts(1, seed=7), "good")
    write_parts(folder, scratched_parts(1, seed=7), "scratched")
    return folder


def inspect(bundle, *arguments):
    return main(["inspect", str(bundle), *map(str, arguments)])


def test_json_has_all_that_is_known_of_a_picture(small_bundle, parts, capsys):
    status = inspect(small_bundle, parts, "--json")

    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert status == 1
    assert (good["outcome"], good["nearest_type"], good["type_confidence"]) == ("PASS", None, None)
    assert (bad["outcome"], bad["nearest_type"]) == ("FAIL", "scratch")
    assert 0.5 < bad["type_confidence"] <= 1
    assert good["score"] <= good["threshold"] == bad["threshold"] < bad["score"]
    assert bad["file"] == str(parts / "scratched-000.png")
    assert good.keys() == bad.keys()


def test_the_table_says_the_type_and_how_sure_that_is(small_bundle, parts, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    bundle = read_bundle(small_bundle)
    (said,) = bundle.judge(bundle.embedder.embed(scratched_parts(1, seed=7)))

    inspect(small_bundle, parts)

    rows = {Path(row.split()[1]).name: row for row in capsys.readouterr().out.splitlines() if ".png" in row}
    assert f"scratch {100 * said.type_confidence:.0f} %" in rows["scratched-000.png"]
    assert "%" not in rows["good-000.png"]


def test_the_worst_verdict_is_the_exit_status(small_bundle, parts):
    torn = parts / "torn.png"
    torn.write_bytes((parts / "good-000.png").read_bytes()[:-20])

    assert inspect(small_bundle, parts / "good-000.png") == 0
    assert inspect(small_bundle, parts / "good-000.png", parts / "scratched-000.png") == 1
    assert inspect(small_bundle, parts) == 3


def test_a_picture_that_cannot_be_read_says_why(small_bundle, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "torn.png").write_bytes(b"no picture")

    assert inspect(small_bundle, tmp_path / "torn.png", "--json") == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["outcome"], said["score"], said["type_confidence"]) == ("ERROR", None, None)

    inspect(small_bundle, tmp_path / "torn.png")
    assert said["reason"] in " ".join(capsys.readouterr().out.split())


CHECKED = "stations: [{{name: press-1, bundle: {bundle}, {keys}camera: {{kind: folder, path: parts}}}}]"


def check(tmp_path, bundle, keys=""):
    config = tmp_path / "line.yaml"
    config.write_text(CHECKED.format(bundle=bundle, keys=keys))
    return main(["check", str(config)])


def test_check_says_what_runs_each_network(small_bundle, tmp_path, capsys):
    assert check(tmp_path, small_bundle) == 0

    digest = read_bundle(small_bundle).digest[:12]
    says = f"press-1: bundle plates {digest} by onnxruntime float32, folder camera: good\n"
    assert capsys.readouterr().out == says


def test_check_finds_an_engine_that_is_missing(small_bundle, tmp_path, capsys):
    if can_run("cuda"):
        pytest.skip("onnxruntime-gpu is installed")

    assert check(tmp_path, small_bundle, "engine: cuda, ") == 78
    assert "install onnxruntime-gpu" in capsys.readouterr().err


def test_a_bundle_that_is_none_exits_78_with_one_message(tmp_path, capsys):
    assert inspect(tmp_path / "nowhere", tmp_path) == 78
    assert "nowhere/bundle.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("of", "file"), [("config", "configs/inspector/schema.json"), ("result", "deploy/mqtt/result.schema.json")]
)
def test_the_schemas_in_the_repository_are_those_of_the_code(of, file, capsys):
    assert main(["schema", of]) == 0

    assert capsys.readouterr().out == (ROOT / file).read_text()
