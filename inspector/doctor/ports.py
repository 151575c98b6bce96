"""Whether the ports of the metrics and of the page are free, or held by the line itself."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import OK, HTTPConnection, HTTPException, HTTPSConnection

from inspector.doctor.findings import Finding, Subject, bad, good
from inspector.doctor.running import ANSWER_WITHIN_S, ANY_ADDRESS
from inspector.operator_page import PageSettings


def look_at_ports(subject: Subject) -> Iterator[Finding]:
    """One finding for each."""
    metrics, ui = subject.config.metrics, subject.config.ui
    yield _held("metrics", "the line that runs") if subject.running else _free("metrics", metrics.host, metrics.port)
    if ui:
        yield _held("ui", "the page that runs") if _answers(ui) else _free("ui", ui.host, ui.port)


def _held(section: str, by: str) -> Finding:
    return good(f"{section}.port", f"{by} has it")


def _free(section: str, host: str, port: int) -> Finding:
    about = f"{section}.port"
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As the daemon does it: a port that was in use a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        advice = f"ss --listening --tcp --processes 'sport = {port}' tells who has it; name another {about}"
        return bad(about, f"{host}:{port} cannot be listened on: {error.strerror}", advice)
    return good(about, f"{port} is free")


def _answers(ui: PageSettings) -> bool:
    host = ANY_ADDRESS.get(ui.host, ui.host)
    try:
        connection = HTTPConnection(host, ui.port, timeout=ANSWER_WITHIN_S)
        if ui.certificate:
            trust = ssl.create_default_context(cafile=ui.certificate)
            trust.check_hostname = False  # it is asked by its address
            connection = HTTPSConnection(host, ui.port, timeout=ANSWER_WITHIN_S, context=trust)
        with closing(connection):
            connection.request("GET", "/health")
            return connection.getresponse().status == OK
    except (OSError, HTTPException):  # nobody listens, or somebody else
        return False
