"""Our bundles, timed and asked for scores: one end of the conversation that anomalib_speed.py speaks at the other.

Each line of standard input is a question, one JSON object whose ``do`` is ``about``, ``load``, ``time`` or ``score``;
each answer is one line ``{"answer": …}``. The number of threads is the only argument. Until it is asked, a worker
sleeps in its read, so that two of them can take turns on the same cores.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from inspector.bundle import Bundle, read_bundle
from inspector.cores import compute_in_the_calling_thread
from inspector.engines import Engine, EngineKind, Precision, can_run, installed
from inspector.heatmap import enlarge
from inspector.inspection import Floats, Pixels
from inspector.pictures import read_picture

ENGINES: Final[tuple[EngineKind, ...]] = ("onnxruntime", "openvino")

WARM_UP: Final = 2
"""Pictures before each turn that are not timed: the other worker has had the caches meanwhile."""


class Model:
    """One bundle in one engine, and the pictures that it is timed on."""

    def __init__(self, bundle: Bundle, pictures: Path) -> None:
        self._bundle = bundle
        self._room = np.empty((*bundle.manifest.input_size, 3), np.uint8)
        self._pictures = np.load(pictures)
        self._prepared = np.stack([bundle.prepare(pixels) for pixels in self._pictures])

    def times(self, stage: str, rows: Sequence[int], limit_s: float) -> list[float]:
        """Seconds for each of these pictures, for the first few of them once the limit has passed."""
        rows = [row % len(self._pictures) for row in rows]
        one: Callable[[int], object] = {"network": self._network, "verdict": self._verdict, "map": self._map}[stage]
        for row in rows[:WARM_UP]:
            one(row)
        taken: list[float] = []
        for row in rows:
            started_s = time.perf_counter()
            one(row)
            taken.append(time.perf_counter() - started_s)
            if sum(taken) > limit_s and len(taken) > 1:
                break
        return taken

    def score(self, pixels: Pixels) -> float | None:
        """As the daemon has it: None where it is not a number."""
        (said,) = self._bundle.judge(self._bundle.embedder.embed(self._prepare(pixels)))
        return said.score

    def _network(self, row: int) -> object:
        return self._bundle.embedder.embed(self._prepared[row : row + 1])

    def _verdict(self, row: int) -> object:
        return self._bundle.judge(self._bundle.embedder.embed(self._prepare(self._pictures[row])))

    def _map(self, row: int) -> tuple[object, Floats | None]:
        pixels = self._pictures[row]
        features = self._bundle.embedder.embed(self._prepare(pixels))
        said, maps = self._bundle.judge(features), self._bundle.heat_map(features)
        return said, None if maps is None else enlarge(maps[0], *pixels.shape[:2])

    def _prepare(self, pixels: Pixels) -> Pixels:
        return self._bundle.prepare(pixels, out=self._room)[None]


class Worker:
    """What it can be asked, by the names of its methods."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._models: dict[str, Model] = {}

    def about(self) -> dict[str, Any]:
        """The engines that are installed, and their versions."""
        return {"engines": [kind for kind in ENGINES if can_run(kind)], "versions": installed()}

    def load(self, model: str, file: str, engine: str, precision: str, pictures: str) -> None:
        """Read the bundle ``file``, to be called ``model`` from now on."""
        wanted = Engine(cast("EngineKind", engine), cast("Precision", precision), self._threads)
        self._models[model] = Model(read_bundle(Path(file), wanted), Path(pictures))

    def time(self, model: str, stage: str, rows: list[int], limit_s: float) -> list[float]:
        """Seconds of a stage: the ``network`` alone, to the ``verdict``, or to verdict and heat ``map``."""
        return self._models[model].times(stage, rows, limit_s)

    def score(self, model: str, files: list[str]) -> list[float | None]:
        """The scores of picture files."""
        return [self._models[model].score(read_picture(Path(file))) for file in files]


def main() -> None:
    """Answer until standard input ends."""
    compute_in_the_calling_thread()  # as the daemon does
    worker = Worker(int(sys.argv[1]))
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps({"answer": getattr(worker, question.pop("do"))(**question)}), flush=True)


if __name__ == "__main__":
    main()
