"""Pixels to features with ONNX Runtime on the CPU."""

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from inspector.errors import BundleError
from inspector.inspection import Features

INPUT: Final = "pictures"
"""(n, height, width, 3) uint8 RGB: everything but resizing happens inside the graph."""

EMBEDDING: Final = "embedding"
"""(n, d) float32, each row of length 1."""

POOLED: Final = "pooled"
"""(n, p) float32, each row of length 1."""

PATCHES: Final = "patches"
"""(n, rows, columns, c) float32."""


class OnnxEmbedder:
    """The bundle's graph in ONNX Runtime. ``threads`` is how many cores one call may use; 0 is all of them."""

    def __init__(self, model: Path, threads: int = 0) -> None:
        # Nothing of a factory leaves it.
        ort.disable_telemetry_events()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # A spinning pool would starve the other stations between two frames.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise BundleError(f"{model}: ONNX Runtime cannot load it: {error}") from error
        _, height, width, _ = self._session.get_inputs()[0].shape
        self.input_size: tuple[int, int] = (height, width)

    def embed(self, pictures: NDArray[np.uint8]) -> Features:
        """(n, height, width, 3) uint8 RGB at ``input_size`` to their features."""
        embedding, pooled, patches = self._session.run([EMBEDDING, POOLED, PATCHES], {INPUT: pictures})
        return Features(embedding=embedding, pooled=pooled, patches=patches)
