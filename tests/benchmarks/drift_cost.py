"""What looking on for drift costs a station between two parts.

    python -m tests.benchmarks.drift_cost [--count 5000] [--side 224] [--dimensions 864] [--json FILE]

Pictures and features are noise of the size that the default network has; what they show makes no difference.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from inspector.alarms import Alarms
from inspector.bench.report import machine
from inspector.drift import Drift, DriftSettings
from inspector.inspection import Evidence, Features, Frame, utc_now
from tests.entries import entry
from training.normals import summed_up

NORMALS = 250
THRESHOLD = 3.0


class Normal:
    """What a drift needs of a bundle."""

    def __init__(self, dimensions):
        rng = np.random.default_rng(0)
        self.digest, self.threshold, self.path = "5e1b" * 16, THRESHOLD, Path("noise")
        numbers = rng.standard_normal((3, NORMALS)).astype(np.float32)
        vectors = rng.standard_normal((NORMALS, dimensions)).astype(np.float32)
        self.normals = summed_up(tuple(numbers), vectors, rng.standard_normal((6, dimensions)).astype(np.float32))


def measure(count, side, dimensions):
    """Microseconds of ``see``, part by part, and how many of them compared."""
    rng, bundle = np.random.default_rng(1), Normal(dimensions)
    settings = DriftSettings()
    drift = Drift("bench", settings, Alarms("bench", tell=lambda _: None, note=lambda *_: None), lambda: [bundle])
    picture = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    shown = Evidence(
        entry(score=0.0, threshold=THRESHOLD, bundle=bundle.digest),
        Frame(picture, 0.0, utc_now(), 0, "noise"),
        picture,
        Features(rng.standard_normal((1, dimensions)).astype(np.float32)),
    )
    seconds = np.empty(count)
    for number in range(count):
        began_s = time.perf_counter()
        drift.see(shown)
        seconds[number] = time.perf_counter() - began_s
    return figures_us(seconds, settings.window)


def figures_us(seconds, window):
    """Of parts that are only added up, and of those after which the window is compared."""
    microseconds = 1e6 * np.asarray(seconds)
    compares = np.arange(1, len(microseconds) + 1) % (window // 10) == 0
    compares[: window - 1] = False
    return {
        "count": len(microseconds),
        "adding": {f"p{each}": float(np.percentile(microseconds[~compares], each)) for each in (50, 99)},
        "comparing": {f"p{each}": float(np.percentile(microseconds[compares], each)) for each in (50, 99)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5000, help="parts; default 5000")
    parser.add_argument("--side", type=int, default=224, help="of the picture in pixels; default 224")
    parser.add_argument("--dimensions", type=int, default=864, help="of the features; default 864")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    figures = {"machine": machine(), **measure(arguments.count, arguments.side, arguments.dimensions)}
    for what in ("adding", "comparing"):
        print(f"{what}: {figures[what]['p50']:.0f} µs, 99 of 100 below {figures[what]['p99']:.0f} µs")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
