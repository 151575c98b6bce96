import json
import sys

from inspector.records.verify import verify
from tests.benchmarks import page_cost
from tests.parts import good_parts, write_parts


def test_the_record_that_is_asked_is_one(tmp_path):
    page_cost.fill(tmp_path / "press-1.sqlite", 2000)

    report = verify(tmp_path / "press-1.sqlite")
    assert (report.broken, report.inspections) == (None, 2000)


def test_viewers_see_pictures_and_both_kinds_of_rounds_are_timed(small_bundle, tmp_path, monkeypatch, capsys):
    write_parts(tmp_path / "pictures", good_parts(3))
    figures = tmp_path / "figures.json"
    words = ["--bundle", small_bundle, "--pictures", tmp_path / "pictures", "--json", figures]
    quick = ["--viewers", "2", "--rounds", "1", "--seconds", "2", "--rows", "500"]
    monkeypatch.setattr(sys, "argv", ["page_cost", *map(str, words), *quick])

    page_cost.main()

    said = json.loads(figures.read_text())
    assert said["pictures"] >= 2
    assert said["p99_ms_with"] > 0
    assert said["ratio"] > 0
    assert "one type" in said["milliseconds"]
    assert "picture_p95_ms" in capsys.readouterr().out
