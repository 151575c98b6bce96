import pytest

from inspector import metrics
from tests.broker import Subscriber, wait_until


@pytest.fixture
def is_up():
    return lambda: metrics.SINK_UP.labels("press-1", "mqtt")._value.get() == 1


@pytest.fixture
def errors():
    """The count of what the sink could not deliver, as a function."""
    return metrics.SINK_ERRORS.labels("press-1", "mqtt")._value.get


@pytest.fixture
def opened(is_up):
    """Opens sinks and closes them at the end; waits for the connection unless told not to."""
    sinks = []

    def open_sink(settings, *, connected=True):
        sinks.append(settings.open("press-1"))
        if connected:
            wait_until(is_up, "the connection")
        return sinks[-1]

    yield open_sink
    for sink in sinks:
        sink.close()


@pytest.fixture
def subscriber(broker):
    subscriber = Subscriber(broker.port)
    yield subscriber
    subscriber.close()
