"""The command line of ``inspector bundle``."""

import argparse
from pathlib import Path
from typing import Final

DESCRIPTION: Final = "What a bundle is, where its threshold comes from, and how two bundles differ; nothing is changed."

EPILOG: Final = """examples:
  inspector bundle show bundles/cells
  inspector bundle diff bundles/cells bundles/cells-new --json

exit status: 0 shown, or no difference; 1 they differ; 78 no bundle, told in one message
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All that can be said after ``inspector bundle``."""
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    show = what.add_parser("show", help="the model, its threshold with what it promises, and each calibration")
    show.add_argument("bundle", type=Path, help="folder of the bundle")
    show.add_argument("--json", action="store_true", help="the whole manifest and its digest as JSON")

    diff = what.add_parser("diff", help="threshold, promise, types, training data, results: what is not the same")
    diff.add_argument("a", type=Path, metavar="A", help="folder of a bundle")
    diff.add_argument("b", type=Path, metavar="B", help="folder of another")
    diff.add_argument("--json", action="store_true", help="a list of differences as JSON instead of the table")
