"""The visible list of engines. To add one: one file, one name here, one example in the contract tests."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from inspector.cores import Cores, pinned, usable_cores
from inspector.engines.onnx_runtime import OnnxRuntime, Provider, providers
from inspector.engines.openvino import OpenVino
from inspector.inspection import Embedder

EngineKind = Literal["onnxruntime", "openvino", "cuda", "tensorrt"]

Precision = Literal["float32", "int8"]
"""Which of the bundle's two graphs runs."""

PROVIDERS: Final[dict[EngineKind, Provider]] = {
    "onnxruntime": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
PACKAGES: Final = ("onnxruntime", "onnxruntime-gpu", "openvino")


@dataclass(frozen=True, slots=True)
class Engine:
    """How a bundle's network is run.

    ``threads``: how many cores one call may use, 0 is all that there are. ``cores``: those that these threads stay on,
    if any are named.
    """

    kind: EngineKind = "onnxruntime"
    precision: Precision = "float32"
    threads: int = 0
    cores: Cores = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.precision}"

    def open(self, model: Path) -> Embedder:
        """The graph in the file ``model``, ready to run.

        Raises ConfigError where this machine lacks the engine, BundleError for a file that is no graph.
        """
        threads = self.threads or len(self.cores or usable_cores())
        with pinned(self.cores):
            if self.kind == "openvino":
                return OpenVino(model, threads, self.cores)
            return OnnxRuntime(model, threads, PROVIDERS[self.kind])


DEFAULT: Final = Engine()


def can_run(kind: EngineKind) -> bool:
    """Whether the engine's software is installed; a GPU may still be missing."""
    return find_spec("openvino") is not None if kind == "openvino" else PROVIDERS[kind] in providers()


def installed() -> dict[str, str]:
    """The version of each engine's package that is installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
