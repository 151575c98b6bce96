"""A real line under real eyes: the daemon at work, a broker over TLS, and Prometheus with the shipped rules."""

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, suppress

import yaml

from tests.broker import MOSQUITTO, free_port, wait_until
from tests.deploy.dashboard import DEPLOY
from tests.deploy.rules import RECORDS
from tests.parts import good_parts, scratched_parts, write_parts
from tests.plant import Plant
from tests.requirements import needs

PROMETHEUS = shutil.which("prometheus")
BUSY, LOST = "press-1", "press-2"
"""A station at work, and one whose camera has never been there."""

OUTCOMES = {"PASS": 2, "FAIL": 2, "ERROR": 1}
"""What the busy station's pictures are, again and again."""


class WatchedLine:
    """Runs while the block does; ``ask`` puts a question to Prometheus, ``page`` is what the daemon tells it."""

    at_work = (
        *(rule["record"] for rule in RECORDS),
        'ALERTS{alertstate="firing"}',
        'inspector_sink_up{sink="mqtt"} == 1',
        "inspector_archive_bytes",
        "inspector_drift",
    )
    """What Prometheus has an answer to when the block begins."""
    scrape_interval = "500ms"

    def __init__(self, folder, bundle):
        needs(MOSQUITTO and shutil.which("openssl"), "mosquitto and openssl (apt-get install mosquitto openssl)")
        needs(PROMETHEUS, "prometheus (Debian: apt-get install prometheus)")
        self._folder = folder
        self._bundle = bundle
        self._daemon, self._prometheus = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self._open = ExitStack()

    def __enter__(self):
        try:
            plant = Plant(self._folder)
            self.broker = self._open.enter_context(plant.broker())
            self._pictures()
            config = write(self._folder / "line.yaml", self._config(self.broker.port, plant.tls("station", BUSY)))
            self._run(sys.executable, "-m", "inspector.cli", "run", config)
            self._run(
                PROMETHEUS,
                f"--config.file={self._scraping()}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address={self._prometheus}",
            )
            wait_until(self._is_ready, "Prometheus")
            wait_until(self._has_seen_all, "Prometheus to have seen the line at work", timeout_s=60)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_):
        self._open.close()

    def page(self):
        with urllib.request.urlopen(f"http://{self._daemon}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def ask(self, path, **parameters):
        """``data`` of Prometheus' answer."""
        question = f"http://{self._prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(question, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expr):
        return self.ask("query", query=expr)["result"]

    def _is_ready(self):
        with suppress(urllib.error.URLError):
            return urllib.request.urlopen(f"http://{self._prometheus}/-/ready", timeout=10).status == 200

    def _has_seen_all(self):
        return all(self.query(each) for each in self.at_work)

    def _run(self, *command):
        log = self._open.enter_context((self._folder / "log").open("a"))
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self._open.callback(process.wait, 30)
        self._open.callback(process.terminate)

    def _pictures(self):
        folder = self._folder / "pictures"
        write_parts(folder, good_parts(OUTCOMES["PASS"], seed=3), "good")
        (first, _) = write_parts(folder, scratched_parts(OUTCOMES["FAIL"], seed=3), "scratched")
        (folder / "torn.png").write_bytes(first.read_bytes()[:-20])

    def _config(self, broker_port, tls):
        camera = {"kind": "folder", "path": str(self._folder / "pictures"), "rate_hz": 50}
        busy = {"name": BUSY, "bundle": str(self._bundle), "camera": camera}
        lost = {**busy, "name": LOST, "camera": {"kind": "opencv", "source": "/dev/video99"}, "sinks": []}
        alarms = {"consecutive_fails": 1, "stop_line": ["consecutive_fails"]}
        return {
            "metrics": {"port": int(self._daemon.rpartition(":")[2])},
            "record": {"folder": str(self._folder / "records")},
            "archive": {"folder": str(self._folder / "archive"), "min_free_bytes": 0},
            "sinks": [{"kind": "mqtt", "host": "localhost", "port": broker_port, "tls": tls.model_dump(mode="json")}],
            # An alarm that stops the line is an alert at once.
            "stations": [{**busy, "alarms": {**alarms, "drift": {"window": 60}}}, lost],
        }

    def _scraping(self):
        """The shipped configuration and rules, in a hurry, and with this daemon in the place of the line's."""
        shipped = DEPLOY / "prometheus"
        config = yaml.safe_load((shipped / "prometheus.yml").read_text())
        config["global"] = dict.fromkeys(
            ["scrape_interval", "scrape_timeout", "evaluation_interval"], self.scrape_interval
        )
        config["alerting"] = {}
        (daemon,) = [job for job in config["scrape_configs"] if job["job_name"] == "inspector"]
        daemon["static_configs"][0]["targets"] = [self._daemon]
        config["scrape_configs"] = [daemon]
        (self._folder / "rules").mkdir()
        for file in (shipped / "rules").glob("*.yml"):
            rules = yaml.safe_load(file.read_text())
            for group in rules["groups"]:
                group.pop("interval", None)
            write(self._folder / "rules" / file.name, rules)
        return write(self._folder / "prometheus.yml", config)


def write(path, content):
    path.write_text(yaml.safe_dump(content))
    return path
