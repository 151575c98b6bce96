"""A plant with the shipped broker configuration and certificates that the shipped script made."""

import ssl
import subprocess
from pathlib import Path

from inspector.sinks.mqtt_settings import TlsSettings
from tests.broker import Broker

DEPLOY = Path(__file__).parents[1] / "deploy" / "mosquitto"
SCRIPT = DEPLOY / "make-certificates"


class Plant:
    """Its own authority, and a broker on loopback that lets in who has a certificate of it."""

    def __init__(self, folder):
        self.folder = folder
        self.certificates = folder / "certificates"
        self.make("authority", "Sample Plant")
        self.make("broker", "localhost", "127.0.0.1")

    def make(self, *words):
        """What the script prints. Raises CalledProcessError where it fails."""
        command = [SCRIPT, "-d", self.certificates, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def tls(self, role, name):
        """The settings of that client, whose certificate is made where it is not there yet."""
        self.make("client", role, name)
        files = self.certificates / "clients"
        return TlsSettings(
            ca_file=self.certificates / "plant-ca.pem",
            cert_file=files / f"{name}.pem",
            key_file=files / f"{name}.key",
        )

    def context(self, role, name):
        return context_of(self.tls(role, name))

    def broker(self, port=None):
        """With the shipped configuration, but for its port and its folders."""
        return Broker(self.folder / "broker", shipped(self.certificates, self.folder), port)


def context_of(tls):
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.cert_file:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


def shipped(certificates, folder):
    text = (DEPLOY / "plant.conf").read_text()
    replaced = {
        "listener 8883\n": "",
        "/etc/mosquitto/certificates/": f"{certificates}/",
        "/etc/mosquitto/access": str(DEPLOY / "access"),
        "/var/lib/mosquitto/": f"{folder}/",
    }
    for ours, theirs in replaced.items():
        assert ours in text
        text = text.replace(ours, theirs)
    return text
