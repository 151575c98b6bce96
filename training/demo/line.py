"""The line of the demo: the real daemon as its own process, and a subscriber in the place of the PLC."""

import json
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.live import Live
from rich.table import Table

from training.demo.broker import Broker

STATION: Final = "cells"
PREFIX: Final = "demo"
RATE_HZ: Final = 30
SHOWN: Final = 14
SILENCE_S: Final = 30.0
"""The demo gives up when no verdict arrives for so long."""

COLOURS: Final = {"PASS": "green", "FAIL": "red", "ERROR": "yellow"}

CONFIG: Final = """\
metrics: {{port: 0}}
sinks:
  - {{kind: mqtt, port: {port}, version: "{version}", prefix: {prefix}}}
stations:
  - name: {station}
    bundle: {bundle}
    camera: {{kind: folder, path: {pictures}, mode: once, rate_hz: {rate}}}
"""


def run_line(bundle: Path, pictures: Path, truth: Mapping[str, str], broker: Broker, folder: Path) -> list[Any]:
    """Replay the pictures through the daemon and return the messages that the subscriber received."""
    config = folder / "line.yaml"
    config.write_text(
        CONFIG.format(
            port=broker.port,
            version=broker.version,
            prefix=PREFIX,
            station=STATION,
            bundle=bundle.resolve(),
            pictures=pictures.resolve(),
            rate=RATE_HZ,
        )
    )
    with _subscribed(broker) as received, _daemon(config, folder / "daemon.log"):
        return _watch(received, truth)


@contextmanager
def _subscribed(broker: Broker) -> Iterator["queue.Queue[Any]"]:
    received: queue.Queue[Any] = queue.Queue()
    ready: queue.Queue[None] = queue.Queue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _userdata, message: received.put(json.loads(message.payload))
    client.on_subscribe = lambda *_: ready.put(None)
    client.connect("127.0.0.1", broker.port)
    client.subscribe(f"{PREFIX}/{STATION}/result", qos=1)
    client.loop_start()
    try:
        ready.get(timeout=SILENCE_S)
        yield received
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def _daemon(config: Path, log: Path) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "inspector.cli", "run", config], stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _watch(received: "queue.Queue[Any]", truth: Mapping[str, str]) -> list[Any]:
    messages: list[Any] = []
    with Live(console=Console(), refresh_per_second=8) as live:
        latest: deque[Any] = deque(maxlen=SHOWN)
        while len(messages) < len(truth):
            try:
                message = received.get(timeout=SILENCE_S)
            except queue.Empty:
                raise RuntimeError(f"no verdict for {SILENCE_S:.0f} s; see daemon.log and broker.log") from None
            messages.append(message)
            latest.append(message)
            live.update(_table(latest, messages, truth))
    return messages


def _table(latest: "deque[Any]", messages: list[Any], truth: Mapping[str, str]) -> Table:
    right = sum((each["outcome"] == "PASS") == (truth[each["part_id"]] == "normal") for each in messages)
    table = Table(
        "part", "verdict", "score", "truth", "frame to verdict",
        title=f"{PREFIX}/{STATION}/result",
        caption=f"{len(messages)} of {len(truth)} judged, {right} rightly",
        min_width=64,
    )  # fmt: skip
    for each in latest:
        label = truth[each["part_id"]]
        wrong = (each["outcome"] == "PASS") != (label == "normal")
        score = "" if each["score"] is None else f"{each['score']:.3f}"
        table.add_row(
            each["part_id"],
            f"[bold {COLOURS[each['outcome']]}]{each['outcome']}",
            score,
            f"[reverse]{label}[/]" if wrong else label,
            f"{each['timings_ms'].get('total', 0):.1f} ms",
        )
    return table
