"""Chapters 1 and 4 of the specification: identifiers, topics, and what each kind of message holds."""

from itertools import pairwise

import pytest
from pydantic import ValidationError

from inspector.errors import ConfigError
from inspector.inspection import utc_now
from inspector.sinks.sparkplug.settings import SparkplugSettings
from tests.inspector.sinks.sparkplug.assertions import BIRTHS, DATA, Assertions, messages, one, value

asserts = Assertions()


def refused(**settings):
    with pytest.raises(ValidationError, match="must not"):
        SparkplugSettings(**settings)


@asserts("intro-group-id-string", "topic-structure", "topic-structure-namespace-a", "topics-nbirth-topic")
def nbirth_topic(shift):
    assert {each.topic for each in messages(shift, "NBIRTH")} == {"spBv1.0/inspector/NBIRTH/press-1"}


@asserts("intro-group-id-chars", "topic-structure-namespace-valid-group-id")
def group(_):
    for bad in ("a/b", "a+", "#", "", "a\n"):
        refused(group=bad)


@asserts("intro-device-id-chars", "topic-structure-namespace-valid-device-id")
def device(_):
    for bad in ("a/b", "a+", "#", ""):
        refused(device=bad)


@asserts("intro-edge-node-id-chars", "topic-structure-namespace-valid-edge-node-id")
def edge_node(_):
    for bad in ("a/b", "a+", "#", ""):
        with pytest.raises(ConfigError, match=r"station name .* must not"):
            SparkplugSettings().open(bad)


@asserts(
    "intro-device-id-string",
    "topic-structure-namespace-device-id-associated-message-types",
    "topics-dbirth-topic",
    "topics-ddata-topic",
    "topics-ddeath-topic",
)
def device_topics(shift):
    sent = {each.topic for each in messages(shift) if each.kind.startswith("D")}
    assert sent == {f"spBv1.0/inspector/{kind}/press-1/camera" for kind in ("DBIRTH", "DDATA", "DDEATH")}


@asserts(
    "intro-edge-node-id-string",
    "topic-structure-namespace-device-id-non-associated-message-types",
    "topics-ndata-topic",
    "topics-ndeath-topic",
)
def node_topics(shift):
    sent = {each.topic for each in messages(shift) if each.kind.startswith("N")}
    assert sent == {f"spBv1.0/inspector/{kind}/press-1" for kind in ("NBIRTH", "NDATA", "NDEATH")}


@asserts("topics-ncmd-topic", "message-flow-edge-node-ncmd-subscribe")
def command_topic(shift):
    assert {tuple(each.packet.topics) for each in shift.of("SUBSCRIBE")} == {(("spBv1.0/inspector/NCMD/press-1", 1),)}


@asserts("topic-structure-namespace-unique-device-id", "case-sensitivity-sparkplug-ids")
def one_device(shift):
    assert {each.topic.split("/")[4] for each in messages(shift) if each.kind.startswith("D")} == {"camera"}


@asserts("case-sensitivity-metric-names")
def metric_names(shift):
    names = [*one(shift, "NBIRTH").by_name, *one(shift, "DBIRTH").by_name]
    assert len({each.casefold() for each in names}) == len(names)


@asserts(
    "topics-nbirth-mqtt",
    "topics-ndata-mqtt",
    "topics-dbirth-mqtt",
    "topics-ddata-mqtt",
    "topics-ddeath-mqtt",
)
def quality_of_service(shift):
    others = [each for each in messages(shift) if each.kind != "NDEATH"]
    assert {each.kind for each in others} == {"NBIRTH", "DBIRTH", "NDATA", "DDATA", "DDEATH"}
    assert {(each.qos, each.retain) for each in others} == {(0, False)}


@asserts("topics-nbirth-seq-num")
def nbirth_begins_the_count(shift):
    assert {each.seq for each in messages(shift, "NBIRTH")} == {0}


@asserts("topics-ndata-seq-num", "topics-dbirth-seq", "topics-ddata-seq-num", "topics-ddeath-seq-num")
def count_without_gaps(shift):
    numbered = [each for each in messages(shift) if each.kind != "NDEATH"]
    for before, after in pairwise(numbered):
        assert after.seq == (0 if after.kind == "NBIRTH" else (before.seq + 1) % 256), after.kind
    assert 255 in {each.seq for each in numbered}


@asserts(
    "topics-nbirth-timestamp",
    "topics-ndata-timestamp",
    "topics-dbirth-timestamp",
    "topics-ddata-timestamp",
)
def stamped(shift):
    now_ms = utc_now().timestamp() * 1000
    for each in messages(shift):
        assert now_ms - 3_600_000 < each.payload.timestamp <= now_ms, each.kind


@asserts("topics-nbirth-metric-reqs", "topics-dbirth-metric-reqs")
def births_name_all_that_follows(shift):
    for of_data, of_birth in zip(DATA, BIRTHS, strict=True):
        known = {each.alias for each in one(shift, of_birth).metrics}
        assert {metric.alias for each in messages(shift, of_data) for metric in each.metrics} <= known


@asserts("topics-nbirth-metrics", "topics-dbirth-metrics")
def births_hold_values(shift):
    for each in messages(shift, *BIRTHS):
        for metric in each.metrics:
            assert metric.name
            assert metric.datatype
            assert (value(metric) is None) == metric.is_null


@asserts("topics-nbirth-bdseq-included")
def birth_number(shift):
    assert all("bdSeq" in each.by_name for each in messages(shift, "NBIRTH"))


@asserts("topics-nbirth-rebirth-metric")
def rebirth(shift):
    for each in messages(shift, "NBIRTH"):
        control = each.by_name["Node Control/Rebirth"]
        assert (control.datatype, value(control)) == (11, False)


@asserts("topics-ndata-payload")
def node_data(shift):
    assert value(one(shift, "NDATA", since="camera lost").by_name["state"]) == "camera_lost"
    assert value(one(shift, "NDATA", since="camera back").by_name["state"]) == "running"


@asserts("topics-ddata-payload")
def device_data(shift):
    sequences = [value(each.by_name["sequence"]) for each in messages(shift, "DDATA")]
    assert sequences == list(range(302))
    verdict = messages(shift, "DDATA")[7].by_name
    wanted = {"outcome": "FAIL", "part_id": "part-7", "score": 7.5, "threshold": 6.25, "latency_ms": 17.5}
    assert {name: value(verdict[name]) for name in wanted} == wanted


@asserts("topics-ndeath-payload")
def death_is_a_single_metric(shift):
    (metric,) = one(shift, "NDEATH").metrics
    assert metric.name == "bdSeq"


@asserts("topics-ndeath-seq")
def death_is_not_counted(shift):
    assert one(shift, "NDEATH").seq is None


@pytest.mark.parametrize("assertion", asserts.checks)
def test_assertion(assertion, shift):
    asserts.checks[assertion](shift)
