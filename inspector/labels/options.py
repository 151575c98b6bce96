"""The command line of ``inspector labels``."""

import argparse
from pathlib import Path
from typing import Final

DESCRIPTION: Final = (
    "What people have said of parts on the operator's page, and their pictures as a training set; also while the page"
    " runs. Run it as the user that the page runs as."
)

EPILOG: Final = """examples:
  inspector labels line.yaml list --station press-1
  inspector labels line.yaml export --station press-1 --to sets/press-1
  inspector-train fit press-1.yaml                          with data: {root: sets/press-1, anomalies: ...}

An export adds what is new to what is there: normal/ for false rejects, a folder of its type for every other part, and
anomalies.yaml with what belongs into the configuration of training. No picture is overwritten or deleted.

exit status: 0 done; 1 done as far as possible: pictures are gone, or labels of exported ones were withdrawn; 2 wrong
command line; 69 the archive cannot be read now; 78 a mistake in the configuration
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector labels``."""
    parser.add_argument("config", type=Path, help="configuration file, YAML, with a `ui:` section")
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    listing = what.add_parser("list", help="the labels that count, the oldest inspection first")
    listing.add_argument("--station", metavar="NAME", help="of this station")
    listing.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")

    export = what.add_parser("export", help="write the labelled pictures as training takes them")
    export.add_argument("--station", metavar="NAME", required=True, help="of this station")
    export.add_argument("--to", type=Path, metavar="DIR", required=True, help="folder of the set; made if missing")
    export.add_argument("--json", action="store_true", help="one JSON object instead of the text")
