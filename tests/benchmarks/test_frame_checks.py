import json

from tests.benchmarks import frame_checks


def test_every_stage_is_measured(tmp_path, capsys):
    assert frame_checks.main(["--megapixels", "0.1", "--count", "3", "--json", str(tmp_path / "f.json")]) == 0

    figures = json.loads((tmp_path / "f.json").read_text())
    assert set(figures["ms"]) == set(frame_checks.stages(0.1))
    assert all(0 < each["p50"] <= each["p99"] for each in figures["ms"].values())
    assert "check: repeated" in capsys.readouterr().out
