"""A station whose every answer is written in the test."""

import itertools
import json
from threading import Condition

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from inspector.inspection import Inspection, Outcome, utc_now

PREFIX = "inspector/press-1"


def an_answer(trigger_id, part_id="part-1", outcome=Outcome.PASS, **changes):
    return Inspection(
        **{
            "id": "01JDZ0000000000000000000AA",
            "station": "press-1",
            "sequence": 0,
            "trigger_id": trigger_id,
            "part_id": part_id,
            "outcome": outcome,
            "threshold": 1.0,
            "captured_at": utc_now(),
            "bundle": "0" * 64,
            **changes,
        }
    )


class ScriptedStation:
    """Hands each trigger, with itself, to ``script``, which answers, or not."""

    def __init__(self, port, script):
        self.triggers = []
        self._script = script
        self._changed = Condition()
        self._subscribed = False
        self._ids = (f"01JDZ{number:021}" for number in itertools.count())
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{PREFIX}/trigger", qos=1)
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        with self._changed:
            assert self._changed.wait_for(lambda: self._subscribed, 20)

    def say(self, state):
        self._client.publish(f"{PREFIX}/state", json.dumps({"state": state}), qos=1, retain=True).wait_for_publish(20)

    def answer(self, trigger, outcome=Outcome.PASS, *, retain=False, correlation=None, **changes):
        """To where the trigger asks for it, and with an id of its own unless it is given."""
        inspection = an_answer(
            trigger["id"], **{"part_id": trigger["part_id"], "outcome": outcome, "id": next(self._ids), **changes}
        )
        self.send(trigger, inspection.model_dump_json(), retain=retain, correlation=correlation)
        return inspection

    def send(self, trigger, payload, *, retain=False, correlation=None):
        asked = trigger["properties"]
        properties = Properties(PacketTypes.PUBLISH)
        correlation = correlation or getattr(asked, "CorrelationData", None)
        if correlation:
            properties.CorrelationData = correlation
        topic = getattr(asked, "ResponseTopic", f"{PREFIX}/answer")
        self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)

    def acknowledge(self, trigger):
        self._client.publish(f"{PREFIX}/acknowledge", json.dumps({"id": trigger["id"]}), qos=1)

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.triggers) >= count, 20), self.triggers

    def _on_subscribe(self, *_):
        with self._changed:
            self._subscribed = True
            self._changed.notify_all()

    def _on_message(self, _client, _userdata, message):
        trigger = {**json.loads(message.payload), "properties": message.properties}
        self._script(self, trigger)
        with self._changed:
            self.triggers.append(trigger)
            self._changed.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()
