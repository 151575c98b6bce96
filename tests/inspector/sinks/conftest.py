import pytest

from inspector import metrics
from inspector.records.memory import MemoryRecord
from tests.broker import Subscriber, wait_until
from tests.contracts.test_sinks import an_inspection


@pytest.fixture
def is_up():
    return lambda: metrics.SINK_UP.labels("press-1", "mqtt")._value.get() == 1


@pytest.fixture
def errors():
    """The count of what the sink could not deliver, as a function."""
    return metrics.SINK_ERRORS.labels("press-1", "mqtt")._value.get


@pytest.fixture
def opened(is_up):
    """Opens sinks and closes them at the end; waits for the connection unless told not to.

    Each has a ``record`` in memory, in which ``put`` keeps an inspection before it publishes it, as a station does.
    """
    sinks = []

    def open_sink(settings, *, connected=True, listener=None, triggers=True):
        sink = settings.open("press-1")
        sink.record = MemoryRecord("press-1", ["mqtt"])
        sink.put = lambda: sink.publish(sink.record.append(an_inspection()))
        sink.waiting = lambda: [sequence for sequence, _ in sink.record.backlog("mqtt", -1, 1000)]
        sink.attach(listener, sink.record, triggers=triggers)
        sinks.append(sink)
        if connected:
            wait_until(is_up, "the connection")
        return sinks[-1]

    yield open_sink
    for sink in sinks:
        sink.close()


@pytest.fixture
def subscriber_of():
    """Subscribes to everything of a broker; ends at the end."""
    subscribers = []

    def subscribe(broker):
        subscribers.append(Subscriber(broker.port))
        return subscribers[-1]

    yield subscribe
    for each in subscribers:
        each.close()


@pytest.fixture
def subscriber(broker, subscriber_of):
    return subscriber_of(broker)
