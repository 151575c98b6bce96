"""The command line of ``inspector doctor``."""

import argparse
from pathlib import Path
from typing import Final

DESCRIPTION: Final = (
    "Look at all that a line needs: configuration, bundles, cameras, brokers, certificates, disks, clock, processor,"
    " ports, secrets and the systemd unit. Says of everything that is wrong what to do. Nothing is changed, and a line"
    " that is running is not disturbed: what it has open is not opened again."
)

EPILOG: Final = """examples:
  inspector doctor /etc/inspector/line-1.yaml
  inspector doctor /etc/inspector/line-1.yaml --json | jq '.findings[] | select(.mark == "bad")'

exit status: 0 nothing is wrong, though something may be unclear; 1 something is
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector doctor``."""
    parser.add_argument("config", type=Path, help="configuration file, YAML")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
