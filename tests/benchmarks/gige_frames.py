"""What becomes of the frames of two GigE Vision cameras, and what the helper process costs each of them.

    python -m tests.benchmarks.gige_frames [--seconds 10] [--rate 30] [--slow-ms 0 60] [--json FILE]

Two simulated cameras send pictures of 2 megapixels on loopback, each to a station of its own with a small bundle. At
the end the cameras are stopped, and each picture that they had sent by their own numbers must have been judged, or
refused or dropped with a reason: what is left over is ``lost``. ``too early`` are those that were missing already when
the first one came: a busy machine may lose some while two cameras start, and no receiver can tell them from pictures
that the camera never sent. ``--slow-ms`` adds so much to each inspection, so that stations can, or cannot, keep up.
Then one camera is read without a station, with and without the helper process, in turns: milliseconds from the
picture's arrival to its pixels in the reader's thread.
"""

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

from rich.console import Console
from rich.table import Table

from inspector.assembly import assemble
from inspector.bench.report import machine
from inspector.bundle import read_bundle
from inspector.checks import CheckSettings
from inspector.config import Config, StationSettings
from inspector.health import Heartbeats
from inspector.metrics import CAMERA_TROUBLES, FRAMES_DROPPED, FRAMES_REFUSED
from tests.benchmarks.record_cost import figures_ms
from tests.broker import wait_until
from tests.gige_camera import GigECamera, only_user, second_address
from tests.industrial import aravis_settings
from tests.parts import write_small_bundle

HEIGHT, WIDTH = 1080, 1920

FIRST_NUMBER = 65401
"""Of the first picture that the simulated camera sends."""

NUMBERS = 0xFFFF
"""How many numbers there are in GigE Vision 1; after the highest comes 1."""

TURNS = 3

GROUPS = ("dropped", "refused", "troubles")


class Counted:
    """A witness: the camera's numbers of the frames that were judged. ``slow_s`` is what each of them takes longer."""

    def __init__(self, slow_s):
        self.numbers = []
        self.slow_s = slow_s

    def see(self, evidence):
        self.numbers.append(evidence.frame.device_frame)
        time.sleep(self.slow_s)

    def close(self):
        pass


def camera_of(address, rate_hz, **settings):
    return aravis_settings(
        address=address,
        features={"PixelFormat": "Mono8", "AcquisitionFrameRate": rate_hz},
        region={"width": WIDTH, "height": HEIGHT},
        packet_size=8000,
        **settings,
    )


def count_frames(bundle, seconds, rate_hz, slow_s):
    """What became of the pictures of each of two cameras, by the camera's address."""
    with ExitStack() as stack:
        stack.enter_context(only_user())
        cameras = [GigECamera(), GigECamera(second_address(), "TEST02")]
        for camera in cameras:
            stack.enter_context(camera)
        stop = Event()
        stations = [start(bundle, camera.address, rate_hz, slow_s, stop) for camera in cameras]
        for _, counted, thread in stations:
            stack.callback(thread.join)
            wait_until(lambda each=counted: each.numbers, "the first frame")
        stack.callback(stop.set)
        stop.wait(seconds)
        refused = {name: sum(outcomes(FRAMES_REFUSED, name).values()) for name, _, _ in stations}
        for camera in cameras:
            camera.freeze()
        for _, counted, _ in stations:
            wait_until_still(counted)
        return {name: account(name, counted, refused[name]) for name, counted, _ in stations}


def start(bundle, address, rate_hz, slow_s, stop):
    """A station over the camera that runs until ``stop``: its name, its witness, its thread."""
    settings = StationSettings(
        name=f"{address}-{slow_s:g}-{time.monotonic_ns()}",
        bundle=bundle,
        camera=camera_of(address, rate_hz, read_timeout_s=60),
        # The bundle knows nothing of such pictures.
        checks=CheckSettings(size=False, exposure=False, least_sharpness=None),
    )
    post = assemble(settings, Config(stations=(settings,)), lambda _: read_bundle(bundle), Heartbeats())
    station, counted = post.workers[0], Counted(slow_s)
    station._witnesses = (counted,)
    thread = Thread(target=station.run, args=(stop,))
    thread.start()
    return settings.name, counted, thread


def wait_until_still(counted):
    """Until all that was on its way has been judged."""
    seen = -1
    while seen < len(counted.numbers):
        seen = len(counted.numbers)
        time.sleep(0.5 + 3 * counted.slow_s)


def account(station, counted, refused_before):
    """Every picture from the camera's first to the last that was judged."""
    refused, dropped = outcomes(FRAMES_REFUSED, station), outcomes(FRAMES_DROPPED, station)
    sent = (counted.numbers[-1] - FIRST_NUMBER) % NUMBERS + 1
    # What was refused since the camera stopped is the picture that it was sending then, the one after the last.
    missing = sent - int(len(counted.numbers) + sum(dropped.values()) + refused_before)
    too_early = min(missing, (counted.numbers[0] - FIRST_NUMBER) % NUMBERS)
    troubles = outcomes(CAMERA_TROUBLES, station)
    return {
        "sent": sent,
        "judged": len(counted.numbers),
        "dropped": dropped,
        "refused": refused,
        "troubles": troubles,
        "too_early": too_early,
        "lost": missing - too_early,
    }


def outcomes(metric, station):
    """The station's counts of the metric that are not 0, by reason."""
    samples = [sample for family in metric.collect() for sample in family.samples if sample.name.endswith("_total")]
    own = [(sample.labels.copy(), sample.value) for sample in samples if sample.labels["station"] == station]
    return {next(labels[name] for name in labels if name != "station"): int(value) for labels, value in own if value}


def latencies_ms(seconds, rate_hz):
    """From arrival to pixels in the reader's thread, with and without the helper process, taking turns."""
    seconds_by = {"in the process": [], "helper process": []}
    with only_user(), GigECamera() as camera:
        for isolate in (False, True) * TURNS:
            source = camera_of(camera.address, rate_hz, isolate=isolate).open("latency")
            ends_s = time.monotonic() + seconds / TURNS
            while time.monotonic() < ends_s:
                frame = source.read(0.5)
                if frame and frame.exposed:
                    seconds_by["helper process" if isolate else "in the process"].append(
                        time.monotonic() - frame.monotonic_s
                    )
            source.close()
    return {name: figures_ms(each) for name, each in seconds_by.items()}


def print_tables(figures):
    table = Table(title=f"{WIDTH} x {HEIGHT} grey, two cameras at {figures['rate_hz']:g} pictures a second each")
    for heading in ("slower by", "camera", "sent", "judged", *GROUPS, "too early", "lost"):
        table.add_column(heading, overflow="fold")
    for slow_ms, stations in figures["frames"].items():
        for name, row in stations.items():
            texts = [", ".join(f"{each} {count}" for each, count in row[of].items()) or "0" for of in GROUPS]
            counts = (str(row[each]) for each in ("too_early", "lost"))
            table.add_row(f"{slow_ms} ms", name.split("-")[0], str(row["sent"]), str(row["judged"]), *texts, *counts)
    Console().print(table)
    table = Table(title="one camera, arrival to pixels in the reader's thread, milliseconds")
    for heading in ("", "pictures", "p50", "p99", "slowest"):
        table.add_column(heading, justify="right")
    for name, row in figures["latency_ms"].items():
        table.add_row(name, str(row["count"]), *(f"{row[each]:.2f}" for each in ("p50", "p99", "max")))
    Console().print(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement; default 10")
    parser.add_argument("--rate", type=float, default=30, help="pictures a second of each camera; default 30")
    parser.add_argument("--slow-ms", type=float, nargs="+", default=[0, 60], help="added to each inspection")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    figures = {"machine": machine(), "rate_hz": arguments.rate, "frames": {}}
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "plates"
        write_small_bundle(bundle)
        for slow_ms in arguments.slow_ms:
            counts = count_frames(bundle, arguments.seconds, arguments.rate, slow_ms / 1000)
            figures["frames"][f"{slow_ms:g}"] = counts
    figures["latency_ms"] = latencies_ms(arguments.seconds, arguments.rate)
    print_tables(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
