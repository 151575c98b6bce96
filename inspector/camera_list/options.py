"""The command line of ``inspector cameras``."""

import argparse
from pathlib import Path
from typing import Final

DESCRIPTION: Final = (
    "List the cameras that are connected, with vendor, model, serial number and address, and what to write into the"
    " configuration for each."
)

EPILOG: Final = """examples:
  inspector cameras
  inspector cameras --cti /opt/vendor/lib/producer.cti --json

exit status: 0 there are some; 1 there is none
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector cameras``."""
    parser.add_argument("--cti", type=Path, action="append", metavar="FILE",
        help="a GenTL producer to ask; without it, those in the folders of GENICAM_GENTL64_PATH")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the text")
