import json
import os
import time
from collections import Counter
from threading import Event

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from inspector.alarms import Alarms
from inspector.commands import Commands
from inspector.control import Control
from inspector.desk import Desk
from inspector.errors import BundleError
from inspector.inspection import Outcome, Reason, StationState
from inspector.plc import LARGEST_MESSAGE, ReplyTo
from inspector.records.memory import MemoryRecord
from inspector.reporting import Reporter
from inspector.tally import Tally
from tests.broker import wait_until
from tests.entries import entry
from tests.fakes import RememberingLink

HERE = ReplyTo("plc/answers", b"7")


class NotingRecord(MemoryRecord):
    def __init__(self):
        super().__init__("press-1")
        self.notes = []

    def note(self, kind, payload):
        self.notes.append((kind, payload))


class Scene:
    """A control among real parts; the station is a stand-in that only refuses."""

    name = "press-1"
    state = StationState.RUNNING
    digest = "d" * 64

    def __init__(self):
        self.link, self.record = RememberingLink(), NotingRecord()
        self.desk = Desk(queue_size=2, recipes=["lid"])
        self.desk.open(Reason.NOT_READY)
        self.reporter = Reporter(self.name, sinks={"link": self.link}, record=self.record, desk=self.desk)
        self.alarms = Alarms(self.name, tell=self.link.alarm, note=self.record.note)
        self.did = []
        self.reloading = Event()
        self.reload_error = None
        self.commands = Commands(
            self, alarms=self.alarms, note=self.reporter.note, tally=Tally(), ready=lambda: self.desk.ready
        )
        self.control = Control(
            self.name,
            desk=self.desk,
            reporter=self.reporter,
            commands=self.commands,
            links=[self.link],
            refuse=self.refuse,
            deadline_s=0.5,
        )

    def refuse(self, trigger, reason):
        answer = entry(trigger_id=trigger.id, part_id=trigger.part_id, outcome=Outcome.ERROR, reason=reason)
        self.reporter.answer(answer, trigger)

    def pause(self):
        self.did.append("pause")

    def resume(self):
        self.did.append("resume")

    def set_recipe(self, recipe):
        if recipe not in {None, "lid"}:
            raise KeyError(recipe)
        self.did.append(recipe)

    def reload(self):
        assert self.reloading.wait(20)
        if self.reload_error:
            raise self.reload_error
        return "read again"

    def trigger(self, payload, reply_to=HERE):
        self.control.trigger(as_bytes(payload), time.monotonic(), reply_to)

    def command(self, payload, reply_to=HERE):
        self.control.command(as_bytes(payload), reply_to)
        return self.link.replies[-1][0] if self.link.replies else None


def as_bytes(payload):
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


@pytest.fixture
def scene():
    return Scene()


def test_a_trigger_is_taken_and_acknowledged_with_its_own_deadline(scene):
    scene.trigger({"id": "t1", "part_id": "lid-1", "deadline_ms": 250, "recipe": "lid"})

    (trigger,) = scene.link.acknowledged
    assert trigger == scene.desk.take(0)
    assert (trigger.id, trigger.part_id, trigger.recipe, trigger.reply_to) == ("t1", "lid-1", "lid", HERE)
    assert trigger.deadline_s - trigger.received_s == pytest.approx(0.25)


def test_without_an_id_the_part_names_the_trigger_and_the_station_its_deadline(scene):
    scene.trigger({"part_id": "lid-1"})

    (trigger,) = scene.link.acknowledged
    assert (trigger.id, trigger.deadline_s - trigger.received_s) == ("lid-1", pytest.approx(0.5))


@pytest.mark.parametrize(
    "payload",
    [
        {"id": "t1", "deadline_ms": "250"},
        {"id": "t1", "deadline_ms": -1},
        {"id": "t1", "deadline_ms": 1e12},
        {"id": "t1", "colour": "red"},
        {"id": "t1", "part_id": ""},
        {"id": "t1", "recipe": 7},
        {"part_id": "t1", "id": 7},
        b'{"id": "t1", "deadline_ms": NaN}',
    ],
)
def test_a_trigger_with_a_mistake_and_a_name_is_answered_error(scene, payload):
    scene.trigger(payload)

    ((answer, trigger),) = scene.link.answers
    assert (answer.outcome, answer.reason, answer.trigger_id) == (Outcome.ERROR, "bad_trigger", "t1")
    assert trigger.reply_to == HERE
    assert scene.link.inspections == [answer]


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xfe", b"[1]", b"null", {}, {"id": ""}, {"id": "x" * 201}, b"[" * 5000, b'{"id": "\\ud800"}']
)
def test_a_trigger_without_a_name_is_nobodys(scene, payload, caplog):
    scene.trigger(payload)

    assert (scene.link.answers, scene.link.acknowledged, scene.link.inspections) == ([], [], [])
    assert "a trigger was refused" in caplog.text


def test_a_message_that_is_too_large_is_not_read(scene, caplog):
    scene.command(b'{"id": "' + b"x" * LARGEST_MESSAGE + b'"}')

    assert "bytes are too many" in caplog.text
    assert not scene.link.replies[-1][0].accepted


def test_an_answered_trigger_is_answered_again_without_another_result(scene):
    scene.trigger({"id": "t1", "recipe": "none"})
    scene.trigger({"id": "t1", "recipe": "none"})

    (first, _), (second, _) = scene.link.answers
    assert first == second
    assert len(scene.link.inspections) == 1


def test_commands_are_carried_out_replied_to_and_audited(scene):
    for number, command in enumerate(("pause", "resume")):
        reply = scene.command({"id": str(number), "command": command, "by": "anna"})
        assert (reply.accepted, reply.command, reply.by, reply.id) == (True, command, "anna", str(number))

    assert scene.did == ["pause", "resume"]
    assert [kind for kind, _ in scene.record.notes] == ["command", "command"]
    assert {**scene.record.notes[0][1]}.items() >= {"command": "pause", "by": "anna", "accepted": True}.items()


def test_a_redelivered_command_is_replied_to_and_not_done_again(scene):
    command = {"id": "1", "command": "pause", "by": "anna"}
    assert scene.command(command) == scene.command(command)
    other = scene.command({"id": "1", "command": "resume", "by": "anna"})

    assert scene.did == ["pause"]
    assert not other.accepted
    assert "was another command, pause by anna" in other.message


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"id": "1", "command": "explode", "by": "anna"}, "command: Input should be 'pause'"),
        ({"id": "1", "command": "pause"}, "by: Field required"),
        ({"id": "1", "command": "acknowledge", "by": "a", "alarm": "camera_lost"}, "camera_lost is not active"),
        (
            {"id": "1", "command": "reset", "by": "a", "alarm": "nonsense"},
            "there is no alarm nonsense; there are camera",
        ),
        ({"id": "1", "command": "set-recipe", "by": "a", "recipe": "none"}, "there is no recipe none"),
        (b"\x00", "Invalid JSON"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(scene, message, says):
    reply = scene.command(message)

    assert not reply.accepted
    assert says in reply.message
    assert scene.did == []


def test_the_recipe_is_set(scene):
    assert scene.command({"id": "1", "command": "set-recipe", "by": "a", "recipe": "lid"}).accepted
    assert scene.command({"id": "2", "command": "set-recipe", "by": "a", "recipe": None}).accepted

    assert scene.did == ["lid", None]


def test_a_look_at_the_status_leaves_no_trace(scene):
    reply = scene.command({"id": "1", "command": "status", "by": "anna"})

    assert (reply.accepted, reply.status.state, reply.status.ready) == (True, "running", True)
    assert reply.status.verdicts == {"PASS": 0, "FAIL": 0, "ERROR": 0}
    assert reply.status.model is None
    assert scene.record.notes == []


@pytest.mark.parametrize("command", ["deploy", "rollback"])
def test_without_a_store_no_model_can_be_deployed(scene, command):
    scene.command({"id": "1", "command": command, "by": "anna", "bundle": "cells"})
    wait_until(lambda: scene.link.replies, "the reply")

    ((reply, _),) = scene.link.replies
    assert not reply.accepted
    assert "models: {folder: …}" in reply.message


@pytest.mark.parametrize("error", [None, BundleError("model.onnx: damaged")])
def test_reloading_keeps_nobody_waiting_and_is_replied_to_when_it_is_done(scene, error):
    scene.reload_error = error
    command = {"id": "1", "command": "reload", "by": "anna"}
    scene.command(command)
    scene.command(command)  # redelivered while it is at work
    scene.trigger({"id": "t1"})
    assert (len(scene.link.acknowledged), scene.link.replies) == (1, [])
    scene.reloading.set()
    wait_until(lambda: scene.link.replies, "the reply")

    ((reply, reply_to),) = scene.link.replies
    assert (reply.accepted, reply.message) == ((False, str(error)) if error else (True, "read again"))
    assert reply_to == HERE


def test_alarms_are_acknowledged_and_reset_by_command(scene):
    scene.alarms.raise_("camera_lost", "unplugged")
    scene.alarms.relieve("camera_lost")
    assert scene.command({"id": "1", "command": "acknowledge", "by": "anna"}).message == "acknowledged: camera_lost"
    assert scene.command({"id": "2", "command": "reset", "by": "anna"}).message == "reset: camera_lost"

    assert [each.state for each in scene.link.alarms] == ["active", "acknowledged", "reset"]
    assert scene.link.alarms[-1].by == "anna"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["id", "part_id", "deadline_ms", "recipe", "command", "by", "alarm", "colour"])
COMMANDS = ["pause", "resume", "acknowledge", "reset", "set-recipe"]
SENSIBLE = st.sampled_from(["t1", "t2", "lid-1", "lid", *COMMANDS, 250, -1])
PAYLOADS = (
    st.binary(max_size=200)
    | st.dictionaries(KEYS, SENSIBLE | ANYTHING, max_size=6).map(lambda said: json.dumps(said).encode())
    | ANYTHING.map(lambda said: json.dumps(said).encode())
)


SENT = Counter()
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1500"))
"""Of up to eight messages each."""


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["trigger", "command"]), PAYLOADS), min_size=1, max_size=8))
def test_whatever_comes_in_nothing_breaks_and_no_trigger_gets_two_answers_or_a_pass(messages):
    scene = Scene()
    SENT["messages"] += len(messages)
    for kind, payload in messages:
        getattr(scene, kind)(payload)

    answers = {}
    for answer, trigger in scene.link.answers:
        assert answer.outcome is Outcome.ERROR
        if answer.reason != "duplicate_trigger":
            answers.setdefault(trigger.id, set()).add(answer.model_dump_json())
    assert all(len(each) == 1 for each in answers.values())
    taken = {each.id for each in scene.link.acknowledged}
    assert not taken & answers.keys()  # they are still in the queue
    assert sum(kind == "command" for kind, _ in messages) == len(scene.link.replies)


def test_the_fuzzer_has_sent_what_it_was_asked_to():
    assert SENT["messages"] >= EXAMPLES
