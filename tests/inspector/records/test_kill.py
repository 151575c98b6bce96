"""A daemon that is killed: a process of its own appends until it is."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.records.verify import verify
from tests.entries import open_record

ROOT = Path(__file__).parents[3]

APPENDING = """
import sys
from pathlib import Path

from tests.entries import entry, open_record

record = open_record(Path(sys.argv[1]), durability=sys.argv[2], keep_rows=int(sys.argv[3]))
while True:
    said = record.append(entry(trigger_id=sys.argv[4] + str(record._next_sequence)))
    record.note("command", {"number": said.sequence})
    print(said.sequence, said.trigger_id, flush=True)
    if said.sequence % 3 == 0:
        record.delivered("mqtt", [said.sequence])
        record.tend()
"""


def append_until_killed(folder, durability, keep_rows, rows, name):
    """Sequence and trigger of everything that append returned for, in a process that dies at any moment after."""
    process = subprocess.Popen(
        [sys.executable, "-c", APPENDING, folder, durability, str(keep_rows), name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = [process.stdout.readline() for _ in range(rows)]
    finally:
        process.kill()
    said += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    whole = [line.split() for line in said if line.endswith("\n")]
    return [(int(sequence), trigger_id) for sequence, trigger_id in whole]


@pytest.mark.parametrize("durability", ["process", "power"])
def test_whatever_append_returned_for_is_there_after_a_kill(tmp_path, file, durability):
    dice = random.Random(durability)
    said = []
    for life in range(5):
        said += append_until_killed(tmp_path, durability, 10**6, dice.randrange(1, 150), f"life-{life}-")
        report = verify(file)
        assert report.broken is None
        assert report.inspections >= len(said)

    record = open_record(tmp_path)
    try:
        kept = {each.sequence: each.trigger_id for each in map(record.answer_to, dict(said).values())}
        assert dict(said) == kept
        assert len(said) == len(dict(said))
        waiting = {sequence for sequence, _ in record.backlog("mqtt", limit=10**6)}
        assert waiting >= {sequence for sequence, _ in said if sequence % 3}
    finally:
        record.close()


def test_a_kill_while_rows_are_pruned_leaves_a_good_chain(tmp_path, file):
    dice = random.Random(6)
    for life in range(5):
        said = append_until_killed(tmp_path, "process", 40, dice.randrange(50, 200), f"life-{life}-")
        report = verify(file)
        assert report.broken is None
        assert report.last >= 2 * (said[-1][0] + 1) - 1
    assert report.pruned > 100
