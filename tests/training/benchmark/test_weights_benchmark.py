import json

import pytest

from tests.parts import good_parts, scratched_parts, small_config, write_parts
from training.benchmark import weights
from training.cli import main


@pytest.fixture
def plates(tmp_path, monkeypatch):
    """A set of two types, and a network that sees it at once."""
    monkeypatch.setattr(
        weights, "CONFIG", small_config(network=small_config().network.model_copy(update={"train": "head"}))
    )
    root = tmp_path / "plates"
    write_parts(root / "normal", good_parts(60))
    write_parts(root / "scratch", scratched_parts(8))
    write_parts(root / "dent", scratched_parts(8, seed=1))
    return root


def test_recall_is_told_for_each_weight(plates, tmp_path, capsys):
    out = tmp_path / "weights.json"

    status = main(
        ["benchmark", "weights", str(plates), "--type", "scratch", "--seeds", "1", "--weights", "1,3", f"--json={out}"]
    )

    assert status == 0
    rows = json.loads(out.read_text())["rows"]
    assert [each["weight"] for each in rows] == [1.0, 3.0]
    assert {name for each in rows for name in each["recall"]["5%"]} == {"scratch", "dent"}
    assert "scratch, at 5%" in capsys.readouterr().out.replace("\n", " ")


def test_a_type_that_is_not_there_is_refused(plates, capsys):
    assert main(["benchmark", "weights", str(plates), "--type", "scrach"]) == 78
    assert "needs the type 'scrach' and another" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["1,x", "0,1"])
def test_weights_are_numbers_above_zero(plates, given, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["benchmark", "weights", str(plates), "--type", "scratch", "--weights", given])
    assert given in capsys.readouterr().err
