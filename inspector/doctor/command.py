"""What ``inspector doctor`` does."""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from inspector.config import read_config
from inspector.doctor.brokers import look_at_brokers
from inspector.doctor.bundles import look_at_bundles
from inspector.doctor.cameras import look_at_cameras
from inspector.doctor.clock import look_at_clock
from inspector.doctor.control import look_at_control
from inspector.doctor.disks import look_at_disks
from inspector.doctor.findings import Finding, Mark, Subject, bad, good
from inspector.doctor.page import look_at_page
from inspector.doctor.ports import look_at_ports
from inspector.doctor.processor import look_at_processor
from inspector.doctor.running import running
from inspector.doctor.secrets import look_at_secrets
from inspector.doctor.unit import look_at_unit
from inspector.errors import ConfigError

EXIT_BAD: Final = 1

BEHIND_THE_LINE: Final = 10
"""How nice the doctor is to the others: verdicts come first."""

CHECKS: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    look_at_unit,
    look_at_bundles,
    look_at_cameras,
    look_at_brokers,
    look_at_secrets,
    look_at_disks,
    look_at_ports,
    look_at_control,
    look_at_page,
    look_at_processor,
    look_at_clock,
)

COLOURS: Final = {Mark.GOOD: "green", Mark.BAD: "red", Mark.UNCLEAR: "yellow"}


def doctor(arguments: argparse.Namespace) -> int:
    """Do what the arguments of ``options`` say; returns the exit status."""
    os.nice(BEHIND_THE_LINE)
    findings = list(examine(arguments.config))
    well = all(finding.mark is not Mark.BAD for finding in findings)
    if arguments.json:
        print(json.dumps({"healthy": well, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        Console().print(_table(arguments.config, findings))
    return 0 if well else EXIT_BAD


def examine(path: Path) -> Iterator[Finding]:
    """Everything, one after the other; of a configuration that cannot be read, only that."""
    try:
        config = read_config(path)
    except ConfigError as error:
        yield bad("configuration", str(error), "correct the file; its schema: inspector schema config")
        return
    yield good("configuration", f"valid; stations: {', '.join(station.name for station in config.stations)}")
    subject = Subject(str(path), config, running(config))
    for look in CHECKS:
        yield from look(subject)


def _table(path: Path, findings: list[Finding]) -> Table:
    table = Table("what", "", "how it is", "what to do", title=escape(str(path)))
    for finding in findings:
        mark = f"[{COLOURS[finding.mark]}]{finding.mark}[/]"
        table.add_row(escape(finding.about), mark, escape(finding.says), escape(finding.advice))
    return table
