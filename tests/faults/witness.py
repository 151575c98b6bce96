"""Who writes down everything that a station says, whatever happens to the broker in between."""

import json
import time
from collections import defaultdict
from dataclasses import dataclass
from threading import Condition

import paho.mqtt.client as paho


@dataclass(frozen=True, slots=True)
class Said:
    """One result as it arrived."""

    arrived_s: float
    arrived_at_s: float
    """By the wall clock, as ``captured_at`` is."""
    inspection: dict


class Witness:
    """Has a session that the broker keeps, so that it gets what was said before it is back.

    Under ``Line`` the broker is told to save that session once, so that even a killed broker knows it again.
    """

    def __init__(self, port, prefix, tls=None):
        self.results, self.beats, self.alarms, self.replies = [], [], {}, {}
        self.sequences = set()
        """Of every result."""
        self.changed = Condition()
        self._subscribed = False
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="historian", clean_session=False, protocol=paho.MQTTv311
        )
        if tls:
            self._client.tls_set_context(tls)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{prefix}/#", qos=1)
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.wait(lambda: self._subscribed, "the subscription")

    def wait(self, condition, what, timeout_s=60.0):
        with self.changed:
            assert self.changed.wait_for(condition, timeout_s), f"waited {timeout_s} s in vain for {what}"

    def wait_until_ready(self, since_s, timeout_s=60.0):
        """The station lives and takes triggers."""
        self.wait(lambda: self.ready_after(since_s), "a heartbeat that says ready", timeout_s)

    def ready_after(self, moment_s):
        """When the first heartbeat after that moment said that the station takes triggers; None if none did."""
        return next((arrived_s for arrived_s, ready in self.beats if ready and arrived_s > moment_s), None)

    def alarm(self, name):
        """The state of an alarm, as retained; None where it was never said."""
        return self.alarms.get(name, {}).get("state")

    def by_id(self):
        """Every message about each inspection."""
        told = defaultdict(list)
        for each in self.results:
            told[each.inspection["id"]].append(each.inspection)
        return told

    def say(self, topic, payload):
        """Where the broker lets everybody write."""
        self._client.publish(topic, payload, qos=1)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def _on_subscribe(self, *_):
        with self.changed:
            self._subscribed = True
            self.changed.notify_all()

    def _on_message(self, _client, _userdata, message):
        now_s, now_at_s = time.monotonic(), time.time()
        *_, leaf = message.topic.split("/")
        with self.changed:
            if leaf == "result":
                said = Said(now_s, now_at_s, json.loads(message.payload))
                self.results.append(said)
                self.sequences.add(said.inspection["sequence"])
            elif leaf == "heartbeat":
                self.beats.append((now_s, json.loads(message.payload)["ready"]))
            elif message.topic.endswith("/command/answer"):
                reply = json.loads(message.payload)
                self.replies[reply["id"]] = reply
            elif "/alarm/" in message.topic:
                self.alarms[leaf] = json.loads(message.payload)
            self.changed.notify_all()
