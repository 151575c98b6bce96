"""Another model, and another configuration, for a daemon that runs: as the commands and the signal bring them."""

import json
import os
import signal
import socket
import subprocess
import sys
from itertools import pairwise

import pytest

from tests.broker import Subscriber, wait_until
from tests.bundles import altered, copied, digest_of, with_other_golden_scores
from tests.end_to_end.line import Line
from tests.parts import good_parts, write_parts


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "press-1"
    write_parts(folder, good_parts(3, seed=5), "good")
    return folder


@pytest.fixture
def other_bundle(small_bundle, tmp_path):
    return copied(small_bundle, tmp_path / "other", name="plates, second edition")


@pytest.fixture
def line(tmp_path, broker, small_bundle, pictures):
    line = Line(tmp_path, broker.port, small_bundle, pictures, rate_hz=50)
    store = f"models: {{folder: {tmp_path / 'models'}}}\ncontrol: {{socket: {tmp_path / 'control.sock'}}}\n"
    record = f"record: {{folder: {tmp_path / 'records'}}}\n"
    line.config.write_text(store + record + line.config.read_text())
    return line


@pytest.fixture
def subscriber(broker):
    subscriber = Subscriber(broker.port, "inspector/#")
    yield subscriber
    subscriber.close()


def inspector(*words):
    command = [sys.executable, "-m", "inspector.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def deploy(line, bundle, *options):
    return inspector("deploy", bundle, "--config", line.config, *options)


def digests(subscriber):
    return [each["bundle"] for each in subscriber.of("result")]


def notes(line, kind):
    shown = inspector("records", "show", line.config.parent / "records", "--kind", kind, "--last", 1000, "--json")
    return [json.loads(each) for each in shown.stdout.splitlines()]


def test_a_model_takes_over_between_two_parts_and_still_judges_after_a_restart(
    line, subscriber, small_bundle, other_bundle
):
    old, new = digest_of(small_bundle), digest_of(other_bundle)
    with line:
        subscriber.wait_for("result", 3)
        done = deploy(line, other_bundle, "--shadow", 10, "--probation", 10, "--wait")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "settled: it judges, and does as expected" in done.stdout
        subscriber.wait(lambda: digests(subscriber)[-1] == new, "a verdict of the new model")
        assert line.stop() == 0
        count = len(subscriber.of("result"))
        line.start()
        subscriber.wait(lambda: len(subscriber.of("result")) > count, "a verdict of the next life")
        assert digests(subscriber)[-1] == new
        rolled_back = inspector("rollback", "--config", line.config, "--json")
        assert json.loads(rolled_back.stdout)["accepted"]
        subscriber.wait(lambda: digests(subscriber)[-1] == old, "a verdict of the old model")
        line.stop()

    said = [each["bundle"] for each in sorted(subscriber.of("result"), key=lambda each: each["sequence"])]
    switches = [second for first, second in pairwise(said) if first != second]
    assert switches == [new, old]
    assert [each["sequence"] for each in subscriber.of("result")] == list(range(len(said)))
    assert {each["outcome"] for each in subscriber.of("result")} == {"PASS"}
    models = [each for each in subscriber.of("model") if each["step"] != "settled"]
    assert [each["step"] for each in models] == ["loading", "shadow", "probation"]
    assert f"(uid {os.getuid()})" in models[0]["by"]
    report = inspector("records", "verify", line.config.parent / "records")
    assert report.returncode == 0, report.stdout


def test_what_does_not_hold_is_refused_while_the_old_model_goes_on(line, subscriber, small_bundle, tmp_path):
    bad = altered(small_bundle, tmp_path / "bad", with_other_golden_scores)
    damaged = copied(small_bundle, tmp_path / "damaged", name="damaged")
    (damaged / "model.onnx").write_bytes(b"")
    with line:
        subscriber.wait_for("result", 3)
        refused, unreadable, unknown = deploy(line, bad), deploy(line, damaged), deploy(line, "0" * 64)
        count = len(subscriber.of("result"))
        subscriber.wait_for("result", count + 3)

    assert (refused.returncode, unreadable.returncode, unknown.returncode) == (1, 78, 78)
    assert "golden picture" in refused.stdout
    assert "a file is not what bundle.json says" in unreadable.stderr
    assert "the store has no bundle" in unknown.stderr
    assert "Traceback" not in refused.stderr + unreadable.stderr + unknown.stderr
    assert set(digests(subscriber)) == {digest_of(small_bundle)}
    assert {each["outcome"] for each in subscriber.of("result")} == {"PASS"}


def test_without_a_daemon_a_command_says_so_with_its_own_exit_status(line, other_bundle):
    for done in (deploy(line, other_bundle), inspector("command", line.config, "status")):
        assert done.returncode == 69
        assert "is the daemon running" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_station_is_asked_and_told_by_command(line, subscriber):
    with line:
        subscriber.wait_for("result", 3)
        (status,) = [
            json.loads(each) for each in inspector("command", line.config, "status", "--json").stdout.splitlines()
        ]
        paused = inspector("command", line.config, "pause")
        subscriber.wait_for_state("paused")
        refused = inspector("command", line.config, "acknowledge", "--alarm", "camera_lost")
        line.stop()

    assert status["status"]["verdicts"]["PASS"] >= 3
    assert (paused.returncode, paused.stdout) == (0, "paused: no part is judged until resume\n")
    assert (refused.returncode, refused.stdout) == (1, "refused: camera_lost is not active\n")


class Manager:
    """The service manager's socket."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(20)

    def next(self, beginning):
        while not (said := self._socket.recv(10_000).decode()).startswith(beginning):
            pass
        return said

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path)
    yield manager
    manager.close()


@pytest.fixture
def running(line, manager, subscriber):
    line.start({"NOTIFY_SOCKET": str(manager.path)})
    try:
        manager.next("READY=1")
        subscriber.wait_for("result", 3)
        yield line
    finally:
        line.__exit__()


def hang_up(line, manager):
    line.process.send_signal(signal.SIGHUP)
    reloading = manager.next("RELOADING=1")
    assert int(reloading.split("MONOTONIC_USEC=")[1]) > 0
    return manager.next("READY=1")


def test_a_changed_configuration_is_applied_and_who_is_unchanged_goes_on(
    running, manager, subscriber, pictures, tmp_path
):
    other = tmp_path / "press-2"
    write_parts(other, good_parts(2), "other")
    before = running.config.read_text()
    station = before[before.index("  - name") :]
    running.config.write_text(before + station.replace(str(pictures), str(other)).replace("press-1", "press-2"))

    assert "press-2 " in hang_up(running, manager)
    subscriber.wait(lambda: any(each["station"] == "press-2" for each in subscriber.of("result")), "the new station")
    running.config.write_text(before.replace("rate_hz: 50", "rate_hz: 25"))
    assert "press-2" not in hang_up(running, manager)
    subscriber.wait(
        lambda: (
            [each for each in subscriber.of("result") if each["station"] == "press-1"][-1]["config"]
            != subscriber.of("result")[0]["config"]
        ),
        "a verdict by the changed configuration",
    )
    assert 'station="press-2"' not in running.metrics()
    assert running.stop() == 0

    mine = [each for each in subscriber.of("result") if each["station"] == "press-1"]
    assert [each["sequence"] for each in mine] == list(range(len(mine)))
    assert {each["outcome"] for each in subscriber.of("result")} == {"PASS"}


MISTAKES = {
    "unknown key": ("rate_hz", "rate_herz"),
    "record: cannot change while the daemon runs": ("records}", "elsewhere}"),
    "/nowhere/bundle.json": ("bundle: ", "bundle: /nowhere #"),
    "/nowhere/password": ("kind: mqtt", "kind: mqtt, username: a, password_file: /nowhere/password"),
}
"""What is said of each, and how it is made; the last is only found once the old station has let go."""


def test_a_configuration_with_a_mistake_is_refused_whole(running, manager, subscriber):
    text = running.config.read_text()
    for why, (right, wrong) in MISTAKES.items():
        running.config.write_text(text.replace(right, wrong))
        status = hang_up(running, manager)
        assert "the configuration is refused, nothing has changed" in status
        assert why in status
        count = len(subscriber.of("result"))
        subscriber.wait_for("result", count + 3)
    running.config.write_text(text)
    assert inspector("command", running.config, "reload").stdout == "nothing has changed\n"
    assert running.stop() == 0

    assert len({each["config"] for each in subscriber.of("result")}) == 1
    assert {each["outcome"] for each in subscriber.of("result")} == {"PASS"}
    asked = [each for each in notes(running, "command") if each["payload"]["command"] == "reload"]
    assert [each["payload"]["accepted"] for each in asked] == [False] * len(MISTAKES) + [True]


def test_another_bundle_in_the_configuration_takes_over_between_two_parts(
    running, manager, subscriber, small_bundle, other_bundle
):
    text = running.config.read_text()
    running.config.write_text(text.replace(f"bundle: {small_bundle}", f"bundle: {other_bundle}"))

    hang_up(running, manager)
    subscriber.wait(lambda: digests(subscriber)[-1] == digest_of(other_bundle), "a verdict of the other bundle")
    assert running.stop() == 0
    assert [each["sequence"] for each in subscriber.of("result")] == list(range(len(subscriber.of("result"))))
    states = [each["state"] for each in subscriber.of("state")]
    assert states.count("running") == 1  # nothing was built anew


def test_systemd_is_told_what_the_stations_do(running, manager, subscriber):
    status = wait_until(lambda: manager.next("STATUS="), "the status")

    assert "press-1 running" in status
    assert f"by {digests(subscriber)[0][:8]}, PASS " in status
