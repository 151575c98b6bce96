from tests.benchmarks.gige_frames import count_frames, latencies_ms


def test_every_picture_that_a_camera_sent_is_accounted_for(small_bundle):
    stations = count_frames(small_bundle, seconds=1, rate_hz=30, slow_s=0.1)

    assert len(stations) == 2
    for row in stations.values():
        assert row["lost"] == 0
        assert row["dropped"]["superseded"] > 0
        assert row["judged"] > 0


def test_latency_is_measured_both_ways():
    figures = latencies_ms(seconds=1.5, rate_hz=30)

    assert set(figures) == {"in the process", "helper process"}
    assert all(0 < row["p50"] <= row["p99"] <= row["max"] for row in figures.values())
