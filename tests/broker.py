"""A real mosquitto for tests, and a subscriber that waits for messages."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from threading import Condition

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, timeout_s=20.0):
    """Return the first true value of ``condition()``; fail after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited {timeout_s} s in vain for {what}")


class Broker:
    """Starts with the block, ends with it; ``stop`` and ``start`` in between are a restart on the same port."""

    def __init__(self, folder, config="allow_anonymous true\n", port=None):
        self.port = port or free_port()
        self._folder = folder
        self._config = config
        self._process = None

    def start(self):
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "mosquitto.conf"
        # A root process would become the user mosquitto, who cannot read pytest's folders.
        file.write_text(f"user root\nlistener {self.port} 127.0.0.1\n{self._config}")
        log = (self._folder / "mosquitto.log").open("a")
        self._process = subprocess.Popen([MOSQUITTO, "-c", file], stdout=log, stderr=log)
        wait_until(self._listens, f"mosquitto on port {self.port}")

    def stop(self):
        self._end(subprocess.Popen.terminate)

    def kill(self):
        self._end(subprocess.Popen.kill)

    def reload(self):
        """Read the configuration and the access lists again."""
        self._process.send_signal(signal.SIGHUP)

    def freeze(self):
        """It holds its connections and accepts new ones, but says nothing until ``thaw``."""
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        self._process.send_signal(number)

    def _end(self, how):
        if self._process:
            how(self._process)
            self.thaw()
            self._process.wait()
            self._process = None

    def _listens(self):
        assert self._process.poll() is None, (self._folder / "mosquitto.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Subscriber:
    """Collects every message below ``topic`` as (topic, payload from JSON, retained)."""

    def __init__(self, port, topic="#", **options):
        self.messages = []
        self._arrived = Condition()
        self._subscribed = False
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        if "username" in options:
            self._client.username_pw_set(options["username"], options["password"])
        if "tls" in options:
            self._client.tls_set_context(options["tls"])
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.wait(lambda: self._subscribed, "the subscription")

    def _on_subscribe(self, *_):
        with self._arrived:
            self._subscribed = True
            self._arrived.notify_all()

    def _on_message(self, _client, _userdata, message):
        with self._arrived:
            self.messages.append((message.topic, json.loads(message.payload), bool(message.retain)))
            self._arrived.notify_all()

    def wait(self, condition, what, timeout_s=20.0):
        with self._arrived:
            assert self._arrived.wait_for(condition, timeout_s), f"waited in vain for {what}; got {self.messages}"

    def of(self, leaf):
        return [payload for topic, payload, _ in self.messages if topic.endswith(f"/{leaf}")]

    def wait_for(self, leaf, count=1, timeout_s=20.0):
        self.wait(lambda: len(self.of(leaf)) >= count, f"{count} messages on {leaf}", timeout_s)
        return self.of(leaf)

    def wait_for_state(self, state):
        self.wait(lambda: any(each["state"] == state for each in self.of("state")), f"state {state}")

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def properties_of(**properties):
    """Of a message, by their names in paho."""
    extra = Properties(PacketTypes.PUBLISH)
    for name, value in properties.items():
        setattr(extra, name, value)
    return extra


def publish(broker, topic, payload, *, retain=False, **properties):
    """One message, acknowledged when this returns; ``properties`` of MQTT 5 by their names in paho."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish(topic, payload, qos=1, retain=retain, properties=properties_of(**properties)).wait_for_publish(20)
    client.disconnect()
    client.loop_stop()
