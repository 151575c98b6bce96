"""The recording rules, judged by promtool: what they compute, and what they compute it from."""

import pytest
import yaml

from tests.deploy.dashboard import SAMPLES, names_in
from tests.deploy.rules import FILES, RECORDS, RULES, promtool

NOT_OURS = {"up", "process_start_time_seconds"}
"""Metrics of Prometheus itself and of its client library."""

SERIES = {
    'inspector_inspections_total{outcome="PASS"}': "0+90x10",
    'inspector_inspections_total{outcome="FAIL"}': "0+6x10",
    'inspector_inspections_total{outcome="ERROR"}': "0+4x10",
    'inspector_verdict_latency_seconds_bucket{le="0.01"}': "0+50x10",
    'inspector_verdict_latency_seconds_bucket{le="0.02"}': "0+100x10",
    'inspector_verdict_latency_seconds_bucket{le="+Inf"}': "0+100x10",
    'inspector_frames_dropped_total{reason="stale"}': "0+60x10",
    'inspector_frames_dropped_total{reason="superseded"}': "0+60x10",
}
"""Of one station, for ten minutes: 100 inspections a minute, half of them within 10 ms and all within 20."""

IDLE = 'inspector_inspections_total{outcome="PASS"}'
"""Of another one that stands still."""

EXPECTED = {
    "station:inspector_inspections:rate5m": 100 / 60,
    "station:inspector_inspections:rate1h": 1000 / 3600,
    "station:inspector_inspections:rate1d": 1000 / 86400,
    "station:inspector_anomaly:ratio_rate5m": 0.06,
    "station:inspector_anomaly:ratio_rate1h": 0.06,
    "station:inspector_anomaly:ratio_rate1d": 0.06,
    "station:inspector_availability:ratio_rate5m": 0.96,
    "station:inspector_availability:ratio_rate1h": 0.96,
    "station:inspector_availability:ratio_rate1d": 0.96,
    'station:inspector_verdict_latency_seconds:quantile_rate5m{quantile="0.5"}': 0.010,
    'station:inspector_verdict_latency_seconds:quantile_rate5m{quantile="0.95"}': 0.019,
    'station:inspector_verdict_latency_seconds:quantile_rate5m{quantile="0.99"}': 0.0198,
    "station:inspector_frames_dropped:rate5m": 2,
    "line:inspector_inspections:rate5m": 100 / 60,
    "line:inspector_anomaly:ratio_rate5m": 0.06,
    "line:inspector_availability:ratio_rate5m": 0.96,
    "line:inspector_cameras_up:ratio": 0.5,
    "line:inspector_alarms_active:sum": 2,
}


def test_promtool_finds_nothing_to_correct():
    status, said = promtool("check", "rules", "--lint=all", "--lint-fatal", *FILES)

    assert status == 0, said


def test_each_recorded_series_has_an_expectation():
    recorded = [f"{rule['record']}{quantile(rule)}" for rule in RECORDS]

    assert sorted(recorded) == sorted(EXPECTED)


def quantile(rule):
    return "".join(f'{{quantile="{value}"}}' for value in rule.get("labels", {}).values())


def test_they_record_what_one_busy_and_one_idle_station_do(tmp_path):
    busy = [{"series": name.replace("{", '{station="busy",'), "values": values} for name, values in SERIES.items()]
    idle = [{"series": IDLE.replace("{", '{station="idle",'), "values": "0x10"}]
    cameras = [
        {"series": f'inspector_camera_up{{station="{station}"}}', "values": values}
        for station, values in (("busy", "1x10"), ("idle", "0x10"))
    ]
    alarms = [
        {"series": f'inspector_alarm_active{{station="idle",alarm="{alarm}"}}', "values": "1x10"}
        for alarm in ("camera_lost", "stop_line")
    ]
    path = tmp_path / "test.yml"
    path.write_text(
        yaml.safe_dump(
            {
                "rule_files": [str(file) for file in FILES],
                "tests": [
                    {
                        "interval": "1m",
                        "input_series": [*busy, *idle, *cameras, *alarms],
                        "promql_expr_test": [expectation(series, value) for series, value in EXPECTED.items()],
                    }
                ],
            }
        )
    )

    status, said = promtool("test", "rules", path)

    assert status == 0, said


def expectation(series, value):
    """Rounded, since rates are not exact; that the idle station has no ratio is asked for by ``!= 0``."""
    station = "" if series.startswith("line:") else 'station="busy"'
    labels = ",".join(filter(None, [series.partition("{")[2].rstrip("}"), station]))
    return {
        "expr": f"round({series}, 0.0001) != 0",
        "eval_time": "10m",
        "exp_samples": [{"labels": f"{{{labels}}}", "value": round(value, 4)}],
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("record") or rule["alert"])
def test_reads_only_metrics_that_the_daemon_exposes_or_another_rule_records(rule):
    names = names_in(rule["expr"])

    assert names
    assert names <= SAMPLES.keys() | NOT_OURS | {rule["record"] for rule in RECORDS}
