"""A simulated camera that speaks GigE Vision on loopback: the one of Debian's aravis-tools, a process of its own."""

import fcntl
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from tests.requirements import needs

PROGRAM = "arv-fake-gv-camera-0.8"

FIRST, SECOND = "127.0.0.1", "127.0.0.2"
"""Each camera needs an address of its own: the port is fixed by the standard."""

CONTROL_PORT = 3956

DISCOVERY = struct.pack(">BBHHH", 0x42, 0x01, 0x0002, 0, 1)
"""GVCP: key, an acknowledgement is asked for, DISCOVERY_CMD, no payload, request 1."""

LOCK = Path(tempfile.gettempdir()) / "inspector-gige-camera.lock"


class GigECamera:
    """Answers when it is entered. ``lost_per_thousand`` of its packets never leave it."""

    def __init__(self, address=FIRST, serial="TEST01", lost_per_thousand=0):
        self.address = address
        self.serial = serial
        self._command = [PROGRAM, "-i", address, "-s", serial, "-r", str(lost_per_thousand)]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.02)
            while not self._answers(asker):
                assert self._process.poll() is None, self._process.stderr.read()

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()

    def freeze(self):
        """Hang: nothing is sent and nothing is answered, while the network takes all that is said to it."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def _answers(self, asker):
        asker.sendto(DISCOVERY, (self.address, CONTROL_PORT))
        try:
            return asker.recv(1024)
        except (TimeoutError, ConnectionRefusedError):
            return b""


@contextmanager
def only_user():
    """No other process of the tests has such cameras meanwhile: they would be found, or be in the way."""
    needs(shutil.which(PROGRAM), f"{PROGRAM} (apt-get install aravis-tools)")
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def second_address():
    """An address of loopback for another camera, given to it where that is allowed."""
    subprocess.run(["ip", "address", "add", f"{SECOND}/8", "dev", "lo"], check=False, capture_output=True)
    addresses = subprocess.run(["ip", "-oneline", "address", "show", "lo"], check=True, capture_output=True, text=True)
    needs(SECOND in addresses.stdout, f"the address {SECOND} (ip address add {SECOND}/8 dev lo, as root)")
    return SECOND
