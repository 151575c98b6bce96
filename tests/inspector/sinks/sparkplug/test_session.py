"""Chapters 2 and 5 of the specification: how a session of an edge node begins, goes on and ends."""

from itertools import pairwise

import pytest

from tests.inspector.sinks.sparkplug.assertions import Assertions, decode, messages, one, value

asserts = Assertions()


def wills(story):
    return [each.packet.will for each in story.of("CONNECT")]


def birth_numbers(story):
    """bdSeq of each CONNECT's last will, as it was sent."""
    return [value(decode(each.payload).metrics[0]) for each in wills(story)]


@asserts("principles-rbe-recommended", "operational-behavior-data-publish-dbirth-change")
def one_message_a_verdict(shift):
    identities = [value(each.by_name["id"]) for each in messages(shift, "DDATA")]
    assert len(set(identities)) == len(identities)


@asserts("operational-behavior-data-publish-nbirth-change")
def one_message_a_state(shift):
    states = [value(each.by_name["state"]) for each in messages(shift, "NDATA")]
    assert states == ["running", "camera_lost", "running", "stopped"]


@asserts("principles-birth-certificates-order", "message-flow-edge-node-birth-publish-connect")
def births_come_first(shift):
    for connection in (1, 2):
        kinds = [each.packet.kind for each in shift.events if each.connection == connection]
        assert kinds.index("CONNECT") < kinds.index("SUBSCRIBE") < kinds.index("PUBLISH")
        assert next(each for each in messages(shift) if each.connection == connection).kind == "NBIRTH"


@asserts("principles-persistence-clean-session-50")
def clean_start(shift):
    connects = [each.packet for each in shift.of("CONNECT")]
    assert [(each.version, each.clean, each.session_expiry_s) for each in connects] == [(5, True, 0)] * 2


@asserts("message-flow-edge-node-birth-publish-will-message", "message-flow-edge-node-birth-publish-will-message-topic")
def will_topic(shift):
    assert [each.topic for each in wills(shift)] == ["spBv1.0/inspector/NDEATH/press-1"] * 2


@asserts("message-flow-edge-node-birth-publish-will-message-payload")
def will_payload(shift):
    for each in wills(shift):
        (metric,) = decode(each.payload).metrics
        assert (metric.name, metric.datatype) == ("bdSeq", 4)


@asserts("message-flow-edge-node-birth-publish-will-message-payload-bdSeq", "topics-nbirth-bdseq-increment")
def birth_numbers_rise(shift):
    assert birth_numbers(shift) == [0, 1]


@asserts(
    "message-flow-edge-node-birth-publish-will-message-qos",
    "message-flow-edge-node-birth-publish-will-message-will-retained",
    "payloads-ndeath-will-message",
    "payloads-ndeath-will-message-qos",
    "payloads-ndeath-will-message-retain",
)
def will_quality(shift):
    assert [(each.qos, each.retain) for each in wills(shift)] == [(1, False)] * 2


@asserts(
    "topics-nbirth-bdseq-matching",
    "message-flow-edge-node-birth-publish-nbirth-payload-bdSeq",
    "payloads-nbirth-bdseq",
    "payloads-nbirth-bdseq-repeat",
    "payloads-ndeath-bdseq",
)
def birth_and_will_match(shift):
    for each in messages(shift, "NBIRTH", "NDEATH"):
        metric = each.by_name["bdSeq"]
        assert (metric.datatype, value(metric)) == (4, birth_numbers(shift)[each.connection - 1])


@asserts("message-flow-edge-node-birth-publish-nbirth-topic")
def nbirth_topic(shift):
    assert one(shift, "NBIRTH").topic == "spBv1.0/inspector/NBIRTH/press-1"


@asserts("message-flow-edge-node-birth-publish-nbirth-payload", "message-flow-device-birth-publish-dbirth-payload")
def births_are_payloads(shift):
    assert all(each.metrics for each in messages(shift, "NBIRTH", "DBIRTH"))


@asserts(
    "message-flow-edge-node-birth-publish-nbirth-qos",
    "message-flow-edge-node-birth-publish-nbirth-retained",
    "message-flow-device-birth-publish-dbirth-qos",
    "message-flow-device-birth-publish-dbirth-retained",
)
def births_quality(shift):
    assert {(each.qos, each.retain) for each in messages(shift, "NBIRTH", "DBIRTH")} == {(0, False)}


@asserts("message-flow-edge-node-birth-publish-nbirth-payload-seq")
def nbirth_seq(shift):
    assert {each.seq for each in messages(shift, "NBIRTH")} == {0}


@asserts("message-flow-device-birth-publish-nbirth-wait", "message-flow-device-birth-publish-dbirth-payload-seq")
def dbirth_follows_nbirth(shift):
    everything = messages(shift)
    for before, after in pairwise(everything):
        if before.kind == "NBIRTH":
            assert (after.kind, after.seq) == ("DBIRTH", 1)


@asserts(
    "message-flow-device-birth-publish-dbirth-topic",
    "message-flow-device-birth-publish-dbirth-match-edge-node-topic",
)
def dbirth_topic(shift):
    _, group, _, node = one(shift, "NBIRTH").topic.split("/")
    assert one(shift, "DBIRTH").topic == f"spBv1.0/{group}/DBIRTH/{node}/camera"


@asserts("operational-behavior-device-ddeath")
def lost_camera(shift):
    assert [each.kind for each in messages(shift, since="camera lost")][:3] == ["DDEATH", "NDATA", "DBIRTH"]
    late = [each for each in messages(shift, "DDATA", since="camera back") if each.connection == 1]
    assert [(value(each.by_name["reason"]), each.by_name["id"].is_historical) for each in late] == [
        ("camera_lost", True)
    ]


@asserts("operational-behavior-edge-node-intentional-disconnect-ndeath", "payloads-ndeath-will-message-publisher")
def planned_end(shift):
    assert messages(shift)[-1].kind == "NDEATH"


@asserts(
    "operational-behavior-edge-node-intentional-disconnect-packet",
    "payloads-ndeath-will-message-publisher-disconnect-mqtt50",
)
def goodbye(shift):
    assert [each.packet.kind for each in shift.events][-2:] == ["PUBLISH", "DISCONNECT"]
    assert shift.events[-1].packet.reason == 0x04


@asserts("operational-behavior-data-publish-nbirth", "operational-behavior-data-publish-nbirth-values")
def nbirth_values(shift):
    found = {name: (metric.datatype, value(metric)) for name, metric in one(shift, "NBIRTH").by_name.items()}
    assert found.pop("Properties/Version")[0] == 12
    assert found == {
        "bdSeq": (4, 0),
        "Node Control/Rebirth": (11, False),
        "state": (12, "starting"),
        "dropped": (8, 0),
    }


@asserts("operational-behavior-data-publish-dbirth", "operational-behavior-data-publish-dbirth-values")
def dbirth_values(shift):
    first, *_, last = messages(shift, "DBIRTH")
    assert {(metric.is_null, value(metric)) for metric in first.metrics} == {(True, None)}
    assert value(last.by_name["id"]) == value(messages(shift, "DDATA", since="camera back")[0].by_name["id"])
    assert (last.by_name["score"].is_null, value(last.by_name["outcome"])) == (True, "ERROR")


@asserts("operational-behavior-data-publish-nbirth-order", "operational-behavior-data-publish-dbirth-order")
def times_in_order(shift):
    for each in messages(shift, "NBIRTH", "NDATA", "DBIRTH", "DDATA"):
        times = [metric.timestamp for metric in each.metrics if not metric.is_historical]
        assert times == sorted(times)
    live = [each.metrics[0].timestamp for each in messages(shift, "DDATA") if not each.metrics[0].is_historical]
    assert live == sorted(live)
    assert len(live) == 301


@asserts(
    "operational-behavior-data-commands-rebirth-name",
    "operational-behavior-data-commands-rebirth-name-aliases",
    "operational-behavior-data-commands-rebirth-datatype",
    "operational-behavior-data-commands-rebirth-value",
)
def rebirth_metric(shift):
    for each in messages(shift, "NBIRTH"):
        control = each.by_name["Node Control/Rebirth"]
        assert (control.HasField("alias"), control.datatype, value(control)) == (False, 11, False)


@asserts(
    "operational-behavior-data-commands-rebirth-action-1",
    "operational-behavior-data-commands-rebirth-action-2",
    "operational-behavior-data-commands-rebirth-action-3",
)
def reborn_on_command(shift):
    first, second = (each for each in messages(shift, since="rebirth") if each.connection == 1)
    assert (first.kind, second.kind) == ("NBIRTH", "DBIRTH")
    assert value(first.by_name["bdSeq"]) == birth_numbers(shift)[0]


@asserts("operational-behavior-primary-application-state-with-multiple-servers-single-server")
def one_connection_at_a_time(shift):
    numbers = [each.connection for each in shift.events]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("assertion", asserts.checks)
def test_assertion(assertion, shift):
    asserts.checks[assertion](shift)


of_old = Assertions()


@of_old("principles-persistence-clean-session-311")
def clean_session(old_shift):
    assert [(each.packet.version, each.packet.clean) for each in old_shift.of("CONNECT")] == [(4, True)] * 2


@of_old("payloads-ndeath-will-message-publisher-disconnect-mqtt311")
def old_goodbye(old_shift):
    assert [each.packet.kind for each in old_shift.events][-2:] == ["PUBLISH", "DISCONNECT"]
    assert messages(old_shift)[-1].kind == "NDEATH"


@pytest.mark.parametrize("assertion", of_old.checks)
def test_assertion_of_version_311(assertion, old_shift):
    of_old.checks[assertion](old_shift)
