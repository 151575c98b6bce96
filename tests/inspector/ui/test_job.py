import json
import os
import sys
from pathlib import Path

import pytest

from inspector.errors import ConfigError
from inspector.ui.job import Job, Step
from tests.broker import wait_until

MADE = {
    "bundle": "/somewhere", "digest": "d" * 64, "name": "plates", "threshold": 2.5, "held_out_normals": 99,
    "anomaly_types": {"scratch": 5}, "gate": None, "promise": None, "seconds": 1.5,
}  # fmt: skip


@pytest.fixture
def begin():
    """Runs Python as the program; the job, and what it said when it ended."""
    jobs = []

    def started(code, longest_s=60):
        said = []
        job = Job([sys.executable, "-c", code], longest_s=longest_s, ended=said.append)
        jobs.append(job)
        return job, said

    yield started
    for job in jobs:
        job.stop()
        job.wait(20)


def ended(said):
    wait_until(lambda: said, "the end of the job")
    (status,) = said
    return status


def test_what_it_made_is_read_from_its_output(begin):
    job, said = begin(f"print('''{json.dumps(MADE)}''')")

    status = ended(said)

    assert status.step is Step.DONE
    assert (status.made.digest, status.made.anomaly_types) == ("d" * 64, {"scratch": 5})
    assert job.status == status


def test_its_progress_is_followed(begin):
    line = json.dumps({"step": "features", "done": 3, "of": 12})
    job, _ = begin(f"import sys, time; print('''{line}''', file=sys.stderr, flush=True); time.sleep(60)")

    wait_until(lambda: job.status.doing, "its progress")

    assert (job.status.step, job.status.doing, job.status.done, job.status.of) == (Step.RUNNING, "features", 3, 12)


def test_why_it_failed_is_what_it_said_last(begin):
    _, said = begin("import sys; print('{\"step\": 1}', file=sys.stderr); sys.exit('2 file(s) cannot be used')")

    status = ended(said)

    assert status.step is Step.FAILED
    assert status.said.endswith("2 file(s) cannot be used")


@pytest.mark.parametrize("output", ["", "[]", '{"digest": 3}'])
def test_an_output_that_is_none_is_a_failure(begin, output):
    _, said = begin(f"print('''{output}''')")

    assert ended(said).step is Step.FAILED


def test_much_output_on_both_sides_does_not_hang_it(begin):
    _, said = begin("import sys\nfor _ in range(20000): print('x' * 20); print('y' * 20, file=sys.stderr)")

    assert ended(said).step is Step.FAILED


def test_it_is_stopped_with_all_that_it_started(begin, tmp_path):
    child = tmp_path / "child"
    code = "import subprocess, sys, time\np = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    job, said = begin(f"{code}open({str(child)!r}, 'w').write(str(p.pid))\ntime.sleep(60)")
    wait_until(lambda: child.exists() and child.read_text(), "its child")

    job.stop()

    assert ended(said).step is Step.STOPPED
    wait_until(lambda: not alive(int(child.read_text())), "the end of its child")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_one_that_does_not_listen_is_killed(begin, monkeypatch):
    monkeypatch.setattr("inspector.ui.job.KILL_AFTER_S", 0.2)
    deaf = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    line = json.dumps({"step": "deaf", "done": 0, "of": 0})
    job, said = begin(f"{deaf}; print('{line}', file=sys.stderr, flush=True); time.sleep(60)")
    wait_until(lambda: job.status.doing, "its ears")

    job.stop()

    assert ended(said).step is Step.STOPPED


def test_what_takes_too_long_is_ended_and_says_so(begin):
    _, said = begin("import time; time.sleep(60)", longest_s=0.1)

    status = ended(said)

    assert status.step is Step.FAILED
    assert "took too long" in status.said


def test_it_gives_way_to_everything_else(begin):
    code = "import os, sys; print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), file=sys.stderr)"
    _, said = begin(f"import time; time.sleep(0.3); {code}; sys.exit(1)")

    assert ended(said).said == f"19 {os.SCHED_IDLE}"


def test_a_program_that_is_not_there_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigError, match=r"ui.training.command /nowhere/train cannot be started: No such file"):
        Job(["/nowhere/train"], longest_s=1, ended=lambda _: None)
