"""Sessions that a sink lives through in front of a real broker, recorded packet by packet."""

import paho.mqtt.client as paho

from inspector.inspection import Inspection, Outcome, StationState, utc_now
from inspector.sinks.sparkplug.settings import SparkplugSettings
from tests.broker import wait_until

HOST_STATE = "spBv1.0/STATE/scada"

# Node Control/Rebirth = true, written out by hand: field 2 of the payload is a metric, whose field 1 is its name and
# whose field 14 its truth value.
REBIRTH = b"\x12\x18\x0a\x14Node Control/Rebirth\x70\x01"


def inspection(sequence, **fields):
    settings = {
        "id": f"01JDZ{sequence:021d}",
        "station": "press-1",
        "sequence": sequence,
        "part_id": f"part-{sequence}",
        "outcome": Outcome.FAIL if sequence % 2 else Outcome.PASS,
        "score": sequence + 0.5,
        "threshold": 6.25,
        "captured_at": utc_now(),
        "timings_ms": {"total": 17.5},
        "bundle": "b" * 64,
    }
    return Inspection(**{**settings, **fields})


class Speaker:
    """Somebody else at the broker, who publishes and waits until the broker has taken it."""

    def __init__(self, port, username=None, password=None):
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(username, password)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def say(self, topic, payload, *, retain=False):
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(20)

    def host_says(self, online, timestamp, topic=HOST_STATE):
        self.say(topic, f'{{"online": {str(online).lower()}, "timestamp": {timestamp}}}', retain=True)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def opened(recorder, **settings):
    sink = SparkplugSettings(port=recorder.port, **settings).open("press-1")
    sink._client.reconnect_delay_set(1, 1)
    return sink


def live_through_a_shift(recorder, speaker, **settings):
    """Start, camera lost and back, a rebirth that a host asks for, a cable that is pulled, a planned end."""
    sink = opened(recorder, **settings)
    recorder.wait_for("NBIRTH")
    recorder.note("running")
    sink.announce(StationState.RUNNING)
    for sequence in range(300):
        sink.publish(inspection(sequence))
    recorder.wait_for("DDATA", 300)
    recorder.note("camera lost")
    sink.announce(StationState.CAMERA_LOST)
    sink.publish(inspection(300, outcome=Outcome.ERROR, reason="camera_lost", score=None))
    recorder.wait_for("NDATA", since="camera lost")
    recorder.note("camera back")
    sink.announce(StationState.RUNNING)
    recorder.wait_for("NDATA", since="camera back")
    wait_until(lambda: not sink._store, "the barrier")
    recorder.note("rebirth")
    speaker.say("spBv1.0/inspector/NCMD/press-1", REBIRTH)
    recorder.wait_for("DBIRTH", since="rebirth")
    recorder.note("cut")
    recorder.cut()
    recorder.wait_for("DBIRTH", since="cut")
    sink.publish(inspection(301))
    recorder.note("end")
    sink.announce(StationState.STOPPED)
    sink.close()
    recorder.wait_for("DISCONNECT")
    return recorder


def live_with_a_host(recorder, speaker):
    """Wait for the primary host through messages that must not count, lose it, and have it back."""
    sink = opened(recorder, primary_host="scada")
    sink.announce(StationState.RUNNING)
    recorder.wait_for("SUBACK")
    sink.publish(inspection(0))
    speaker.host_says(True, 1000, topic="spBv1.0/STATE/another")
    speaker.host_says(False, 100)
    speaker.host_says(True, 50)
    speaker.say(HOST_STATE, "ONLINE")
    recorder.wait_for("PUBACK", 3)
    recorder.note("online")
    speaker.host_says(True, 200)
    recorder.wait_for("DDATA", since="online")
    wait_until(lambda: not sink._store, "the barrier")
    recorder.wait_for("PUBACK", 4)
    recorder.note("offline, stale")
    speaker.host_says(False, 199)
    recorder.wait_for("PUBACK", 5)
    recorder.note("offline")
    speaker.host_says(False, 200)
    recorder.wait_for("CONNECT", since="offline")
    recorder.wait(lambda _: any(each.connection == 2 for each in recorder.of("PUBACK")), "the retained STATE, read")
    for sequence in range(1, 4):
        sink.publish(inspection(sequence))
    recorder.note("online again")
    speaker.host_says(True, 300)
    recorder.wait_for("DDATA", 3, since="online again")
    wait_until(lambda: not sink._store, "the barrier")
    recorder.note("live again")
    sink.publish(inspection(4))
    recorder.wait_for("DDATA", since="live again")
    sink.close()
    return recorder
