"""Whether the metrics' port is free, or held by the line itself."""

import socket
from collections.abc import Iterator

from inspector.doctor.findings import Finding, Subject, bad, good


def look_at_ports(subject: Subject) -> Iterator[Finding]:
    """One finding."""
    host, port = subject.config.metrics.host, subject.config.metrics.port
    about = f"metrics port {port}"
    if subject.running:
        yield good(about, "the line that runs has it")
        return
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As the daemon does it: a port that was in use a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        advice = f"ss --listening --tcp --processes 'sport = {port}' tells who has it; name another metrics.port"
        yield bad(about, f"{host}:{port} cannot be listened on: {error.strerror}", advice)
    else:
        yield good(about, "free")
