"""The primary host application: births wait for it, and results for its return."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inspector.sinks.sparkplug.edge_node import asks_for_rebirth
from inspector.sinks.sparkplug.host import PrimaryHost
from tests.inspector.sinks.sparkplug.assertions import Assertions, messages, value
from tests.inspector.sinks.sparkplug.stories import REBIRTH
from tests.inspector.sinks.sparkplug.test_session import birth_numbers

asserts = Assertions()


def kinds(story, since):
    return [each.kind for each in messages(story, since=since)]


@asserts(
    "message-flow-edge-node-birth-publish-phid-wait",
    "message-flow-edge-node-birth-publish-phid-wait-id",
    "message-flow-edge-node-birth-publish-phid-wait-online",
    "message-flow-edge-node-birth-publish-phid-wait-timestamp",
    "operational-behavior-edge-node-birth-sequence-wait",
)
def births_wait(hosted):
    """Another host, this one offline, this one online but stale, and no JSON at all: none of them counts."""
    assert len(messages(hosted)) == len(messages(hosted, since="online"))
    assert kinds(hosted, "online")[:3] == ["NBIRTH", "DBIRTH", "DDATA"]
    (subscription,) = {tuple(each.packet.topics) for each in hosted.of("SUBSCRIBE")}
    assert ("spBv1.0/STATE/scada", 1) in subscription


@asserts("operational-behavior-edge-node-termination-host-offline-timestamp")
def a_stale_offline_changes_nothing(hosted):
    between = hosted.since("offline, stale")[: -len(hosted.since("offline"))]
    assert [each.packet.kind for each in between if each.packet.kind != "NOTE"] == ["PUBACK"]


@asserts(
    "message-flow-edge-node-birth-publish-phid-offline",
    "operational-behavior-edge-node-termination-host-offline",
)
def an_offline_host_ends_the_session(hosted):
    first, second = [each for each in hosted.since("offline") if each.connection == 1 and each.packet.kind != "NOTE"]
    assert (first.packet.kind, first.packet.topic) == ("PUBLISH", "spBv1.0/inspector/NDEATH/press-1")
    assert (second.packet.kind, second.packet.reason) == ("DISCONNECT", 0x04)


@asserts("operational-behavior-edge-node-termination-host-offline-reconnect")
def it_connects_again_and_waits(hosted):
    assert birth_numbers(hosted) == [0, 1]
    assert kinds(hosted, "offline")[:2] == ["NDEATH", "NBIRTH"]
    assert kinds(hosted, "online again")[0] == "NBIRTH"


@pytest.mark.parametrize("assertion", asserts.checks)
def test_assertion(assertion, hosted):
    asserts.checks[assertion](hosted)


def test_what_happened_meanwhile_is_forwarded_in_order_as_historical(hosted):
    data = messages(hosted, "DDATA")

    assert [value(each.by_name["sequence"]) for each in data] == [0, 1, 2, 3, 4]
    assert [{metric.is_historical for metric in each.metrics} for each in data] == [{True}] * 4 + [{False}]


def test_times_are_those_of_the_inspection(hosted):
    for each in messages(hosted, "DDATA"):
        assert {metric.timestamp for metric in each.metrics} == {value(each.by_name["captured_at"])}
        assert each.payload.timestamp >= value(each.by_name["captured_at"])


@pytest.mark.parametrize(
    "payload", [b"OFFLINE", b"\xff", b"[]", b'{"online": 1, "timestamp": 5}', b'{"online": true}', b"{" * 5000]
)
def test_what_is_no_state_is_refused_and_changes_nothing(payload):
    host = PrimaryHost("scada")
    host.hear(b'{"online": true, "timestamp": 5}')

    with pytest.raises(ValueError, match="not a STATE message"):
        host.hear(payload)
    assert host.online


def test_a_will_of_the_same_time_as_its_birth_counts():
    host = PrimaryHost("scada")
    host.hear(b'{"online": true, "timestamp": 5}')
    host.hear(b'{"online": false, "timestamp": 5}')

    assert not host.online


MESSAGES = st.one_of(
    st.binary(max_size=200),
    st.fixed_dictionaries({"online": st.one_of(st.booleans(), st.none(), st.text()), "timestamp": st.integers()}).map(
        lambda each: str(each).lower().replace("'", '"').encode()
    ),
    st.builds(
        lambda start, end, middle: REBIRTH[:start] + middle + REBIRTH[end:], *[st.integers(0, 26)] * 2, st.binary()
    ),
)


@given(MESSAGES)
@example(REBIRTH)
@example(b'{"online": true, "timestamp": 99999999999999999999999999}')
def test_whatever_a_host_sends_is_understood_or_refused(payload):
    host = PrimaryHost("scada")
    with contextlib.suppress(ValueError):
        host.hear(payload)
    if host.online:
        assert b"true" in payload
    with contextlib.suppress(ValueError):
        assert not asks_for_rebirth(payload) or b"Node Control/Rebirth" in payload
