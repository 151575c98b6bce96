"""Triggers and commands that nobody would send, by the hundred thousand, to a station's real ears.

    python -m tests.faults.fuzz [--count 200000] [--seed 1]

Good messages are damaged at random: bytes flipped, cut or doubled, keys and values exchanged for others. Nothing may
raise, no trigger may get two answers, and none a PASS, since nobody judges. Exit status 1 where one does.
"""

import argparse
import json
import logging
import random
import sys
from collections import Counter

from tests.inspector.test_control import Scene

KEYS = ["id", "part_id", "deadline_ms", "recipe", "command", "by", "alarm", "colour", ""]
VALUES = [
    "t1",
    "t2",
    "lid",
    "lead",
    "pause",
    "resume",
    "acknowledge",
    "reset",
    "set-recipe",
    "camera_lost",
    "",
    "\0",
    "\ud800",
]
VALUES += ["x" * 201, None, True, 0, -1, 250, 1e308, float("nan"), float("inf"), [], {}, [[]], {"id": "t1"}, 10**40]
AT_ONCE = 50
"""Messages to one station, so that they meet each other."""


def message(rng):
    """A payload: a good or an odd object, three times in ten damaged as bytes too."""
    said = {"id": f"t{rng.randrange(20)}", "part_id": rng.choice(["p", "q"])}
    if rng.random() < 0.5:
        said |= {"command": rng.choice(VALUES[4:9]), "by": "anna"}
        del said["part_id"]
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        said[rng.choice(KEYS)] = rng.choice(VALUES)
    payload = json.dumps(said).encode()
    return damaged(payload, rng) if rng.random() < 0.3 else payload


def damaged(payload, rng):
    """Some bytes flipped, the rest cut off, or a part of it once more."""
    changed = bytearray(payload)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(3):
            case 0:
                changed[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[place:]
            case 2:
                changed[place:place] = changed[: rng.randrange(20)]
    return bytes(changed)


def fuzz(count, seed):
    """How many messages were answered how; raises AssertionError where the contract is broken."""
    rng = random.Random(seed)
    said = Counter()
    for _ in range(0, count, AT_ONCE):
        scene = Scene()
        for _ in range(AT_ONCE):
            kind = rng.choice(["trigger", "command"])
            getattr(scene, kind)(message(rng))
            said[kind] += 1
        answers = {}
        for answer, trigger in scene.link.answers:
            assert answer.outcome == "ERROR", answer
            said[str(answer.reason)] += 1
            if answer.reason != "duplicate_trigger":
                answers.setdefault(trigger.id, set()).add(answer.model_dump_json())
        assert all(len(each) == 1 for each in answers.values()), answers
        taken = {each.id for each in scene.link.acknowledged}
        assert not taken & answers.keys(), taken
        said["acknowledged"] += len(taken)
        said["commands carried out"] += sum(reply.accepted for reply, _ in scene.link.replies)
    return said


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    logging.disable()
    try:
        print(json.dumps(fuzz(arguments.count, arguments.seed), indent=1))
    finally:
        logging.disable(logging.NOTSET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
