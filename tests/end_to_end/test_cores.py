"""Stations that were given cores of their own, seen from outside of the daemon."""

import json
from collections import Counter
from pathlib import Path

from inspector.cores import usable_cores
from tests.broker import wait_until
from tests.end_to_end.line import Line
from tests.parts import good_parts, write_parts
from tests.requirements import needs


def test_each_stations_threads_stay_on_its_cores(tmp_path, small_bundle):
    needs(len(usable_cores()) >= 2, "two cores")
    first, second = (str(core) for core in usable_cores()[:2])
    for name in ("press-1", "press-2"):
        write_parts(tmp_path / name, good_parts(1))
    line = Line(tmp_path, 1, small_bundle, tmp_path / "press-1", tmp_path / "press-2")
    text = line.config.read_text().replace("{kind: mqtt, port: 1}", "{kind: log}")
    for name, core in (("press-1", first), ("press-2", second)):
        text = text.replace(f"name: {name}\n", f"name: {name}\n    cpu_affinity: [{core}]\n")
    line.config.write_text(text + "threads_per_station: 2\n")

    with line:
        wait_until(lambda: judged(line) == {"press-1", "press-2"}, "a verdict of each station")
        allowed = Counter(map(allowed_cores, Path(f"/proc/{line.process.pid}/task").iterdir()))

    # The station's own thread, and the second one of its network.
    assert allowed[first] >= 2
    assert allowed[second] >= 2


def judged(line):
    entries = map(json.loads, line.log.read_text().splitlines())
    return {entry["inspection"]["station"] for entry in entries if "inspection" in entry}


def allowed_cores(task):
    status = dict(line.split(":\t") for line in (task / "status").read_text().splitlines())
    return status["Cpus_allowed_list"]
