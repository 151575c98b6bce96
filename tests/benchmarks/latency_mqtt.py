"""From a frame's arrival to its verdict at a subscriber, a process of its own, through a real mosquitto, QoS 1.

    python -m tests.benchmarks.latency_mqtt BUNDLE [--rates 20,0] [--count 1000] [--json FILE]

What the inspection itself takes is in the message; the rest is the overhead. All processes of a machine read one
monotonic clock, so each frame's arrival travels as its part id.
"""

import argparse
import json
import multiprocessing
import tempfile
import time
from itertools import cycle
from pathlib import Path
from threading import Event

import numpy as np
import paho.mqtt.client as paho
from rich.console import Console
from rich.table import Table

from inspector.bench.lone_station import station_alone
from inspector.bench.report import machine
from inspector.bundle import GOLDEN, read_bundle
from inspector.cameras.pacing import Pace
from inspector.cores import compute_in_the_calling_thread
from inspector.engines import Engine
from inspector.inspection import Camera, EndOfFrames, Frame, utc_now
from inspector.pictures import read_picture
from inspector.sinks.mqtt import MqttSettings
from tests.broker import Broker, wait_until

STATION = "latency"
WARM_UP = 50
TARGETS_MS = {"p50": 2.0, "p99": 6.0}


class StampingCamera(Camera):
    """Replays pictures at a rate, 0 as fast as they are taken; each part id is the frame's arrival in seconds."""

    def __init__(self, pictures, count, rate_hz):
        self._pictures = cycle(pictures)
        self._left = count
        self._pace = Pace(rate_hz or None)

    def read(self, timeout_s):
        if not self._left:
            raise EndOfFrames
        if not self._pace.wait(time.monotonic() + timeout_s):
            return None
        arrived_s = time.monotonic()
        self._pace.step(arrived_s)
        self._left -= 1
        return Frame(next(self._pictures), arrived_s, utc_now(), self._left, STATION, repr(arrived_s))

    def close(self):
        pass


def subscribe(port, count, pipe):
    """Say when the subscription stands; when ``count`` results are there, send each with its time of arrival."""
    arrivals, complete = [], Event()

    def on_message(_client, _userdata, message):
        arrivals.append((time.monotonic(), message.payload))
        if len(arrivals) == count:
            complete.set()

    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_connect = lambda client, *_: client.subscribe(f"inspector/{STATION}/result", qos=1)
    client.on_subscribe = lambda *_: pipe.send("subscribed")
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_start()
    complete.wait(3600)
    client.disconnect()
    client.loop_stop()
    pipe.send(arrivals)


def overheads_ms(arrivals):
    """Of each result: from the frame's arrival to that at the subscriber, and what of it is not the inspection."""
    results = [(received_s, json.loads(payload)) for received_s, payload in arrivals]
    whole = np.array([(received_s - float(result["part_id"])) * 1000 for received_s, result in results])
    return whole, whole - [result["timings_ms"]["total"] for _, result in results]


def measure(bundle, pictures, port, *, count, rate_hz):
    """The figures of ``count`` results, after some that do not count."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    subscriber = spawn.Process(target=subscribe, args=(port, WARM_UP + count, there))
    subscriber.start()
    there.close()  # so that a subscriber who dies is noticed
    assert here.recv() == "subscribed"
    sink = MqttSettings(port=port).open(STATION)
    wait_until(sink.is_up, "the connection")  # a result that comes before would be lost
    station_alone(STATION, StampingCamera(pictures, WARM_UP + count, rate_hz), bundle, sink).run(Event())
    whole, overhead = overheads_ms(here.recv()[WARM_UP:])
    subscriber.join()
    return {
        "rate_hz": rate_hz or None,
        "count": len(whole),
        "whole_ms": percentiles(whole),
        "overhead_ms": percentiles(overhead),
        "overhead_to_whole": float(np.median(overhead / whole)),
        "met": all(percentiles(overhead)[name] <= target for name, target in TARGETS_MS.items()),
    }


def percentiles(values):
    return {f"p{each}": float(np.percentile(values, each)) for each in (50, 95, 99)}


def print_table(rows):
    table = Table(title="frame to verdict at the subscriber, QoS 1, milliseconds")
    for heading in ("frames a second", "whole p50", "p99", "overhead p50", "p95", "p99", "overhead / whole"):
        table.add_column(heading, justify="right")
    for row in rows:
        whole, overhead = row["whole_ms"], row["overhead_ms"]
        figures = [whole["p50"], whole["p99"], *overhead.values(), row["overhead_to_whole"]]
        table.add_row(str(row["rate_hz"] or "full speed"), *(f"{each:.2f}" for each in figures))
    Console().print(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rates", default="20,0", help="frames a second, 0 is full speed; default 20,0")
    parser.add_argument("--count", type=int, default=1000, help="results at each rate; default 1000")
    parser.add_argument("--engine", default="onnxruntime")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    compute_in_the_calling_thread()
    bundle = read_bundle(arguments.bundle, Engine(arguments.engine))
    pictures = [read_picture(file) for file in sorted((arguments.bundle / GOLDEN).iterdir())]
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder)) as broker:
        rows = [
            measure(bundle, pictures, broker.port, count=arguments.count, rate_hz=float(rate))
            for rate in arguments.rates.split(",")
        ]
    print_table(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "targets_ms": TARGETS_MS, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
