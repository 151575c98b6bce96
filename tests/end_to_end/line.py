"""The real daemon as its own process, on a folder camera."""

import os
import signal
import subprocess
import sys
import urllib.request

from tests.broker import free_port, wait_until

CONFIG = """\
metrics: {{port: {metrics_port}}}
logging: {{format: json, level: debug}}
sinks: [{{kind: mqtt, port: {port}}}]
stations:
"""
STATION = """\
  - name: {name}
    bundle: {bundle}
    camera: {{kind: folder, path: {pictures}, mode: {mode}, rate_hz: {rate_hz}}}
"""


class Line:
    """Writes a configuration for stations named after their picture folders, and runs the daemon on it."""

    def __init__(self, folder, port, bundle, *pictures, mode="loop", rate_hz=20):
        self.metrics_port = free_port()
        self.config = folder / "line.yaml"
        self.log = folder / "daemon.log"
        text = CONFIG.format(metrics_port=self.metrics_port, port=port)
        for each in pictures:
            text += STATION.format(name=each.name, bundle=bundle, pictures=each, mode=mode, rate_hz=rate_hz)
        self.config.write_text(text)
        self.process = None

    def start(self, environment=()):
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "inspector.cli", "run", self.config],
                stdout=output,
                stderr=output,
                env={**os.environ, **dict(environment)},
            )

    def stop(self, timeout_s=10):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics") as page:
            return page.read().decode()

    def wait_for_metric(self, text):
        wait_until(lambda: text in self.metrics(), f"{text} in the metrics")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
