"""The whole way of a frame, with a real mosquitto and the real daemon as its own process."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from itertools import groupby

import jsonschema
import pytest

from inspector.alarms import NAMES
from inspector.inspection import Inspection
from inspector.sinks.mqtt import IN_FLIGHT
from tests.broker import Subscriber, wait_until
from tests.end_to_end.line import Line
from tests.parts import good_parts, scratched_parts, write_parts


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "press-1"
    write_parts(folder, good_parts(2, seed=3), "good")
    write_parts(folder, scratched_parts(2, seed=3), "scratched")
    return folder


@pytest.fixture
def subscriber(broker):
    subscriber = Subscriber(broker.port, "inspector/#")
    yield subscriber
    subscriber.close()


@pytest.fixture
def line(tmp_path, broker, small_bundle, pictures):
    return Line(tmp_path, broker.port, small_bundle, pictures)


def test_verdicts_arrive_and_fit_their_schema(line, subscriber):
    with line:
        # What was judged before the connection is behind what is live.
        subscriber.wait(
            lambda: {each["sequence"] for each in subscriber.of("result")} >= set(range(4)), "four verdicts"
        )
        messages = sorted(subscriber.of("result"), key=lambda each: each["sequence"])

    schema = Inspection.model_json_schema(mode="serialization")
    for message in messages:
        jsonschema.validate(message, schema)
        age = datetime.now(UTC) - datetime.fromisoformat(message["captured_at"])
        assert 0 <= age.total_seconds() < 60
    verdicts = {each["part_id"]: (each["outcome"], each["nearest_type"]) for each in messages[:4]}
    assert verdicts == {
        "good-000": ("PASS", None),
        "good-001": ("PASS", None),
        "scratched-000": ("FAIL", "scratch"),
        "scratched-001": ("FAIL", "scratch"),
    }
    assert [each["sequence"] for each in messages] == list(range(len(messages)))


def test_verdicts_are_never_retained_and_the_state_is(line, subscriber, broker):
    with line:
        subscriber.wait_for("result", 2)
        late = Subscriber(broker.port, "inspector/#")
        late.wait_for_state("running")
        late.wait_for("result")
        late.close()

    retained = {topic for topic, _, is_retained in late.messages if is_retained}
    assert retained == {"inspector/press-1/state", *(f"inspector/press-1/alarm/{name}" for name in NAMES)}


def test_sigterm_publishes_stopped_and_exits_0(line, subscriber):
    with line:
        subscriber.wait_for("result", 2)
        assert line.stop() == 0
    subscriber.wait_for_state("stopped")

    states = [each["state"] for each in subscriber.of("state")]
    # A connection that comes after the camera is open has nothing to say of the start.
    assert [state for state, _ in groupby(states) if state != "starting"] == ["running", "stopped"]


def test_a_killed_daemon_is_said_to_be_offline_by_the_broker(line, subscriber):
    with line:
        subscriber.wait_for("result", 1)
        line.process.kill()
        subscriber.wait_for_state("offline")


def test_no_verdict_is_lost_or_doubled_when_the_broker_restarts(line, subscriber, broker):
    with line:
        # So many are on their way at most: by now the first three are acknowledged, and the daemon knows.
        subscriber.wait_for("result", 3 + IN_FLIGHT)
        broker.stop()
        line.wait_for_metric('inspector_sink_up{sink="mqtt",station="press-1"} 0.0')
        broker.start()
        line.wait_for_metric('inspector_sink_up{sink="mqtt",station="press-1"} 1.0')
        count = len(subscriber.of("result"))
        subscriber.wait_for("result", count + 10)
        assert subscriber.of("state")[-1]["state"] == "running"

    # What waited comes in order, between live ones; what was on its way when the broker went may come twice.
    again = [each["sequence"] for each in subscriber.of("result") if each["historical"]]
    live = [each["sequence"] for each in subscriber.of("result") if not each["historical"]]
    assert again == sorted(set(again))
    assert live == sorted(set(live))
    said = [each["sequence"] for each in subscriber.of("result")]
    assert not set(said[:3]) & set(said[3:])


def test_an_emptied_and_refilled_folder_only_pauses(line, subscriber, pictures):
    with line:
        subscriber.wait_for("result", 2)
        for picture in pictures.iterdir():
            picture.unlink()
        line.wait_for_metric('inspector_camera_up{station="press-1"} 1.0')
        write_parts(pictures, good_parts(1, seed=9), "refilled")
        subscriber.wait(
            lambda: any(each["part_id"] == "refilled-000" for each in subscriber.of("result")), "the refilled part"
        )

    assert "camera_lost" not in {each["reason"] for each in subscriber.of("result")}


def test_a_folder_that_goes_away_is_a_lost_camera_until_it_returns(line, subscriber, pictures):
    with line:
        subscriber.wait_for("result", 2)
        pictures.rename(pictures.with_name("away"))
        subscriber.wait_for_state("camera_lost")
        line.wait_for_metric('inspector_camera_up{station="press-1"} 0.0')
        pictures.with_name("away").rename(pictures)
        line.wait_for_metric('inspector_camera_up{station="press-1"} 1.0')
        count = len(subscriber.of("result"))
        subscriber.wait_for("result", count + 2)

    lost = [each for each in subscriber.of("result") if each["reason"] == "camera_lost"]
    assert [each["outcome"] for each in lost] == ["ERROR"]


def test_a_truncated_picture_is_an_error_and_the_line_goes_on(line, subscriber, pictures):
    good = pictures / "good-000.png"
    (pictures / "torn.png").write_bytes(good.read_bytes()[:-20])

    with line:
        subscriber.wait_for("result", 6)

    by_part = {each["part_id"]: each for each in subscriber.of("result")}
    assert (by_part["torn"]["outcome"], by_part["torn"]["reason"]) == ("ERROR", "unreadable_picture")
    assert by_part["good-000"]["outcome"] == "PASS"


def test_two_stations_do_not_wait_for_each_other(tmp_path, broker, small_bundle, subscriber, pictures):
    other = tmp_path / "press-2"
    write_parts(other, good_parts(1), "other")

    with Line(tmp_path, broker.port, small_bundle, pictures, other) as line:
        wait_until(lambda: len({each["station"] for each in subscriber.of("result")}) == 2, "both stations")
        other.rename(tmp_path / "gone")
        subscriber.wait_for_state("camera_lost")
        mine = [each for each in subscriber.of("result") if each["station"] == "press-1"]
        subscriber.wait(
            lambda: sum(each["station"] == "press-1" for each in subscriber.of("result")) > len(mine) + 5,
            "the first station to go on",
        )
        assert line.stop() == 0


def test_a_finite_replay_ends_by_itself(tmp_path, broker, small_bundle, subscriber, pictures):
    with Line(tmp_path, broker.port, small_bundle, pictures, mode="once") as line:
        assert line.process.wait(30) == 0
        subscriber.wait_for_state("stopped")

    assert len(subscriber.of("result")) == 4


def test_metrics_tell_what_happened(line, subscriber):
    with line:
        subscriber.wait_for("result", 4)
        line.wait_for_metric('inspector_inspections_total{outcome="FAIL",station="press-1"} 2.0')
        page = line.metrics()

    for text in (
        'inspector_stage_duration_seconds_bucket{le="0.002",stage="embed",station="press-1"}',
        'inspector_verdict_latency_seconds_count{station="press-1"}',
        'inspector_score_to_threshold_ratio_bucket{le="1.0",station="press-1"}',
        'inspector_last_frame_timestamp_seconds{station="press-1"}',
        'name="plates"',
    ):
        assert text in page


def test_every_log_line_is_json(line, subscriber):
    with line:
        subscriber.wait_for("result", 1)
        line.stop()

    entries = [json.loads(text) for text in line.log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= entries[0].keys()
    assert any(entry["message"] == "SIGTERM: stopping" for entry in entries)


def test_systemd_is_told_ready_watchdog_and_stopping(line, subscriber, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        line.start({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
        try:
            said = [manager.recv(1000).decode() for _ in range(3)]
            line.stop()
            while said[-1] != "STOPPING=1":
                said.append(manager.recv(1000).decode())
        finally:
            line.__exit__()

    assert said[0].startswith("READY=1")
    fed = [each for each in said[1:-1] if not each.startswith("STATUS=")]
    assert fed
    assert set(fed) == {"WATCHDOG=1"}


def test_the_daemon_never_imports_torch(line, small_bundle):
    code = (
        "import sys, inspector.cli, inspector.bundle, pathlib;"
        f"inspector.bundle.read_bundle(pathlib.Path({str(small_bundle)!r})).check_golden();"
        "print([m for m in ('torch', 'sklearn', 'scipy', 'pytorch_lightning', 'matplotlib') if m in sys.modules])"
    )

    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)

    assert output.stdout.strip() == "[]"


def run_config(tmp_path, text):
    (tmp_path / "line.yaml").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "inspector.cli", "run", tmp_path / "line.yaml"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_mistake_in_the_configuration_exits_78_without_a_traceback(tmp_path):
    done = run_config(tmp_path, "stations: [{name: a, bundle: b, camera: {kind: folder, pth: c}}]")

    assert done.returncode == 78
    assert "stations[0].camera.pth" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_bundle_exits_78_and_names_it(tmp_path):
    done = run_config(tmp_path, "stations: [{name: a, bundle: nowhere, camera: {kind: folder, path: c}}]")

    assert done.returncode == 78
    assert "nowhere/bundle.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_exits_69_and_names_it(tmp_path, small_bundle, pictures):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_config(
            tmp_path,
            f"metrics: {{port: {port}}}\n"
            f"stations: [{{name: a, bundle: {small_bundle}, camera: {{kind: folder, path: {pictures}}}}}]",
        )

    assert done.returncode == 69
    assert f"127.0.0.1:{port}" in done.stderr
