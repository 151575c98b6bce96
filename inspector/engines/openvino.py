"""OpenVINO on the CPU. An extra: ``pip install 'line-inspector[openvino]'``."""

import sys
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.cores import Cores
from inspector.engines.graph import INPUT, OUTPUTS, features_of_each
from inspector.errors import BundleError, ConfigError
from inspector.inspection import Features, Floats


class OpenVino:
    """A graph compiled by OpenVINO for the least latency.

    ``threads``: how many cores one call may use. ``cores``: those that the thread that calls is kept on, if any. Raises
    ConfigError where OpenVINO is missing or cannot keep to the cores, BundleError for a file that is no graph.
    """

    def __init__(self, model: Path, threads: int, cores: Cores = ()) -> None:
        ov = _openvino()
        core = _core()
        if cores and threads > 1:
            raise ConfigError(
                f"OpenVINO cannot keep {threads} threads on cores {', '.join(map(str, cores))}: its pool serves all "
                "stations; name one core in cpu_affinity, set threads_per_station: 1, or take engine: onnxruntime"
            )
        try:
            graph = core.read_model(model)
            _, height, width, channels = (each.get_max_length() for each in graph.input(INPUT).partial_shape)
            graph.reshape({INPUT: [1, height, width, channels]})
            compiled = core.compile_model(graph, "CPU", _properties(ov, threads))
        except RuntimeError as error:
            raise BundleError(f"{model}: OpenVINO cannot load it: {error}") from error
        self.input_size: tuple[int, int] = (height, width)
        self._request = compiled.create_infer_request()
        self._outputs = [compiled.output(name) for name in OUTPUTS]
        # One request holds one set of buffers.
        self._turn = Lock()

    def embed(self, pictures: NDArray[np.uint8]) -> Features:
        """(n, height, width, 3) uint8 RGB at ``input_size`` to their features, in arrays of their own.

        C-contiguous pictures are read where they lie. Several threads may call at once; they take turns.
        """
        return features_of_each(pictures, self._infer)

    def _infer(self, picture: NDArray[np.uint8]) -> list[Floats]:
        with self._turn:
            results = self._request.infer({INPUT: picture}, share_inputs=True)
        return [results[output] for output in self._outputs]


def _openvino() -> Any:
    """The package, without the statistics that its import would send to Google Analytics, asking nobody."""
    # None is Python's way to say that there is no such package.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino  # noqa: PLC0415 - an extra, and only where it is asked for
    except ImportError as error:
        raise ConfigError(
            "engine openvino is not installed: pip install 'line-inspector[openvino]', or take engine: onnxruntime"
        ) from error
    return openvino


@cache
def _core() -> Any:
    """One for the whole life of the process.

    A core gives the thread that makes it another stack for signals (sigaltstack), and unmaps it in the end, where it
    may still be in use. The next signal, a SIGTERM say, would then be the death of the process.
    """
    return _openvino().Core()


def _properties(ov: Any, threads: int) -> dict[str, Any]:
    hint = ov.properties.hint
    return {
        hint.performance_mode(): hint.PerformanceMode.LATENCY,
        ov.properties.inference_num_threads(): threads,
        # It pins to cores of its own choice, and lifts the limit that the station's thread has.
        hint.enable_cpu_pinning(): False,
        # It would compute in bfloat16 where the processor can, and scores would differ from those of training.
        hint.inference_precision(): ov.Type.f32,
    }
