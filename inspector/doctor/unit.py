"""Whether systemd runs the line as this configuration needs it."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from inspector.doctor.findings import Finding, Subject, bad, good, unclear

INSTALLED: Final = Path("/etc/inspector")
"""Where inspector@.service looks for the configuration."""

ASKED: Final = ("LoadState", "UnitFileState", "NeedDaemonReload", "MemoryDenyWriteExecute")


def look_at_unit(subject: Subject) -> Iterator[Finding]:
    """Nothing for a configuration that lies elsewhere, or without systemd."""
    line = Path(subject.line)
    if line.resolve().parent != INSTALLED or not Path("/run/systemd/system").exists():
        return
    unit = f"inspector@{line.stem}.service"
    shown = _shown(unit)
    if shown.get("LoadState") != "loaded":
        yield bad(unit, "systemd does not know it", "deploy/install.sh")
        return
    if shown["NeedDaemonReload"] == "yes":
        yield bad(unit, "its file has changed since systemd read it", "systemctl daemon-reload, then restart it")
    if shown["UnitFileState"] == "enabled":
        yield good(unit, "starts with the machine")
    else:
        yield unclear(unit, "does not start with the machine", f"systemctl enable {unit}")
    engines = {subject.config.wish_of(station).engine for station in subject.config.stations}
    if "openvino" in engines and shown["MemoryDenyWriteExecute"] == "yes":
        advice = "install systemd/drop-ins/openvino.conf for it, then systemctl daemon-reload"
        yield bad(unit, "under it OpenVINO cannot make its code", advice)


def _shown(unit: str) -> dict[str, str]:
    program = shutil.which("systemctl") or "systemctl"
    command = [program, "show", "--property", ",".join(ASKED), unit]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - no shell
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
