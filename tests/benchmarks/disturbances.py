"""What happens to a daemon in months, one thing after the other, while it inspects."""

import itertools
import signal

from inspector.models import Store
from inspector.remote.client import Client
from tests.broker import wait_until
from tests.bundles import copied

SECTIONS = """\
record: {{folder: {folder}/records, keep_rows: 20000, outbox_rows: 5000}}
archive: {{folder: {folder}/archive, max_bytes: 20000000, queue_bytes: 100000, min_free_bytes: 0}}
models: {{folder: {folder}/models, keep: 2}}
control: {{socket: {folder}/control.sock}}
"""
"""Small enough for all of it to be full, and to rotate, early in a soak."""

STATION = "soak"


class Disturbances:
    """``next`` does one thing, waits until it is over, and says what it was."""

    def __init__(self, folder, bundle, line, broker):
        self._line, self._broker = line, broker
        self._socket, self._store = folder / "control.sock", Store(folder / "models")
        self._bundles = itertools.cycle([copied(bundle, folder / name, name=name) for name in ("first", "second")])
        self._turns = itertools.cycle([self.another_model, self.broker_restarts, self.another_configuration])
        self._text = SECTIONS.format(folder=folder) + line.config.read_text().replace("level: debug", "level: info")
        self._latency_ms = itertools.count(60_000)
        self._write_config()

    def next(self):
        turn = next(self._turns)
        turn()
        return turn.__name__.replace("_", " ")

    def another_model(self):
        digest = self._store.add(next(self._bundles))
        client = Client(self._socket)
        try:
            reply = client.ask("deploy", station=STATION, bundle=digest, shadow=20, probation=50)
            assert reply.accepted, reply.message
            last = wait_until(lambda: settled(client.ask("status", station=STATION)), "the model", 120)
            assert last.outcome == "deployed", last
        finally:
            client.close()

    def broker_restarts(self):
        self._broker.stop()
        self._broker.start()
        wait_until(
            lambda: f'inspector_sink_up{{sink="mqtt",station="{STATION}"}} 1.0' in self._line.metrics(), "the sink", 60
        )

    def another_configuration(self):
        latency_ms = self._write_config()
        self._line.process.send_signal(signal.SIGHUP)
        deadline = f'inspector_deadline_seconds{{station="{STATION}"}} {latency_ms / 1000}'
        wait_until(lambda: deadline in self._line.metrics(), "the configuration", 60)

    def _write_config(self):
        """Each time it differs from the one before, so that the station is built anew."""
        latency_ms = next(self._latency_ms)
        name = f"  - name: {STATION}\n"
        self._line.config.write_text(self._text.replace(name, f"{name}    max_latency_ms: {latency_ms}\n"))
        return latency_ms


def settled(reply):
    return reply.status.model if reply.status.model.step == "settled" else None
