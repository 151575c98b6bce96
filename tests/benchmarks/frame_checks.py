"""What the checks of a frame cost, beside what is done with it anyhow: its conversion to RGB and its resizing.

python -m tests.benchmarks.frame_checks [--megapixels 2] [--count 200] [--json FILE]
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from inspector.bench.report import machine
from inspector.bundle import NormalsRecord
from inspector.bundle.normals import Spread
from inspector.cameras.pixel_formats import CODES, Grid, rgb_of
from inspector.checks import CheckSettings, Freshness, PictureCheck
from inspector.pictures import resize

INPUT = 224


def stages(megapixels):
    """Each stage by name, of a frame whose pixels are never the same."""
    height = int((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = height * 4 // 3
    raw = np.random.default_rng(0).integers(0, 255, height * width * 3, np.uint8)
    grid = Grid(CODES["BGR8"], height, width)
    rgb = rgb_of(raw, grid)
    small = resize(rgb, INPUT, INPUT)
    spread = Spread.of(np.array([1.0, 250.0], np.float32))
    normals = NormalsRecord(pictures=2, picture_size=(height, width), score=spread, brightness=spread, sharpness=spread)
    freshness, check = Freshness("bench", CheckSettings()), PictureCheck(CheckSettings(), normals)

    def repetition():
        rgb[0, 0] += 1
        assert freshness.is_new(rgb)

    def picture():
        assert check.fault(rgb, small) is None

    return {
        "conversion to RGB": lambda: rgb_of(raw, grid),
        "resizing": lambda: resize(rgb, INPUT, INPUT),
        "check: repeated": repetition,
        "check: size, exposure, sharpness": picture,
    }


def measure(stage, count):
    """Milliseconds of each run."""
    stage()
    times_ms = []
    for _ in range(count):
        started_s = time.perf_counter()
        stage()
        times_ms.append((time.perf_counter() - started_s) * 1000)
    return {"p50": statistics.median(times_ms), "p99": statistics.quantiles(times_ms, n=100)[98]}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=2.0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args(argv)
    figures = {name: measure(stage, arguments.count) for name, stage in stages(arguments.megapixels).items()}
    table = Table("stage", "p50, ms", "p99, ms", title=f"a frame of {arguments.megapixels:g} megapixels")
    for name, times_ms in figures.items():
        table.add_row(name, f"{times_ms['p50']:.2f}", f"{times_ms['p99']:.2f}")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "megapixels": arguments.megapixels, "ms": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
