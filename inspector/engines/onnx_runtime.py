"""ONNX Runtime, on the CPU or on an NVIDIA GPU."""

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from inspector.engines.graph import COUNT, INPUT, OUTPUTS, features_of_each
from inspector.errors import BundleError, ConfigError
from inspector.inspection import Features, Floats

Provider = Literal["CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"]
"""What computes, by ONNX Runtime's own names."""

# TensorFloat-32 rounds to 10 bits, and scores would differ from those of training.
CUDA: Final = ("CUDAExecutionProvider", {"use_tf32": 0})

WITH_FALLBACK: Final[dict[Provider, list[tuple[str, dict[str, int]]]]] = {
    "CPUExecutionProvider": [("CPUExecutionProvider", {})],
    "CUDAExecutionProvider": [CUDA],
    "TensorrtExecutionProvider": [("TensorrtExecutionProvider", {}), CUDA],
}
"""Each with what takes over the layers that it cannot run."""

WHEELS: Final[dict[Provider, str]] = {
    "CPUExecutionProvider": "onnxruntime",
    "CUDAExecutionProvider": "onnxruntime-gpu[cuda,cudnn] in the place of onnxruntime",
    "TensorrtExecutionProvider": "onnxruntime-gpu[cuda,cudnn] in the place of onnxruntime, and tensorrt",
}


class OnnxRuntime:
    """A graph in ONNX Runtime. Its threads do not spin, and stay on the cores of the thread that makes it.

    ``threads``: how many cores one call may use. Raises ConfigError where this machine lacks the ``provider``,
    BundleError for a file that is no graph.
    """

    def __init__(self, model: Path, threads: int, provider: Provider = "CPUExecutionProvider") -> None:
        import onnxruntime as ort  # noqa: PLC0415 - takes a while, and not every command runs a network

        # Nothing of a factory leaves it.
        ort.disable_telemetry_events()
        if provider not in providers():
            raise _missing(provider, f"the onnxruntime that is installed is built without {provider}")
        if provider != "CPUExecutionProvider":
            ort.preload_dlls()
        try:
            self._session = ort.InferenceSession(model, _options(ort, threads), providers=WITH_FALLBACK[provider])
        except Exception as error:  # ONNX Runtime's exceptions share no public base class
            raise BundleError(f"{model}: ONNX Runtime cannot load it: {error}") from error
        # It takes the CPU instead without an error.
        if provider not in self._session.get_providers():
            raise _missing(provider, f"the GPU's driver or a library of {provider} cannot be loaded")
        self._session.disable_fallback()
        _, height, width, _ = self._session.get_inputs()[0].shape
        self.input_size: tuple[int, int] = (height, width)

    def embed(self, pictures: NDArray[np.uint8]) -> Features:
        """(n, height, width, 3) uint8 RGB at ``input_size`` to their features, in arrays of their own.

        C-contiguous pictures are read where they lie. Several threads may call at once.
        """
        return features_of_each(pictures, self._infer)

    def _infer(self, picture: NDArray[np.uint8]) -> list[Floats]:
        outputs: list[Floats] = self._session.run(OUTPUTS, {INPUT: picture})
        return outputs


def providers() -> list[str]:
    """What the installed ONNX Runtime is built for."""
    import onnxruntime as ort  # noqa: PLC0415 - as above

    names: list[str] = ort.get_available_providers()
    return names


def _options(ort: Any, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_free_dimension_override_by_name(COUNT, 1)
    # A pool that spins would starve the other stations between two frames.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _missing(provider: Provider, why: str) -> ConfigError:
    return ConfigError(f"{why}; install {WHEELS[provider]}, or take engine: onnxruntime")
