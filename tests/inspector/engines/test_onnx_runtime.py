from pathlib import Path

import pytest

from inspector.bundle import MODEL
from inspector.cores import usable_cores
from inspector.engines import Engine, can_run
from inspector.engines.onnx_runtime import OnnxRuntime
from inspector.errors import ConfigError
from tests.parts import good_parts
from tests.requirements import needs

TASKS = Path("/proc/self/task")


def threads():
    return {int(task.name) for task in TASKS.iterdir()}


def allowed_cores(thread):
    (line,) = (
        text for text in (TASKS / str(thread) / "status").read_text().splitlines() if "Cpus_allowed_list" in text
    )
    return line.split()[1]


def test_its_threads_stay_on_their_cores(small_bundle):
    needs(len(usable_cores()) >= 2, "two cores")
    before, core = threads(), usable_cores()[-1]

    embedder = Engine(threads=2, cores=(core,)).open(small_bundle / MODEL)
    embedder.embed(good_parts(1))

    own = threads() - before
    assert own
    assert {allowed_cores(thread) for thread in own} == {str(core)}


def test_one_thread_needs_no_pool(small_bundle):
    before = threads()

    OnnxRuntime(small_bundle / MODEL, threads=1).embed(good_parts(1))

    assert len(threads() - before) <= 1


@pytest.mark.parametrize("kind", ["cuda", "tensorrt"])
def test_a_build_without_the_provider_says_which_wheel_has_it(kind, small_bundle):
    if can_run(kind):
        pytest.skip("onnxruntime-gpu is installed")

    with pytest.raises(ConfigError, match=r"built without .*ExecutionProvider; install onnxruntime-gpu\[cuda,cudnn\]"):
        Engine(kind).open(small_bundle / MODEL)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_onnx_runtime_silently_leaves_out_is_an_error(small_bundle, monkeypatch):
    """So it does where the driver or a library is missing: it would judge on the CPU, at another speed than asked."""
    monkeypatch.setattr("inspector.engines.onnx_runtime.providers", lambda: ["CUDAExecutionProvider"])

    with pytest.raises(ConfigError, match="driver or a library of CUDAExecutionProvider cannot be loaded"):
        Engine("cuda").open(small_bundle / MODEL)
