"""Cameras that lie, in front of a real daemon with two stations: what the stations say of it, and how soon.

    python -m tests.faults.cameras table [--json FILE] [--only WORD]
    python -m tests.faults.cameras random [--count 1000] [--seed 1] [--json FILE]

``table`` makes one fault after the other at the watched station and measures the time until it is said, the time to
the first verdict after it is over, verdicts given on frames of the fault, and what the neighbour notices. ``random``
breaks both stations at random, again and again, and then counts threads, file descriptors, memory and processes.
Exit status 1 when a verdict was given on a bad frame, the neighbour was disturbed, or something was left over.
"""

import argparse
import itertools
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from inspector.bench.report import machine
from inspector.checks.freshness import REMEMBERED
from tests.faults.hall import FROZEN_AFTER_S, NEIGHBOUR, RATE_HZ, READ_TIMEOUT_S, WATCHED, Hall, write_biscuit_bundle
from tests.gige_camera import PROGRAM, GigECamera
from tests.network_cameras import RtspCamera

LASTS_S = 3.0
"""A fault: long enough for every time-out to have come."""

CALM = REMEMBERED + 1
"""Verdicts before each fault: a simulator that is opened again begins with its first parts, which are known then."""

UNDER_WAY_S = 2 / RATE_HZ
"""A frame that was taken before a fault may still come."""

GARBAGE = 2
"""Descriptors of helpers' memory that the garbage collector may not have come to, however many faults there were."""

OLD_S = 10.0
"""A verdict on a frame that was taken so long ago is one on a stale frame, whenever it comes."""

ANY_PICTURE = {"size": False, "exposure": False, "least_sharpness": None}
"""For cameras that show other things than the bundle was trained on."""

WORDS = {
    "lose": "unplugged",
    "freeze": "gives no more pictures",
    "hang": "its native call hangs",
    "repeat": "gives the same picture again and again",
    "black": "lamp out, cap on",
    "white": "blown out",
    "blur": "out of focus",
    "size": "pictures of another size",
    "late": "pictures of a minute ago",
    "lose_packets": "packets lost, buffers incomplete",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """``begin`` and ``heal`` take the hall."""

    camera: str
    name: str
    begin: object
    heal: object


@dataclass(frozen=True, slots=True)
class Row:
    camera: str
    fault: str
    said_as: str
    noticed_s: float | None
    """From the beginning to the first word of it: a result, a state or an alarm."""
    recovered_s: float | None
    """From its end to the first verdict on a frame that was taken after it."""
    wrong_verdicts: int
    neighbour_errors: int
    neighbour_gap_s: float
    """The longest time without a verdict of the neighbour's."""

    @property
    def is_good(self):
        return (
            self.noticed_s is not None
            and self.recovered_s is not None
            and not self.wrong_verdicts + self.neighbour_errors
        )


def simulated(folder, bundle):
    """The faults of one hall, and the hall."""
    drills = [
        Fault("simulator", name, lambda hall, word=word: hall.drill(word), Hall.end_drill)
        for word, name in WORDS.items()
    ]
    helper = [
        Fault("helper process", "killed", lambda hall: hall.signal_helper(signal.SIGKILL), lambda _: None),
        Fault("helper process", "stopped", lambda hall: hall.signal_helper(signal.SIGSTOP), lambda _: None),
    ]
    return [*drills, *helper], Hall(folder, bundle)


@contextmanager
def halls(folder, bundle):
    """Every hall with its faults, one after the other."""
    with ExitStack() as opened:
        stream = opened.enter_context(RtspCamera())
        rtsp = {"kind": "opencv", "source": stream.url, "read_timeout_s": READ_TIMEOUT_S, "max_age_ms": 300}
        of_stream = [
            Fault("RTSP", "stalls, and then sends all at once", lambda _: stream.hold(), lambda _: stream.let_go()),
            Fault("RTSP", "connection cut", lambda _: stream.cut(), lambda _: None),
        ]
        made = [simulated(folder / "simulated", bundle), (of_stream, Hall(folder / "rtsp", bundle, rtsp, ANY_PICTURE))]
        if shutil.which(PROGRAM):
            gige = opened.enter_context(GigECamera())
            aravis = {"kind": "aravis", "address": gige.address, "read_timeout_s": READ_TIMEOUT_S}
            of_gige = [
                Fault("GigE Vision", "hangs", lambda _: gige.freeze(), lambda _: gige.thaw()),
                Fault("GigE Vision", "killed and switched on again", lambda _: gige.kill(), lambda _: gige.start()),
            ]
            made.append((of_gige, Hall(folder / "gige", bundle, aravis, ANY_PICTURE)))
        yield made


def observe(hall, fault):
    """Make the fault, let it last, end it, and wait until all is well."""
    hall.wait_for_verdicts(CALM)
    began_s, began_at_s = time.monotonic(), time.time()
    fault.begin(hall)
    time.sleep(LASTS_S)
    healed_s, healed_at_s = time.monotonic(), time.time()
    fault.heal(hall)
    hall.wait_for_verdicts()
    return row_of(hall.observer, fault, (began_s, began_at_s), (healed_s, healed_at_s))


def row_of(observer, fault, began, healed):
    (began_s, began_at_s), (healed_s, healed_at_s) = began, healed
    first_s, said_as = first_word(observer, began_s)
    again = observer.verdicts_after(WATCHED, began_at_s + UNDER_WAY_S if is_momentary(fault) else healed_at_s)
    since_s = began_s if is_momentary(fault) else healed_s
    beside = [each for each in observer.results[NEIGHBOUR] if each.arrived_s > began_s]
    moments_s = [began_s, *(each.arrived_s for each in beside if each.is_verdict)]
    return Row(
        fault.camera,
        fault.name,
        said_as,
        None if first_s is None else first_s - began_s,
        again[0].arrived_s - since_s if again else None,
        0 if is_momentary(fault) else wrong_verdicts(observer, began_at_s, healed_at_s),
        sum(not each.is_verdict for each in beside),
        max(later - earlier for earlier, later in itertools.pairwise(moments_s)),
    )


def is_momentary(fault):
    """Whether it is over as soon as it is made: what comes after it is good again."""
    return fault.name in {"killed", "connection cut", "stopped"}


def first_word(observer, began_s):
    """When the watched station first said that something is wrong, and what."""
    said = [(each.arrived_s, each.reason) for each in observer.results[WATCHED] if not each.is_verdict]
    said += [(at_s, state) for at_s, state in observer.states[WATCHED] if state == "camera_lost"]
    said += observer.alarms[WATCHED]
    return min(((at_s, what) for at_s, what in said if at_s > began_s), default=(None, ""))


def wrong_verdicts(observer, began_at_s, healed_at_s):
    """On frames that were taken during the fault, or long before they arrived."""
    return sum(
        each.is_verdict
        and (
            began_at_s + UNDER_WAY_S < each.captured_at_s < healed_at_s
            or each.arrived_at_s - each.captured_at_s > OLD_S
        )
        for each in observer.results[WATCHED]
        if each.arrived_at_s > began_at_s
    )


def table(arguments, folder, bundle):
    rows = []
    with halls(folder, bundle) as made:
        for faults, hall in made:
            chosen = [each for each in faults if arguments.only in f"{each.camera} {each.name}"]
            if chosen:
                with hall:
                    rows += [observe(hall, fault) for fault in chosen]
    drawn = Table(
        "camera", "fault", "said as", "noticed, s", "back, s", "wrong verdicts", "neighbour: ERROR", "longest gap, s"
    )
    for row in rows:
        noticed, back = (f"{each:.2f}" if each is not None else "never" for each in (row.noticed_s, row.recovered_s))
        drawn.add_row(row.camera, row.fault, row.said_as, noticed, back, str(row.wrong_verdicts),
                      str(row.neighbour_errors), f"{row.neighbour_gap_s:.2f}")  # fmt: skip
    Console(width=140).print(drawn)
    return {"rows": [asdict(row) for row in rows]}, all(row.is_good for row in rows)


def at_random(arguments, folder, bundle):
    """``count`` faults in a row, each at one of both stations."""
    rng = random.Random(arguments.seed)
    warm_up = min(50, arguments.count // 10)
    with Hall(folder / "random", bundle) as hall:
        for number in range(arguments.count + warm_up):
            if number == warm_up:
                hall.wait_for_verdicts()
                before = census(hall)
            strike(hall, rng)
        hall.wait_for_verdicts()
        time.sleep(2 * READ_TIMEOUT_S)  # for what is closed to have gone
        after = census(hall)
        told = {station: reasons(hall, station) for station in (WATCHED, NEIGHBOUR)}
    Console(width=140).print({"before": before, "after": after, "reasons": told})
    grown_mib = after["memory_mib"] - before["memory_mib"]
    spare = {"threads": 0, "descriptors": GARBAGE, "helpers": 0}
    is_good = grown_mib < 30 and all(after[name] <= before[name] + most for name, most in spare.items())
    return {"faults": arguments.count, "before": before, "after": after, "reasons": told}, is_good


def strike(hall, rng):
    """One fault, for a moment or for longer than the time-outs, and then perhaps a moment without."""
    station = rng.choice([WATCHED, NEIGHBOUR])
    kind = rng.choice([*WORDS, "kill", "stop"])
    if kind in {"kill", "stop"}:
        for helper in hall.helpers():  # none where the camera is lost already
            helper.send_signal(signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
    else:
        hall.drill(kind, station)
    time.sleep(rng.choice([0.1, 0.3, 1.5 * READ_TIMEOUT_S]))
    hall.end_drill(station)
    time.sleep(rng.choice([0.0, 0.2, 0.5]))
    assert hall.daemon.poll() is None, "the daemon ended"


def census(hall):
    """The least of several looks: a file that is being read is none that is left over."""
    looks = []
    for _ in range(10):
        time.sleep(0.1)
        looks.append(
            {
                "threads": hall.daemon.num_threads(),
                "descriptors": hall.daemon.num_fds(),
                "helpers": len(hall.helpers()),
                "memory_mib": round(hall.daemon.memory_info().rss / 2**20, 1),
                "started": hall.daemon.create_time(),
            }
        )
    return {name: min(look[name] for look in looks) for name in looks[0]}


def reasons(hall, station):
    told = {}
    for each in hall.observer.results[station]:
        told[each.reason or each.outcome] = told.get(each.reason or each.outcome, 0) + 1
    return dict(sorted(told.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("table", "random"))
    parser.add_argument("--count", type=int, default=1000, help="random faults; default 1000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="WORD", help="faults whose name holds the word")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "bundle")
        write_biscuit_bundle(bundle)
        figures, is_good = {"table": table, "random": at_random}[arguments.what](arguments, Path(folder), bundle)
    if arguments.json:
        settings = {"read_timeout_s": READ_TIMEOUT_S, "frozen_after_s": FROZEN_AFTER_S, "rate_hz": RATE_HZ}
        arguments.json.write_text(json.dumps({"machine": machine(), **settings, **figures}, indent=2))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
