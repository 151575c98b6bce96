"""An MQTT broker for the length of the demo: mosquitto where it is installed, else amqtt from PyPI."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

READY_WITHIN_S: Final = 15.0
MOSQUITTO_PLACES: Final = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
"""Debian installs the broker where only root's PATH looks."""

AMQTT_CONFIG: Final = """\
listeners:
  default: {{type: tcp, bind: "127.0.0.1:{port}"}}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin: {{allow_anonymous: true}}
"""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it listens, on loopback, and which MQTT it speaks."""

    name: str
    port: int
    version: Literal["5", "3.1.1"]


@contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    """A broker that ends with the block. Raises RuntimeError when it does not start."""
    port = _free_port()
    mosquitto = shutil.which("mosquitto", path=MOSQUITTO_PLACES)
    if mosquitto:
        broker, config = Broker("mosquitto", port, "5"), f"listener {port} 127.0.0.1\nallow_anonymous true\n"
        command = [mosquitto, "-c"]
    else:
        broker, config = Broker("amqtt", port, "3.1.1"), AMQTT_CONFIG.format(port=port)
        command = [sys.executable, "-m", "amqtt.scripts.broker_script", "-c"]
    (folder / "broker.conf").write_text(config)
    with (folder / "broker.log").open("w") as log:
        process = subprocess.Popen([*command, folder / "broker.conf"], stdout=log, stderr=log)  # noqa: S603 - our own
    try:
        _wait_for(port, process, folder / "broker.log")
        yield broker
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the broker did not start; see {log}")
