"""What every sink promises its station. A new kind needs one example here."""

import time

import pytest
from pydantic import TypeAdapter

from inspector.errors import SinkError
from inspector.inspection import Inspection, Outcome, Sink, StationState, utc_now
from inspector.sinks import SinkSettings
from inspector.sinks.log import LogSettings
from inspector.sinks.mqtt import MqttSettings
from inspector.sinks.sparkplug import SparkplugSettings
from tests.broker import free_port

EXAMPLES = {
    "log": LogSettings,
    "mqtt": lambda: MqttSettings(port=free_port()),
    "sparkplug": lambda: SparkplugSettings(port=free_port()),
}
KINDS = TypeAdapter(SinkSettings).json_schema()["discriminator"]["mapping"]


def an_inspection(sequence=0):
    return Inspection(
        id="01JDZ0000000000000000000AA",
        station="press-1",
        sequence=sequence,
        outcome=Outcome.PASS,
        threshold=1.0,
        captured_at=utc_now(),
        bundle="0" * 64,
    )


@pytest.fixture(params=KINDS)
def sink(request):
    sink: Sink = EXAMPLES[request.param]().open("press-1")
    yield sink
    sink.close()


def test_every_kind_has_an_example():
    assert EXAMPLES.keys() == KINDS.keys()


def test_no_call_blocks_the_station_though_no_receiver_is_there(sink):
    started = time.monotonic()
    for sequence in range(100):
        sink.publish(an_inspection(sequence))
        sink.announce(StationState.RUNNING)

    # Not a benchmark: an attempt to connect takes seconds, a queue takes microseconds.
    assert time.monotonic() - started < 1.0


def test_closing_twice_does_no_harm(sink):
    sink.announce(StationState.STOPPED)
    sink.close()
    sink.close()


def test_nothing_is_taken_after_closing(sink):
    sink.close()

    with pytest.raises(SinkError, match="closed"):
        sink.publish(an_inspection())
