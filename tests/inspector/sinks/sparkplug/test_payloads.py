"""Chapter 6 of the specification: what the payloads hold, read by this project's decoder and by another's."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from inspector.inspection import utc_now
from inspector.sinks.sparkplug.payload import METRIC_FIELDS, PAYLOAD_FIELDS, Payload, decode
from tests.inspector.sinks.sparkplug.assertions import BIRTHS, DATA, Assertions, messages, one, value
from tests.inspector.sinks.sparkplug.stories import REBIRTH
from tests.requirements import needs

ROOT = Path(__file__).parents[4]
NODE_MODULES = ROOT / "build" / "node" / "node_modules"
DECODER = Path(__file__).with_name("decode.js")
NODE = shutil.which("node")

asserts = Assertions()


def seqs(story, *kinds):
    return [each.seq for each in messages(story, *kinds)]


@asserts("payloads-timestamp-in-UTC", "payloads-metric-timestamp-in-UTC")
def times_are_utc(shift):
    now_ms = utc_now().timestamp() * 1000
    for each in messages(shift):
        for time_ms in (each.payload.timestamp, *(metric.timestamp for metric in each.metrics)):
            assert now_ms - 3_600_000 < time_ms <= now_ms


@asserts("payloads-sequence-num-always-included", "payloads-ndata-seq", "payloads-ddata-seq", "payloads-ddeath-seq")
def all_are_numbered(shift):
    for each in messages(shift):
        assert (each.seq is None) == (each.kind == "NDEATH")
        assert each.seq is None or 0 <= each.seq <= 255


@asserts("payloads-sequence-num-req-nbirth", "payloads-nbirth-seq", "payloads-dbirth-seq")
def births_are_numbered(shift):
    assert set(seqs(shift, "NBIRTH")) == {0}
    assert set(seqs(shift, "DBIRTH")) <= set(range(256))


@asserts(
    "payloads-sequence-num-incrementing",
    "payloads-dbirth-seq-inc",
    "payloads-ndata-seq-inc",
    "payloads-ddata-seq-inc",
    "payloads-ddeath-seq-inc",
    "payloads-ddeath-seq-number",
)
def numbers_rise(shift):
    expected = None
    for each in messages(shift):
        if each.kind == "NDEATH":
            continue
        assert each.seq == (0 if each.kind == "NBIRTH" else expected), each.kind
        expected = (each.seq + 1) % 256


@asserts("payloads-name-requirement", "payloads-alias-birth-requirement")
def births_name_their_metrics(shift):
    """The aliased ones too; bdSeq and Rebirth go by their names alone, see deploy/mqtt/SPARKPLUG.md."""
    for each in messages(shift, *BIRTHS):
        assert all(metric.name for metric in each.metrics)
        unaliased = {metric.name for metric in each.metrics if not metric.HasField("alias")}
        assert unaliased == ({"bdSeq", "Node Control/Rebirth"} if each.kind == "NBIRTH" else set())


@asserts("payloads-alias-uniqueness")
def aliases_differ(shift):
    aliases = [each.alias for kind in BIRTHS for each in one(shift, kind).metrics if each.HasField("alias")]
    assert len(set(aliases)) == len(aliases)


@asserts("payloads-alias-data-cmd-requirement")
def data_goes_by_alias(shift):
    for each in messages(shift, *DATA):
        assert each.metrics
        assert all(metric.HasField("alias") and not metric.HasField("name") for metric in each.metrics)


@asserts("payloads-name-birth-data-requirement")
def every_metric_is_stamped(shift):
    assert all(metric.timestamp for each in messages(shift, *BIRTHS, *DATA) for metric in each.metrics)


@asserts("payloads-metric-datatype-value-type")
def data_type_is_unsigned_32(shift):
    assert (
        "datatype",
        4,
        Payload.DESCRIPTOR.fields_by_name["metrics"].message_type.fields_by_name["datatype"].type,
    ) in (METRIC_FIELDS)


@asserts("payloads-metric-datatype-value", "payloads-metric-datatype-req")
def births_tell_data_types(shift):
    for each in messages(shift, *BIRTHS, "NDEATH"):
        assert {metric.datatype for metric in each.metrics} <= {4, 8, 10, 11, 12, 13}


@asserts("payloads-metric-datatype-not-req")
def data_tells_none(shift):
    assert not any(metric.HasField("datatype") for each in messages(shift, *DATA) for metric in each.metrics)


@asserts(
    "payloads-nbirth-timestamp",
    "payloads-dbirth-timestamp",
    "payloads-ndata-timestamp",
    "payloads-ddata-timestamp",
    "payloads-ddeath-timestamp",
)
def payloads_are_stamped(shift):
    assert all(each.payload.HasField("timestamp") for each in messages(shift))
    assert {each.kind for each in messages(shift)} == {"NBIRTH", "DBIRTH", "NDATA", "DDATA", "DDEATH", "NDEATH"}


@asserts("payloads-nbirth-rebirth-req")
def nbirth_offers_rebirth(shift):
    assert all(value(each.by_name["Node Control/Rebirth"]) is False for each in messages(shift, "NBIRTH"))


@asserts(
    "payloads-nbirth-qos",
    "payloads-nbirth-retain",
    "payloads-dbirth-qos",
    "payloads-dbirth-retain",
    "payloads-ndata-qos",
    "payloads-ndata-retain",
    "payloads-ddata-qos",
    "payloads-ddata-retain",
)
def quality_of_service(shift):
    assert {(each.qos, each.retain) for each in messages(shift, *BIRTHS, *DATA)} == {(0, False)}


@asserts("payloads-dbirth-order", "payloads-ndata-order", "payloads-ddata-order")
def births_before_data(shift):
    for connection in (1, 2):
        kinds = [each.kind for each in messages(shift) if each.connection == connection]
        assert kinds[:2] == ["NBIRTH", "DBIRTH"]
        assert {"NDATA", "DDATA"} <= set(kinds[2:])


@asserts("payloads-ndeath-seq")
def death_has_no_number(shift):
    assert seqs(shift, "NDEATH") == [None]
    assert not any(decode(each.packet.will.payload).HasField("seq") for each in shift.of("CONNECT"))


@pytest.mark.parametrize("assertion", asserts.checks)
def test_assertion(assertion, shift):
    asserts.checks[assertion](shift)


@pytest.fixture(scope="module")
def decoded():
    """Decodes payloads with npm's sparkplug-payload, which shares nothing with this project."""
    needs(
        NODE and (NODE_MODULES / "sparkplug-payload").is_dir(),
        "node, and npm install --prefix build/node sparkplug-payload@1.0.3",
    )

    def decode_all(payloads):
        lines = "\n".join(base64.b64encode(each).decode() for each in payloads)
        environment = {"NODE_PATH": str(NODE_MODULES)}
        done = subprocess.run([NODE, DECODER], input=lines, env=environment, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return decode_all


def test_another_decoder_reads_every_message_alike(shift, decoded):
    ours = messages(shift)
    theirs = decoded([each.payload.SerializeToString() for each in ours])

    assert len(theirs) == len(ours)
    for mine, other in zip(ours, theirs, strict=True):
        assert (other["timestamp"], other.get("seq")) == (mine.payload.timestamp, mine.seq)
        assert [(each.get("name"), each.get("alias")) for each in other["metrics"]] == [
            (metric.name or None, metric.alias if metric.HasField("alias") else None) for metric in mine.metrics
        ]
        assert [each.get("isHistorical", False) for each in other["metrics"]] == [
            metric.is_historical for metric in mine.metrics
        ]


def test_another_decoder_reads_the_bytes_of_births_and_will_with_their_values(shift, decoded):
    sent = [each.packet.payload for each in [*shift.of("NBIRTH"), *shift.of("DBIRTH"), *shift.of("NDEATH")]]
    sent += [each.packet.will.payload for each in shift.of("CONNECT")]
    births = messages(shift, "NBIRTH") + messages(shift, "DBIRTH")

    theirs = decoded(sent)
    for mine, other in zip(births, theirs, strict=False):
        assert {each["name"]: each["value"] for each in other["metrics"]} == {
            name: value(metric) for name, metric in mine.by_name.items()
        }
    node = {each["name"]: each["type"] for each in theirs[0]["metrics"]}
    assert node["bdSeq"] == "Int64"
    assert node["Node Control/Rebirth"] == "Boolean"
    device = {each["name"]: each["type"] for each in theirs[len(messages(shift, "NBIRTH"))]["metrics"]}
    assert (device["sequence"], device["score"], device["captured_at"]) == ("UInt64", "Double", "DateTime")
    assert [each["metrics"][0]["value"] for each in theirs[-3:]] == [1, 0, 1]


def test_field_numbers_are_used_once():
    for fields in (METRIC_FIELDS, PAYLOAD_FIELDS):
        assert len({number for _, number, _ in fields}) == len(fields)


def test_a_command_written_by_hand_is_read():
    (metric,) = decode(REBIRTH).metrics

    assert (metric.name, metric.boolean_value) == ("Node Control/Rebirth", True)


@pytest.mark.parametrize("data", [b"\xff", b"\x12\x7f", b"ONLINE"])
def test_what_is_no_payload_is_refused(data):
    with pytest.raises(ValueError, match="not a Sparkplug payload"):
        decode(data)
