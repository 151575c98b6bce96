"""The soak of ``soak.py`` in small: thousands of inspections, not hundreds of thousands."""

import pytest

from tests.benchmarks.soak import INSPECTIONS, soak, summary, total
from tests.broker import MOSQUITTO
from tests.parts import good_parts, scratched_parts, write_parts
from tests.requirements import needs

LEAK = 0.03
"""Of the resident memory: the 2 % that are allowed, and what one more malloc arena may take in so short a run."""


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "press-1"
    write_parts(folder, good_parts(8), "good")
    write_parts(folder, scratched_parts(2), "scratched")
    return folder


def test_the_daemons_memory_stays_flat_and_no_result_is_lost(tmp_path, small_bundle, pictures):
    needs(MOSQUITTO, "mosquitto (apt-get install mosquitto)")

    record = soak(tmp_path, small_bundle, pictures, count=4_000, settle=1_000, interval_s=0.2)

    assert record["growth"] < LEAK
    assert record["lost"] == 0
    assert record["exit_status"] == 0


def test_growth_counts_from_where_memory_has_settled():
    record = summary([(0, 90.0), (999, 95.0), (1_000, 100.0), (2_000, 104.0), (3_000, 102.0)], settle=1_000)

    assert record["growth"] == pytest.approx(0.02)
    assert record["largest_growth"] == pytest.approx(0.04)
    assert record["inspections"] == 3_000


def test_inspections_of_all_outcomes_and_stations_count():
    page = (
        "# TYPE inspector_inspections_total counter\n"
        'inspector_inspections_total{outcome="PASS",station="a"} 2.0\n'
        'inspector_inspections_total{outcome="FAIL",station="b"} 3.0\n'
        'inspector_inspections_created{outcome="FAIL",station="b"} 1.7e9\n'
    )

    assert total(INSPECTIONS, page) == 5
