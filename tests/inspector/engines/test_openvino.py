import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from inspector.bundle import MODEL
from inspector.cores import usable_cores
from inspector.engines import Engine
from inspector.errors import ConfigError
from tests.requirements import needs

ROOT = Path(__file__).parents[3]

PROGRAM = """
import os, sys
from pathlib import Path
import numpy as np
from inspector.engines import Engine

OUTWARD = ("socket.", "subprocess.", "os.fork", "os.posix_spawn", "urllib.")
TASKS = Path("/proc/self/task")

sys.addaudithook(lambda event, _: print(event) if event.startswith(OUTWARD) else None)
before = set(TASKS.iterdir())
embedder = Engine("openvino", threads=1, cores=(int(sys.argv[2]),)).open(Path(sys.argv[1]))
embedder.embed(np.zeros((1, *embedder.input_size, 3), np.uint8))
for task in set(TASKS.iterdir()) - before:
    print(*(line for line in (task / "status").read_text().splitlines() if line.startswith("Cpus_allowed_list")))
"""

SIGNALLED = """
import gc, os, signal, sys
from pathlib import Path
from inspector.engines import Engine

signal.signal(signal.SIGTERM, lambda *_: print("asked to stop"))
embedders = [Engine("openvino", threads=1).open(Path(sys.argv[1])) for _ in range(2)]
while embedders:
    embedders.pop(0)
    gc.collect()
    os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.fixture(autouse=True)
def installed():
    needs(find_spec("openvino"), "OpenVINO (pip install 'line-inspector[openvino]')")


def test_it_tells_nobody_and_its_threads_stay_on_their_core(small_bundle, tmp_path):
    """In a process of its own that does not look like CI, where OpenVINO would be silent anyway."""
    core = str(usable_cores()[-1])
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM, small_bundle / MODEL, core]

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)

    assert set(done.stdout.splitlines()) == {f"Cpus_allowed_list:\t{core}"}
    assert list(tmp_path.iterdir()) == []


def test_a_signal_is_survived_after_engines_were_let_go(small_bundle):
    command = [sys.executable, "-c", SIGNALLED, small_bundle / MODEL]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["asked to stop"] * 2


def test_cores_that_it_could_not_keep_to_are_refused(small_bundle):
    with pytest.raises(ConfigError, match="cannot keep 2 threads on cores 0, 1"):
        Engine("openvino", threads=2, cores=(0, 1)).open(small_bundle / MODEL)


def test_where_it_is_missing_the_extra_is_named(small_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)

    with pytest.raises(ConfigError, match=r"pip install 'line-inspector\[openvino\]'"):
        Engine("openvino").open(small_bundle / MODEL)
