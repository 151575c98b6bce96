"""Who is told of which alert, asked of amtool and of a real Alertmanager."""

import json
import re
import shutil
import subprocess
import urllib.request
from contextlib import contextmanager, suppress
from urllib.error import URLError

import pytest
import yaml

from tests.broker import free_port, wait_until
from tests.deploy.alert_cases import CASES
from tests.deploy.dashboard import DEPLOY
from tests.deploy.rules import ALERTS
from tests.requirements import needs

FILE = DEPLOY / "alertmanager" / "alertmanager.yml"
TEXT = FILE.read_text()
CONFIG = yaml.safe_load(TEXT)
AMTOOL, ALERTMANAGER = shutil.which("amtool"), shutil.which("prometheus-alertmanager")

FOLLOWS = {
    "InspectorDown": set(ALERTS) - {"InspectorDown", "InspectorNotScraped"},
    "InspectorCameraLost": {"InspectorNoInspections", "InspectorErrors"},
    "InspectorSinkDown": {"InspectorOutboxGrowing"},
    "InspectorLatencyOverDeadline": {"InspectorLatencyNearDeadline"},
    "InspectorCertificateEndsSoon": {"InspectorCertificateEnds"},
}
"""By cause: the alerts that need no message of their own while it lasts."""


def amtool(*words):
    needs(AMTOOL, "amtool (Debian: apt-get install prometheus-alertmanager)")
    return subprocess.run([AMTOOL, *words], capture_output=True, text=True, check=True).stdout


def test_amtool_accepts_it():
    assert "SUCCESS" in amtool("check-config", FILE)


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "line"), ("warning", "maintenance")])
def test_each_severity_has_its_people(severity, receiver):
    routed = amtool("config", "routes", "test", "--config.file", FILE, f"severity={severity}", "line=line-1")

    assert routed.strip() == receiver


def test_the_mail_of_the_comment_is_accepted(tmp_path):
    example = yaml.safe_load("\n".join(re.findall(r"^#   (.*)$", TEXT.partition("\nroute:")[0], re.MULTILINE)))
    (mail,) = example["receivers"]
    config = CONFIG | example | {"receivers": [mail, {"name": "maintenance"}]}
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config))

    assert "SUCCESS" in amtool("check-config", path)


def test_the_mute_time_of_the_comments_is_accepted(tmp_path):
    head, route, rest = TEXT.partition("\nroute:")
    examples = r"^( *)# (?=- matchers|  receiver|  mute|time_|  -|    )"
    uncommented = re.sub(examples, r"\1", rest, flags=re.MULTILINE)
    path = tmp_path / "alertmanager.yml"
    path.write_text(head + route + uncommented)

    assert {*CONFIG, "time_intervals"} == yaml.safe_load(path.read_text()).keys()
    assert "SUCCESS" in amtool("check-config", path)


@contextmanager
def alertmanager(folder):
    needs(ALERTMANAGER, "Alertmanager (Debian: apt-get install prometheus-alertmanager)")
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={FILE}", f"--storage.path={folder}", "--cluster.listen-address="]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([ALERTMANAGER, *options, f"--web.listen-address={address}"], stderr=log)
    try:
        yield f"http://{address}/api/v2/alerts"
    finally:
        process.terminate()
        process.wait(30)


def ask(url, alerts=None):
    body = None if alerts is None else json.dumps(alerts).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with suppress(URLError), urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"[]")
    return None


def test_what_follows_from_a_cause_is_not_told_beside_it(tmp_path):
    # Each cause on a line of its own, so that the others do not count; beside it what it silences and what it does not.
    posted = [on_line(cause, each) for cause, them in FOLLOWS.items() for each in {cause, "InspectorStopLine"} | them]

    with alertmanager(tmp_path) as url:
        wait_until(lambda: ask(url, posted) is not None, "Alertmanager to take alerts")
        wait_until(lambda: silenced(url) == FOLLOWS, f"{FOLLOWS} to be silenced")


def on_line(line, alert):
    return {
        "labels": {"alertname": alert, **CASES[alert].labels, **ALERTS[alert]["labels"], "which": "ca", "line": line}
    }


def silenced(url):
    """The alerts that nobody is told of, by their line."""
    names = {line: set() for line in FOLLOWS}
    for alert in ask(url):
        if alert["status"]["inhibitedBy"]:
            names[alert["labels"]["line"]].add(alert["labels"]["alertname"])
    return names
