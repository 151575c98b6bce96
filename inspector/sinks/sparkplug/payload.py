"""The Sparkplug B payload on the wire: protocol buffers, as far as an edge node of plain metrics needs them.

Names, numbers and types of the fields are those of the specification, section 6.4.1; metadata, property sets, data
sets and templates are left out, because nothing here sends them, and what a reader does not know it passes over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

Value = int | float | bool | str | None


class DataType(IntEnum):
    """The data types that are in use here, of those in section 6.4.16."""

    INT64 = 4
    UINT64 = 8
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13


VALUE_FIELDS: Final = {
    DataType.INT64: "long_value",
    DataType.UINT64: "long_value",
    DataType.DOUBLE: "double_value",
    DataType.BOOLEAN: "boolean_value",
    DataType.STRING: "string_value",
    DataType.DATETIME: "long_value",
}

_Field = descriptor_pb2.FieldDescriptorProto

PAYLOAD_FIELDS: Final = (
    ("timestamp", 1, _Field.TYPE_UINT64),
    ("metrics", 2, _Field.TYPE_MESSAGE),
    ("seq", 3, _Field.TYPE_UINT64),
    ("uuid", 4, _Field.TYPE_STRING),
    ("body", 5, _Field.TYPE_BYTES),
)
METRIC_FIELDS: Final = (
    ("name", 1, _Field.TYPE_STRING),
    ("alias", 2, _Field.TYPE_UINT64),
    ("timestamp", 3, _Field.TYPE_UINT64),
    ("datatype", 4, _Field.TYPE_UINT32),
    ("is_historical", 5, _Field.TYPE_BOOL),
    ("is_transient", 6, _Field.TYPE_BOOL),
    ("is_null", 7, _Field.TYPE_BOOL),
    ("int_value", 10, _Field.TYPE_UINT32),
    ("long_value", 11, _Field.TYPE_UINT64),
    ("float_value", 12, _Field.TYPE_FLOAT),
    ("double_value", 13, _Field.TYPE_DOUBLE),
    ("boolean_value", 14, _Field.TYPE_BOOL),
    ("string_value", 15, _Field.TYPE_STRING),
    ("bytes_value", 16, _Field.TYPE_BYTES),
)
FIRST_VALUE_FIELD: Final = 10
"""This field of a metric and those after it are one choice: its value."""


def _payload_class() -> Any:
    """The message class, in a pool of its own: another library may know a Payload by another definition."""
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug.proto", package="sparkplug", syntax="proto2")
    payload, metric = file.message_type.add(name="Payload"), file.message_type.add(name="Metric")
    metric.oneof_decl.add(name="value")
    for name, number, kind in METRIC_FIELDS:
        field = metric.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
        if number >= FIRST_VALUE_FIELD:
            field.oneof_index = 0
    for name, number, kind in PAYLOAD_FIELDS:
        field = payload.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
        if kind == _Field.TYPE_MESSAGE:
            field.type_name, field.label = ".sparkplug.Metric", _Field.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("sparkplug.Payload"))


Payload: Final = _payload_class()


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric as its birth certificate defines it. Without an alias it goes by its name at all times."""

    name: str
    datatype: DataType
    alias: int | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One value of a metric, taken at ``timestamp_ms``, milliseconds of UTC since 1970. None is null."""

    definition: Definition
    value: Value
    timestamp_ms: int
    historical: bool = False


def encode(metrics: Iterable[Metric], timestamp_ms: int, seq: int | None = None, *, birth: bool = False) -> bytes:
    """The payload of one message, sent at ``timestamp_ms``. A birth or death names its metrics and their types.

    Source: ``tck-id-payloads-alias-birth-requirement``, ``-alias-data-cmd-requirement``, ``-metric-datatype-req``,
    ``-metric-datatype-not-req``.
    """
    payload = Payload(timestamp=timestamp_ms, seq=seq)
    for metric in metrics:
        _add(payload.metrics.add(), metric, birth=birth)
    data: bytes = payload.SerializeToString()
    return data


def _add(field: Any, metric: Metric, *, birth: bool) -> None:
    definition = metric.definition
    if birth or definition.alias is None:
        field.name = definition.name
    if definition.alias is not None:
        field.alias = definition.alias
    if birth:
        field.datatype = definition.datatype
    field.timestamp = metric.timestamp_ms
    if metric.historical:
        field.is_historical = True
    if metric.value is None:
        field.is_null = True
    else:
        setattr(field, VALUE_FIELDS[definition.datatype], metric.value)


def decode(data: bytes) -> Any:
    """The message. Raises ValueError for what is no Sparkplug payload."""
    try:
        return Payload.FromString(data)
    except DecodeError as error:
        raise ValueError(f"not a Sparkplug payload: {error}") from error
