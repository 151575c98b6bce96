import pytest

from tests.broker import MOSQUITTO, Broker
from tests.inspector.sinks.sparkplug.recorder import Recorder
from tests.inspector.sinks.sparkplug.stories import Speaker, live_through_a_shift, live_with_a_host
from tests.requirements import needs


@pytest.fixture
def recorder(broker):
    recorder = Recorder(broker.port)
    yield recorder
    recorder.close()


@pytest.fixture
def speaker(broker):
    speaker = Speaker(broker.port)
    yield speaker
    speaker.close()


def recorded(folder, story):
    needs(MOSQUITTO, "mosquitto (apt-get install mosquitto)")
    with Broker(folder) as broker:
        recorder, speaker = Recorder(broker.port), Speaker(broker.port)
        try:
            return story(recorder, speaker)
        finally:
            speaker.close()
            recorder.close()


@pytest.fixture(scope="session")
def shift(tmp_path_factory):
    """A whole shift over MQTT 5."""
    return recorded(tmp_path_factory.mktemp("shift"), live_through_a_shift)


@pytest.fixture(scope="session")
def old_shift(tmp_path_factory):
    """The same over MQTT 3.1.1."""
    return recorded(tmp_path_factory.mktemp("old"), lambda *ends: live_through_a_shift(*ends, version="3.1.1"))


@pytest.fixture(scope="session")
def hosted(tmp_path_factory):
    """Days with a primary host that comes and goes."""
    return recorded(tmp_path_factory.mktemp("hosted"), live_with_a_host)
