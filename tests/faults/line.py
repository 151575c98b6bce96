"""A whole line in real processes, all of which can fail: daemon, broker, network, camera, and a PLC and a witness."""

import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from ulid import ULID

from inspector.inspection import utc_now
from inspector.plc_sim.parts import by_name
from inspector.plc_sim.plc import Plc
from inspector.sinks.mqtt import MqttSettings
from tests.broker import Broker, free_port, wait_until
from tests.faults.proxy import Proxy
from tests.faults.stage import Stage
from tests.faults.witness import Witness

STATION, PLC = "press-1", "plc-1"
TOPIC = f"inspector/{STATION}"

OPEN_BROKER = """\
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
max_inflight_messages 0
persistence true
persistence_location {folder}/
"""
"""The witness must get all that the broker has taken, however much that is."""


@dataclass(slots=True)
class Outage:
    """What failed, from when to when it was made to fail, by the monotonic clock."""

    kind: str
    began_s: float
    began_at: datetime
    """The same by the wall clock."""
    healed_s: float = float("inf")


class Line:
    """``plant`` gives everybody a certificate. The rest are keys of the configuration, ``process`` those at its top."""

    def __init__(self, folder, bundle, *, plant=None, record=None, camera=None, station=None, process=None):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._plant = plant
        self.config = folder / "line.yaml"
        self.outages = []
        self.record = {"folder": str(folder / "records"), **(record or {})}
        self._camera = {"kind": "folder", "path": str(folder / "stage"), "mode": "loop", **(camera or {})}
        self._station = {"triggers": {}} if station is None else station
        self._process_settings = process or {}
        self._bundle = bundle
        self._open = ExitStack()
        self._process = None

    def __enter__(self):
        with ExitStack() as opened:
            config = OPEN_BROKER.format(folder=self.folder)
            self.broker = self._plant.broker() if self._plant else Broker(self.folder / "broker", config)
            opened.enter_context(self.broker)
            self.network = Proxy(self.broker.port)
            opened.callback(self.network.close)
            self.stage = Stage(self.folder / "stage", self._bundle)
            self.witness = Witness(self.broker.port, TOPIC, self._context("reader", "historian"))
            opened.callback(self.witness.close)
            self._save_sessions()
            self._write_config()
            opened.callback(self.kill)
            self.start()
            self._wait_for_the_first_beat()
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_):
        self._open.close()

    def plc(self, **options):
        """A PLC that is connected past the network that can be cut; leaves with the line."""
        tls = self._plant.tls("plc", PLC) if self._plant else None
        settings = MqttSettings(port=self.broker.port, tls=tls)
        plc = Plc(
            settings.client(PLC),
            settings.broker(STATION, PLC),
            TOPIC,
            reply_topic=f"{TOPIC}/answer/{PLC}",
            is_defect=by_name,
            **options,
        )
        plc.connect(settings.host, settings.port)
        self._open.callback(plc.close)
        wait_until(lambda: not plc.ledger.away, "the station's state")
        return plc

    def start(self):
        with (self.folder / "daemon.log").open("a") as log:
            command = [sys.executable, "-m", "inspector.cli", "run", self.config]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def stop(self):
        """As systemd does; returns the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(10)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def records(self, *words):
        """The command ``inspector records``, about this station's record."""
        command = [sys.executable, "-m", "inspector.cli", "records", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def command(self, command, **arguments):
        """Ask as an operator, and wait for the reply."""
        message = {"id": str(ULID()), "command": command, "by": "operator-1", **arguments}
        self.witness.say(f"{TOPIC}/command", json.dumps(message))
        self.witness.wait(lambda: message["id"] in self.witness.replies, f"the reply to {command}")
        return self.witness.replies[message["id"]]

    def breaking(self, kind):
        """An outage of that kind from now on; ``mend`` ends it."""
        self.outages.append(Outage(kind, time.monotonic(), utc_now()))
        FAULTS[kind][0](self)

    def mend(self):
        """End the last outage."""
        outage = self.outages[-1]
        FAULTS[outage.kind][1](self)
        outage.healed_s = time.monotonic()

    def down_times(self):
        """From when to when, and for what, no answer can be expected: until a heartbeat says that all is well again."""
        return [
            (each.began_s, self.witness.ready_after(each.healed_s) or float("inf"), each.kind)
            for each in self.outages
            if each.kind not in CAMERA_FAULTS
        ]

    def _wait_for_the_first_beat(self):
        self.witness.wait(lambda: self.witness.ready_after(0) or self._process.poll() is not None, "a heartbeat")
        assert self._process.poll() is None, (self.folder / "daemon.log").read_text()

    def _context(self, role, name):
        return self._plant.context(role, name) if self._plant else None

    def _save_sessions(self):
        """So that a broker that is killed and started again keeps for the witness what it has not got yet."""
        database = (self._plant.folder if self._plant else self.folder) / "mosquitto.db"
        self.broker.signal(signal.SIGUSR1)
        wait_until(database.exists, "the broker's database")

    def _write_config(self):
        sink = {"kind": "mqtt", "port": self.network.port}
        if self._plant:
            tls = self._plant.tls("station", STATION)
            sink["tls"] = {name: str(file) for name, file in tls.model_dump().items()}
        station = {"name": STATION, "bundle": str(self._bundle), "camera": self._camera, **self._station}
        config = {
            "metrics": {"port": free_port()},
            "logging": {"format": "json"},
            "record": self.record,
            "sinks": [sink],
            "stations": [station],
            **self._process_settings,
        }
        # JSON is YAML.
        self.config.write_text(json.dumps(config, indent=2))


FAULTS = {
    "daemon killed": (Line.kill, Line.start),
    "broker killed": (lambda line: line.broker.kill(), lambda line: line.broker.start()),
    "network cut": (lambda line: line.network.cut(), lambda line: line.network.heal()),
    "network hangs": (lambda line: line.network.hang(), lambda line: line.network.heal()),
    "camera blind": (lambda line: line.stage.blind(), lambda line: line.stage.restore()),
    "camera lost": (lambda line: line.stage.lose(), lambda line: line.stage.restore()),
}
"""How each thing fails, and how it is put right."""

CAMERA_FAULTS = {"camera blind", "camera lost"}
"""These are answered ERROR: no trigger may go without an answer for them."""
