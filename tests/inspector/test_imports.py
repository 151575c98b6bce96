"""A start takes as long as what it imports: nothing comes along that the command at hand does not use."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NOT_FOR_THE_DAEMON = {
    "torch",
    "sklearn",
    "scipy",
    "pytorch_lightning",
    "timm",
    "matplotlib",
    "pandas",
    "onnx",
    "training",
}
NETWORKS = {"onnxruntime", "openvino", "openvino_telemetry"}
SERVERS = {"prometheus_client", "paho", "ssl", "asyncio", "http"}
TABLES = {"rich"}

FORBIDDEN = {
    "inspector": NOT_FOR_THE_DAEMON | NETWORKS | SERVERS | TABLES | {"numpy", "cv2", "pydantic", "yaml"},
    "inspector.bundle": NOT_FOR_THE_DAEMON | NETWORKS | SERVERS | TABLES,
    "inspector.sinks": NOT_FOR_THE_DAEMON | NETWORKS | TABLES | {"google"},
    "inspector.cli": NOT_FOR_THE_DAEMON | NETWORKS | TABLES,
}


@pytest.mark.parametrize("module", FORBIDDEN)
def test_an_import_brings_nothing_that_is_not_needed(module):
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert "inspector" in loaded
    assert loaded & FORBIDDEN[module] == set()
