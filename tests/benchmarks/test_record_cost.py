import pytest

from inspector.records.verify import verify
from tests.benchmarks.record_cost import figures_ms, measure
from tests.entries import STATION


@pytest.mark.parametrize("rate_hz", [0, 2000])
def test_every_contender_has_its_rows_measured_and_the_records_are_whole(tmp_path, rate_hz):
    figures = measure(tmp_path, 100, rate_hz)

    assert {name: row["count"] for name, row in figures["rows"].items()} == dict.fromkeys(
        ["process", "power", "bare", "memory"], 100
    )
    assert all(0 < row["p50"] <= row["p99"] <= row["max"] for row in figures["rows"].values())
    assert figures["bytes_per_row"] > 500
    for durability in ("process", "power"):
        report = verify(tmp_path / durability / f"{STATION}.sqlite")
        assert (report.broken, report.inspections) == (None, 100)
    assert len((tmp_path / "bare.jsonl").read_bytes().splitlines()) == 100


def test_figures_are_in_milliseconds():
    assert figures_ms([0.001, 0.002, 0.003]) == pytest.approx({"count": 3, "p50": 2.0, "p99": 2.98, "max": 3.0})
