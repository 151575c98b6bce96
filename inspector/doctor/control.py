"""Whether the line that runs can be told something on this machine."""

import socket
from collections.abc import Iterator

from inspector.doctor.findings import Finding, Subject, bad, good, unclear


def look_at_control(subject: Subject) -> Iterator[Finding]:
    """One finding where the configuration names a socket. It is connected to, and nothing is said."""
    if subject.config.control is None:
        return
    path = subject.config.control.socket
    if not subject.running:
        yield unclear("control socket", f"{path} is there only while the line runs")
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError as error:
            yield bad("control socket", f"{path}: {error.strerror}", "ask as root, or restart the line")
        else:
            yield good("control socket", f"{path} answers")
