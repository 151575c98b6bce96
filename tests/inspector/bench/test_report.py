import json
from dataclasses import replace

import pytest
from rich.console import Console

from inspector.bench.figures import row_of
from inspector.bench.report import as_json, print_tables


def printed(*rows):
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as capture:
        print_tables(rows, console)
    return capture.get()


@pytest.fixture
def row(two_stations):
    return row_of(two_stations)


def test_json_holds_the_machine_the_bundle_and_every_row(plan, row):
    report = json.loads(as_json(plan, "discarded", [row, row]))

    assert report["machine"]["usable_cores"] >= 1
    assert "onnxruntime" in report["machine"]["engines"]
    assert report["bundle"]["name"] == "plates"
    assert report["pictures"] == {"count": 3, "sizes": ["16 x 16"]}
    assert len(report["rows"]) == 2
    assert report["rows"][0]["latency_ms"]["verdict"]["p50"] == row.latency_ms["verdict"].p50
    assert report["rows"][0]["ratios"]["rate_to_all_cores"]["median"] == row.ratios["rate_to_all_cores"].median
    assert report["rows"][0]["latency_ms"]["verdict"]["p99_9"] is None


def test_the_table_of_a_row_says_every_stage_and_ratio(row):
    text = printed(row)

    for label in ("acquire", "preprocess", "embed", "score", "publish", "frame to verdict", "bare network", "heat map"):
        assert label in text
    assert f"{row.latency_ms['verdict'].p50:.2f}" in text
    assert f"{row.ratios['verdict'].median:.3f}" in text
    assert f"{row.fairness:.3f}" in text


def test_only_several_rows_need_a_summary(row):
    assert printed(row).count("onnxruntime float32") == 1
    assert printed(row, row).count("onnxruntime float32") == 4


def test_troubles_are_told(row):
    assert "ERROR" not in printed(row)

    text = printed(replace(row, said={"ERROR": 1, "refused": 7}))

    assert "1 verdict ERROR" in text
    assert "too slow for 7 results" in text


def test_a_system_that_tells_no_memory_is_no_trouble(row):
    assert "? to ?" in printed(replace(row, memory_mib=(None, None)))
