"""A daemon with two stations whose cameras can be made to lie, and somebody who writes down what the stations say."""

import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from threading import Condition

import numpy as np
import paho.mqtt.client as paho
import psutil

from inspector.cameras.simulated_line import Line
from inspector.pictures import resize
from tests.broker import Broker, free_port, wait_until
from tests.parts import small_config
from training.export import export, golden_pictures
from training.fit import fit_model
from training.normals import normals_of
from training.seen import TrainingSet

HEIGHT, WIDTH, INPUT = 120, 160, 48
RATE_HZ = 20
READ_TIMEOUT_S, FROZEN_AFTER_S = 1.0, 1.0

VERDICTS = {"PASS", "FAIL"}

WATCHED, NEIGHBOUR = "watched", "neighbour"


def write_biscuit_bundle(path):
    """A small real bundle for simulated lines, which knows the size and the sharpness of their pictures."""
    config = small_config(network=small_config().network.model_copy(update={"input_size": (INPUT, INPUT)}))
    data = TrainingSet(
        normal=pictures(40, seed=1),
        held_out=pictures(60, seed=2),
        anomalies={"scratch": pictures(5, seed=3, crack=1.0)},
        auxiliary={},
        taken_at=(HEIGHT, WIDTH),
    )
    model = fit_model(config, data, run_dir=None)
    fields = {"name": "biscuits", "training": {}}
    export(model, golden_pictures(model, data), path, fields, normals=normals_of(model, data))


def pictures(count, seed, **shares):
    line = Line(HEIGHT, WIDTH, seed, shares, 0.04)
    return np.stack([resize(line.picture(number), INPUT, INPUT) for number in range(count)])


@dataclass(frozen=True, slots=True)
class Result:
    """An inspection as it arrived, by both clocks."""

    arrived_s: float
    arrived_at_s: float
    captured_at_s: float
    outcome: str
    reason: str | None

    @property
    def is_verdict(self):
        return self.outcome in VERDICTS


class Observer:
    """Everything that both stations say."""

    def __init__(self, port):
        self.results = {WATCHED: [], NEIGHBOUR: []}
        self.states = {WATCHED: [], NEIGHBOUR: []}
        self.alarms = {WATCHED: [], NEIGHBOUR: []}
        self.changed = Condition()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("inspector/#", qos=1)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def wait(self, condition, what, timeout_s=120.0):
        with self.changed:
            assert self.changed.wait_for(condition, timeout_s), f"waited {timeout_s} s in vain for {what}"

    def verdicts_after(self, station, captured_at_s):
        """On frames that were taken after that moment."""
        return [each for each in self.results[station] if each.is_verdict and each.captured_at_s > captured_at_s]

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client, _userdata, message):
        now_s, now_at_s = time.monotonic(), time.time()
        _, station, leaf, *_ = message.topic.split("/")
        said = json.loads(message.payload)
        with self.changed:
            if leaf == "result":
                captured_at_s = datetime.fromisoformat(said["captured_at"]).timestamp()
                self.results[station].append(Result(now_s, now_at_s, captured_at_s, said["outcome"], said["reason"]))
            elif leaf == "state":
                self.states[station].append((now_s, said["state"]))
            elif leaf == "alarm" and said["state"] == "active":
                self.alarms[station].append((now_s, said["alarm"]))
            self.changed.notify_all()


class Hall:
    """``camera`` and ``checks``: of the watched station; else its camera is a simulator in a helper process."""

    def __init__(self, folder, bundle, camera=None, checks=None):
        self.folder = folder
        self._bundle = bundle
        self._camera = camera or self.simulator(WATCHED, isolate=True)
        self._checks = checks or {}

    def __enter__(self):
        with ExitStack() as opened:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.broker = opened.enter_context(Broker(self.folder / "broker"))
            self.observer = Observer(self.broker.port)
            opened.callback(self.observer.close)
            log = opened.enter_context((self.folder / "daemon.log").open("w"))
            command = [sys.executable, "-m", "inspector.cli", "run", self._write_config()]
            self.daemon = psutil.Popen(command, stdout=log, stderr=log)
            opened.callback(self._stop)
            self._open = opened.pop_all()
        self.wait_for_verdicts()
        return self

    def __exit__(self, *_):
        self._open.close()

    def simulator(self, station, **options):
        return {
            "kind": "simulator",
            "width": WIDTH,
            "height": HEIGHT,
            "rate_hz": RATE_HZ,
            "seed": 4 if station == WATCHED else 5,
            "drill": str(self.folder / f"{station}.drill"),
            "read_timeout_s": READ_TIMEOUT_S,
            **options,
        }

    def drill(self, word, station=WATCHED):
        """The camera does what the word says from now on."""
        file = self.folder / f"{station}.drill"
        file.with_suffix(".next").write_text(word)
        file.with_suffix(".next").replace(file)

    def end_drill(self, station=WATCHED):
        (self.folder / f"{station}.drill").unlink(missing_ok=True)

    def helper(self):
        """The process of the watched camera's driver."""
        return wait_until(lambda: next(iter(self.helpers()), None), "the helper process")

    def helpers(self):
        return [each for each in self.daemon.children() if "inspector.cameras.child" in command_of(each)]

    def signal_helper(self, number):
        os.kill(self.helper().pid, number)

    def wait_for_verdicts(self, count=1):
        """So many from each station, on what is to be seen from now on."""
        now_at_s = time.time()

        def are_there():
            told = [len(self.observer.verdicts_after(station, now_at_s)) for station in (WATCHED, NEIGHBOUR)]
            return min(told) >= count or self.daemon.poll() is not None

        self.observer.wait(are_there, "verdicts of both stations")
        assert self.daemon.poll() is None, (self.folder / "daemon.log").read_text()

    def _stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(10)
        except psutil.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()

    def _write_config(self):
        checks = {"frozen_after_s": FROZEN_AFTER_S, **self._checks}
        cameras = {WATCHED: self._camera, NEIGHBOUR: self.simulator(NEIGHBOUR)}
        config = {
            "metrics": {"port": free_port()},
            "sinks": [{"kind": "mqtt", "port": self.broker.port}],
            "stations": [
                {"name": name, "bundle": str(self._bundle), "camera": camera, "max_latency_ms": 5000,
                 "checks": checks if name == WATCHED else {"max_age_ms": 5000}}
                for name, camera in cameras.items()
            ],
        }  # fmt: skip
        file = self.folder / "hall.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML
        return file


def command_of(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []
