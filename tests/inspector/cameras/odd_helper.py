"""A helper process that needs the standard library alone, as the system's own Python would run it, and does odd things.

The order's settings say what: see ``ODDITIES``.
"""

import itertools
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "inspector" / "cameras"))

import wire

del sys.path[0]  # a test reads this file too, and would find our genicam in the place of the SDK

MONO8 = 0x01080001
HEIGHT, WIDTH = 3, 4


def shoot(helper, number):
    facts = {"exposed": True, "device_frame": number, "device_time_s": number / 10, "part_id": f"p{number}"}
    grid = (MONO8, HEIGHT, WIDTH, 0)
    helper.shot(bytes([number & 0xFF]) * (HEIGHT * WIDTH), grid=grid, monotonic_s=time.monotonic(), **facts)


def deliver(helper):
    helper.opened(free_running=True, fire=lambda: None)
    for number in itertools.count():
        if helper.closing.wait(0.005):
            return
        shoot(helper, number)
        helper.alive({"packets_lost": 2})


def when_fired(helper):
    numbers = itertools.count()
    helper.opened(free_running=False, fire=lambda: shoot(helper, next(numbers)))
    while not helper.closing.wait(0.005):
        helper.alive({})


def crash(helper):
    helper.opened(free_running=True, fire=lambda: None)
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(helper):
    helper.opened(free_running=True, fire=lambda: None)
    signal.pause()


def hang_on_opening(helper):
    signal.pause()


def lose(helper):
    helper.lost("there is no such camera")


def spoil(helper):
    helper.opened(free_running=True, fire=lambda: None)
    helper.refused("incomplete_frame", "half of it is missing")
    helper.closing.wait()


ODDITIES = {each.__name__: each for each in (deliver, when_fired, crash, hang, hang_on_opening, lose, spoil)}

if __name__ == "__main__":
    assert "numpy" not in sys.modules
    helper = wire.Helper(int(sys.argv[1]), int(sys.argv[2]))
    ODDITIES[helper.order["settings"]](helper)
