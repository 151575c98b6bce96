import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from inspector.cores import pinned, share_out, usable_cores

ROOT = Path(__file__).parents[2]

PROGRAM = """
import cv2, numpy, threadpoolctl
from inspector.cores import compute_in_the_calling_thread
compute_in_the_calling_thread()
print(cv2.getNumThreads(), *{pool["num_threads"] for pool in threadpoolctl.threadpool_info()})
"""


def test_there_is_a_core():
    assert set(usable_cores()) == os.sched_getaffinity(0)


FOUR = (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("claims", "usable", "shares"),
    [
        ([()], FOUR, [4]),
        ([(), ()], FOUR, [2, 2]),
        ([(), (), ()], FOUR, [1, 1, 1]),
        ([()] * 3, tuple(range(6)), [2, 2, 2]),
        ([()] * 8, FOUR, [1] * 8),
        ([(0,), ()], FOUR, [1, 3]),
        ([(0, 1), (2,), (), ()], (0, 1, 2, 3, 4, 5), [2, 1, 1, 1]),
        ([(0, 1), (0, 1)], FOUR, [1, 1]),
        ([FOUR, ()], FOUR, [2, 2]),
    ],
    ids=str,
)
def test_every_core_is_used_once_and_no_station_goes_without(claims, usable, shares):
    assert share_out(claims, usable) == shares


def test_a_pinned_thread_and_those_that_it_starts_stay_on_their_cores():
    core = usable_cores()[-1]
    seen = []

    with pinned((core,)):
        thread = Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
        thread.start()
        thread.join()
        seen.append(os.sched_getaffinity(0))

    assert seen == [{core}, {core}]
    assert os.sched_getaffinity(0) == set(usable_cores())


def test_without_cores_nothing_is_limited():
    with pinned(()):
        assert os.sched_getaffinity(0) == set(usable_cores())


def test_the_limit_is_lifted_after_a_failure_too():
    before = usable_cores()

    with pytest.raises(ZeroDivisionError), pinned(before[:1]):
        raise ZeroDivisionError

    assert usable_cores() == before


def test_numpy_and_opencv_start_no_threads():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["1", "1"]
