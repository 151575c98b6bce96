"""The soak of ``soak.py`` in small: thousands of inspections, not hundreds of thousands."""

import pytest

from tests.benchmarks.disturbances import STATION
from tests.benchmarks.soak import ERRORS, INSPECTIONS, Sample, soak, summary, total
from tests.broker import MOSQUITTO
from tests.parts import good_parts, scratched_parts, write_parts
from tests.requirements import needs


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / STATION
    write_parts(folder, good_parts(8), "good")
    write_parts(folder, scratched_parts(2), "scratched")
    return folder


def test_a_daemon_survives_what_happens_in_months_and_grows_by_nothing(tmp_path, small_bundle, pictures):
    needs(MOSQUITTO, "mosquitto (apt-get install mosquitto)")

    record = soak(tmp_path, small_bundle, pictures, count=4_000, settle=1_000, every=1_000, interval_s=0.2)

    assert [what for _, what in record["happened"][:3]] == ["another model", "broker restarts", "another configuration"]
    assert record["errors"] == record["lost"] == record["exit_status"] == 0
    # In so short a run memory and disk are still filling; what leaks descriptors or threads shows at once.
    assert record["held"]["descriptors"]["growth"] <= 0.1
    assert record["held"]["threads"]["growth"] <= 0.1


def test_growth_is_that_of_the_last_fifth_over_the_first_that_has_settled():
    done = range(0, 11_000, 1_000)
    samples = [Sample(each, resident_mib=100 + each / 1_000, descriptors=30, threads=9, disk_mib=5) for each in done]
    record = summary(samples, settle=1_000)

    assert record["held"]["resident_mib"]["growth"] == pytest.approx(109.5 / 101.5 - 1)
    assert record["held"]["resident_mib"]["largest"] == 110
    assert record["grown"] == ["resident_mib"]
    assert record["inspections"] == 10_000


def test_inspections_of_all_outcomes_and_stations_count():
    page = (
        "# TYPE inspector_inspections_total counter\n"
        'inspector_inspections_total{outcome="PASS",station="a"} 2.0\n'
        'inspector_inspections_total{outcome="FAIL",station="b"} 3.0\n'
        'inspector_inspections_created{outcome="FAIL",station="b"} 1.7e9\n'
    )

    assert total(INSPECTIONS, page) == 5
    assert total(ERRORS, page) == 0
